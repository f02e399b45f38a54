import type { Json } from "../../base/json.ts";
import type { BatchRecord } from "../../lake/batch_history.ts";
import type { IngestionStatus, StandingPlan } from "../../maintain/status/ingestion_status.ts";
import { jsonAnswer } from "../answer.ts";
import type { LakeState } from "../metrics/lake_watch.ts";
import { type ConsoleCall, type ConsoleParts, isoOf } from "./console_call.ts";

const RATE_MS = 60_000;

/** Each target: what waits, since when, its last batch, its dead letters by reason. */
export async function showOverview({ parts }: ConsoleCall): Promise<Response> {
  return jsonAnswer(200, await overviewJson(parts));
}

/** As of a look that is at most so old. Ages in it count from `at`. */
export async function overviewJson(parts: ConsoleParts, lookAgeMs?: number): Promise<Json> {
  const { state, problem } = await parts.watch.glance(lookAgeMs);
  const atMs = state?.lookedAtMs ?? parts.clock.nowMs();
  const batches = state === undefined ? [] : await parts.batches.recent();
  return {
    at: isoOf(atMs),
    lake: parts.lake,
    isReadable: problem === undefined,
    allowsUpkeep: parts.upkeep !== undefined,
    unreadableTables: [...state?.unreadable ?? []].map(([table, problem]) => ({
      table,
      problem: parts.shown(problem),
    })),
    targets: state?.ingestion.map((status) => ({
      ...targetJson(status, state, atMs, parts.shown),
      eventsPerSecond: rateOf(batches.filter(({ table }) => table === status.table), parts.clock.nowMs()),
    })) ?? [],
  };
}

/** Of the last minute. */
function rateOf(batches: readonly BatchRecord[], nowMs: number): number {
  const events = batches.filter(({ committedMs }) => committedMs > nowMs - RATE_MS)
    .reduce((sum, batch) => sum + batch.events, 0);
  return Math.round(events / RATE_MS * 1_000 * 10) / 10;
}

function targetJson(
  { table, deadLetterTable, raw, waiting, problem, lastBatch, plan }: IngestionStatus,
  { deadLetters }: LakeState,
  nowMs: number,
  shown: (text: string) => string,
): { [key: string]: Json } {
  const { oldestMs } = waiting ?? {};
  return {
    target: table,
    raw: raw ?? null,
    waitingFiles: waiting?.files ?? null,
    waitingBytes: waiting?.bytes ?? null,
    lagMs: waiting === undefined ? null : oldestMs === undefined ? 0 : Math.max(0, Math.round(nowMs - oldestMs)),
    problem: problem === undefined ? null : shown(problem),
    plan: plan === undefined ? null : planJson(plan, shown),
    lastBatch: lastBatch === undefined ? null : {
      batchId: lastBatch.batchId,
      ingestedAt: isoOf(lastBatch.ingestedAtMs),
      files: lastBatch.files,
      records: lastBatch.records,
      events: lastBatch.events,
      deadLetters: lastBatch.deadLetters,
    },
    deadLetterTable,
    deadLetters: Object.fromEntries(deadLetters.get(deadLetterTable) ?? []),
  };
}

function planJson(
  { batchId, isRouted, files, letters, plannedAtMs, failures, lastError }: StandingPlan,
  shown: (text: string) => string,
): Json {
  return {
    batchId,
    isRouted,
    files: files ?? null,
    letters: letters ?? null,
    plannedAt: isoOf(plannedAtMs),
    failures,
    lastError: lastError === undefined ? null : shown(lastError),
  };
}
