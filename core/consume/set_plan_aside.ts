import type { Clock } from "../base/clock.ts";
import type { Json } from "../base/json.ts";
import { isKind } from "../base/errors.ts";
import { Meter } from "../base/meter.ts";
import { type Random, uuidV4 } from "../base/random.ts";
import {
  type Catalog,
  identifierText,
  type LoadedTable,
  requireTable,
  type TableIdentifier,
} from "../iceberg/catalog/catalog.ts";
import { schemaToJson } from "../iceberg/format/schema.ts";
import { type BatchPlan, plannedLetters } from "../lake/batch_plan.ts";
import { Checkpoint } from "../lake/checkpoint.ts";
import type { RoutedBatch, RoutedTable } from "../lake/routed_batch.ts";
import { identifiersOf } from "../lake/table_names.ts";
import { plannedTable, type TargetTables } from "../lake/target.ts";
import type { Store } from "../storage/store.ts";
import { renumberedFile } from "../tables/write/parquet/renumbered_file.ts";
import { commitBatch } from "./commit_batch.ts";
import { checkState, type ConsumerState, stateOf } from "./consumer_state.ts";

export interface SetAsideOptions {
  catalog: Catalog;
  /** The store of the lake, for checkpoints. */
  store: Store;
  clock: Clock;
  random: Random;
  target: TableIdentifier;
  dryRun: boolean;
}

export type SetAsideReport =
  /** Nothing is planned, or every plan is done. */
  | { outcome: "nothing" }
  /** It is routed; the next run of consume commits it. */
  | { outcome: "routed"; batchId: bigint }
  /**
   * `files` and `bytes` of the plan; undefined where it cannot be read. Of a replay, the dead
   * `letters` that it was to judge again.
   */
  | {
    outcome: "set aside";
    batchId: bigint;
    files: number | undefined;
    bytes: number | undefined;
    letters: number | undefined;
    /** Whether the tables have rows of its files, which stay. */
    isReingest: boolean;
  };

/**
 * Sets aside a plan that was not routed. Its batch becomes one without files, so the ledger does
 * not have them and the next run plans them again; dead letters, and rows of files
 * that were to be reingested, stay where they are. This is the
 * protocol's own race: whoever creates the batch's routed record first, a consumer or we, decides
 * its content, and any process may commit it. So it is safe beside running consumers, and a crash
 * leaves either the plan as it was, or a batch that the next run commits.
 */
export async function setPlanAside(options: SetAsideOptions): Promise<SetAsideReport> {
  const { catalog, store, clock, random, target, dryRun } = options;
  const name = identifierText(target);
  const tables = await loadTables(catalog, target);
  const checkpoint = new Checkpoint(store, name);
  const state = stateOf(tables, name);
  const batchId = state.doneBatchId + 1n;
  if (await checkpoint.readRouted(batchId) !== undefined) return { outcome: "routed", batchId };
  const plan = await readStandingPlan(tables, checkpoint, name, state);
  if (plan === undefined) return { outcome: "nothing" };
  if (!dryRun) {
    const empty = emptyBatch(tables, state, uuidV4(random), clock.nowMs());
    const standing = await checkpoint.createRouted(empty);
    if (standing.attempt !== empty.attempt) return { outcome: "routed", batchId };
    const facts = { plannedMs: clock.nowMs(), routedMs: clock.nowMs(), reasons: {} };
    const context = { catalog, clock, random, target: name, meter: new Meter(clock), facts, renumber: renumberedFile };
    await commitBatch(context, tables, empty);
    await catalog.settle();
  }
  const files = plan === "damaged" ? undefined : plan.files;
  const letters = plan === "damaged" ? undefined : plannedLetters(plan);
  return {
    outcome: "set aside",
    batchId,
    files: files?.length,
    bytes: files?.reduce((sum, { size }) => sum + size, 0),
    letters,
    isReingest: plan !== "damaged" && plan.reingest !== undefined,
  };
}

/** One after another: of several that are missing, the table of events is named. */
async function loadTables(catalog: Catalog, target: TableIdentifier): Promise<TargetTables> {
  const events = await requireTable(catalog, target);
  const { deadLetters, ledger } = identifiersOf(target, events.metadata.properties);
  return {
    events,
    deadLetters: await requireTable(catalog, deadLetters),
    ledger: await requireTable(catalog, ledger),
  };
}

/**
 * Fails if tables and checkpoint contradict each other: a half committed batch must be finished,
 * not set aside.
 */
async function readStandingPlan(
  tables: TargetTables,
  checkpoint: Checkpoint,
  name: string,
  state: ConsumerState,
): Promise<BatchPlan | "damaged" | undefined> {
  const last = await checkpoint.lastRecorded();
  try {
    return (await checkState(tables, checkpoint, name, last)).plan;
  } catch (error) {
    if (!isKind(error, "corrupt")) throw error;
    // The content of a damaged plan does not matter: its files are in no ledger, so none is lost.
    await checkState(tables, checkpoint, name, state.doneBatchId);
    return "damaged";
  }
}

function emptyBatch(tables: TargetTables, state: ConsumerState, attempt: string, nowMs: number): RoutedBatch {
  const part = (table: LoadedTable): RoutedTable => {
    const { spec, schema, lastColumnIdBefore } = plannedTable(table);
    return { specId: spec.specId, schema: schemaToJson(schema) as Json, lastColumnIdBefore, files: [] };
  };
  return {
    format: 1,
    sequenceId: state.sequenceId,
    batchId: Number(state.doneBatchId) + 1,
    attempt,
    ingestedAtMicros: `${nowMs}000`,
    events: part(tables.events),
    deadLetters: part(tables.deadLetters),
    ledger: part(tables.ledger),
    files: [],
  };
}
