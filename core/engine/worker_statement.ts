import type { DuckDBConnection, DuckDBPendingResult, DuckDBResultReader } from "@duckdb/node-api";
import type { PendingResult } from "@duckdb/node-bindings";
import { systemClock } from "../base/clock.ts";
import { loadNodeApi } from "./duckdb_library.ts";

/**
 * How long to wait between two checks of a statement: short ones are noticed at once, long ones
 * cost nothing.
 */
const LOOK_MS_MIN = 1, LOOK_MS_MAX = 5;

/**
 * Runs one statement on DuckDB's own workers while this thread only looks now and then whether it
 * is done. The client's own way lends the statement a thread that spins whenever the workers have
 * all its tasks; and in Deno before 2.9 that thread is this one, which then cannot answer when the
 * statement calls a function of ours, and both wait for ever.
 */
export async function runOnWorkers(connection: DuckDBConnection, sql: string): Promise<DuckDBResultReader> {
  const prepared = await connection.prepare(sql);
  try {
    const pending = prepared.start();
    try {
      await untilDone(pending);
    } catch (error) {
      // Only who asks for the result closes what failed; till then it holds the whole database.
      await pending.getResult().catch(() => undefined);
      throw error;
    }
    return await pending.readAll();
  } finally {
    prepared.destroySync();
  }
}

async function untilDone(pending: DuckDBPendingResult): Promise<void> {
  const { pending_error, pending_execute_check_state, PendingState } = (await loadNodeApi()).bindings;
  // The client keeps its handle to itself.
  const handle = (pending as unknown as { pending_result: PendingResult }).pending_result;
  for (let waitMs = LOOK_MS_MIN;; waitMs = Math.min(LOOK_MS_MAX, waitMs * 1.2)) {
    const state = pending_execute_check_state(handle);
    if (state !== PendingState.RESULT_NOT_READY && state !== PendingState.NO_TASKS_AVAILABLE) break;
    await systemClock.sleep(waitMs);
  }
  // A successful end is reported as an error, too; only the text tells them apart.
  const error = pending_error(handle);
  if (error) throw new Error(error);
}
