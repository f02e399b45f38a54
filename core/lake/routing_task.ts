/**
 * A share of a batch to route, and the result: plain data, so that the call is the same in this
 * process, in another one, or on another machine. Neither is stored in the lake. The files of a
 * result are durable, but nothing else names them until the results of all shares become the
 * batch's routed record.
 */
import * as z from "zod";
import { StreamlabError } from "../base/errors.ts";
import type { Json } from "../base/json.ts";
import { identifierText, type LoadedTable } from "../iceberg/catalog/catalog.ts";
import { type PartitionSpec, partitionSpecToJson } from "../iceberg/format/partition_spec.ts";
import { type Schema, schemaToJson } from "../iceberg/format/schema.ts";
import { currentSchema, defaultSpec } from "../iceberg/format/table_metadata.ts";
import { type BatchPlan, PLAN_OPTIONS, planFormat, PLANNED_FILE } from "./batch_plan.ts";
import type { RecordFormat } from "./durable_record.ts";
import { FILE_OUTCOME, type FileOutcome, ROUTED_TABLE, type RoutedBatch, type RoutedTable } from "./routed_batch.ts";
import { fileProperties } from "../tables/write/target_table.ts";
import type { TargetTables } from "./target.ts";

const tableShape = z.strictObject({
  /** `bronze.events`, for messages. */
  name: z.string(),
  /** Of the store that its files are in, and the path of the table's folder there. */
  root: z.string(),
  folder: z.string(),
  /** As the table's metadata spells them. */
  schema: z.unknown(),
  spec: z.unknown(),
  /** Of the table's, those that say how Parquet files are written. */
  properties: z.record(z.string(), z.string()),
  /** The highest field id that the table ever used. */
  lastColumnId: z.number().int(),
});

const taskShape = z.strictObject({
  format: z.literal(1),
  sequenceId: z.string(),
  batchId: z.number().int().positive(),
  /** Unlike that of any other task, and of any other try of this one: part of its files' names. */
  attempt: z.string().regex(/^[0-9a-f]{12}$/),
  /** The `_ingested_at` of all rows, microseconds since 1970; the same for all shares. */
  ingestedAtMicros: z.string().regex(/^\d+$/),
  /** The plan's. */
  contract: z.string(),
  options: PLAN_OPTIONS,
  /** Root of the store that the raw files are in. */
  rawRoot: z.string(),
  /** The share; `number` is a file's place in the plan. */
  files: z.array(PLANNED_FILE.extend({ number: z.number().int() })),
  events: tableShape,
  deadLetters: tableShape,
  limits: z.strictObject({
    threads: z.number().int().positive(),
    /** For the threads and DuckDB, a size as DuckDB writes it. */
    memory: z.string(),
  }),
});

const leftOutShape = z.strictObject({ clashing: z.array(z.string()), beyond: z.number().int() });

const misnamedShape = z.strictObject({
  name: z.string(),
  found: z.enum(["gzip", "zstd", "not compressed"]),
});

const resultShape = z.strictObject({
  format: z.literal(1),
  sequenceId: z.string(),
  batchId: z.number().int().positive(),
  attempt: z.string(),
  events: ROUTED_TABLE,
  deadLetters: ROUTED_TABLE,
  /** See `RoutedBatch`. */
  tombstones: ROUTED_TABLE.optional(),
  files: z.array(FILE_OUTCOME.extend({ number: z.number().int() })),
  /** Fields that were to become columns, and did not. */
  leftOut: leftOutShape,
  /** What files were read as, where their names say something else. */
  misnamed: z.array(misnamedShape),
  /** Dead letters by reason. */
  reasons: z.record(z.string(), z.number()),
});

export type RoutingTask = z.infer<typeof taskShape>;
export type TaskTable = z.infer<typeof tableShape>;
export type RoutingResult = z.infer<typeof resultShape>;
export type Misnamed = z.infer<typeof misnamedShape>;
export type FoundPacking = Misnamed["found"];
export type NumberedOutcome = RoutingResult["files"][number];

export const TASK_FORMAT: RecordFormat<RoutingTask> = {
  what: "routing task",
  shapes: [taskShape],
  damagedHint: "Give the task as it was made",
};

export const RESULT_FORMAT: RecordFormat<RoutingResult> = {
  what: "routing result",
  shapes: [resultShape],
  damagedHint: "Route the task again",
};

export interface TaskOptions {
  /** One for each share. */
  attempts: readonly string[];
  ingestedAtMicros: bigint;
  rawRoot: string;
  limits: RoutingTask["limits"];
}

/** What opening a file costs, as bytes that are read meanwhile. */
const FILE_BYTES = 20_000;

/** A batch as tasks of about as many bytes each. */
export function routingTasks(
  plan: BatchPlan,
  tables: Pick<TargetTables, "events" | "deadLetters">,
  { attempts, ingestedAtMicros, ...rest }: TaskOptions,
): RoutingTask[] {
  const { sequenceId, batchId, contract, options } = plan;
  const shares = evenShares(plan.files.map(({ size }) => size), attempts.length);
  return attempts.map((attempt, share): RoutingTask => ({
    format: 1,
    sequenceId,
    batchId,
    attempt,
    ingestedAtMicros: ingestedAtMicros.toString(),
    contract,
    options,
    files: shares[share]!.map((number) => ({ ...plan.files[number]!, number })),
    events: taskTable(tables.events),
    deadLetters: taskTable(tables.deadLetters),
    ...rest,
  }));
}

/**
 * Deals numbers out, the largest first, each to the share that is the smallest by then; those of a
 * share are in order.
 */
function evenShares(sizes: readonly number[], count: number): number[][] {
  // A heap: no share is larger than the two that it is the parent of.
  const heap = Array.from({ length: count }, (): { size: number; numbers: number[] } => ({ size: 0, numbers: [] }));
  for (const number of sizes.keys().toArray().sort((left, right) => sizes[right]! - sizes[left]!)) {
    const share = heap[0]!;
    // A file costs something by itself.
    share.size += sizes[number]! + FILE_BYTES;
    share.numbers.push(number);
    for (let at = 0;;) {
      const [left, right] = [2 * at + 1, 2 * at + 2];
      const child = right < count && heap[right]!.size < heap[left]!.size ? right : left;
      if (child >= count || heap[child]!.size >= share.size) break;
      [heap[at], heap[child]] = [heap[child]!, share];
      at = child;
    }
  }
  return heap.map(({ numbers }) => numbers.sort((left, right) => left - right));
}

export function taskTable({ identifier, metadata, io }: LoadedTable): TaskTable {
  const { store, folder } = io.location;
  const [schema, spec]: [Schema, PartitionSpec] = [currentSchema(metadata), defaultSpec(metadata)];
  return {
    name: identifierText(identifier),
    root: store.root,
    folder,
    schema: schemaToJson(schema),
    spec: partitionSpecToJson(spec),
    properties: fileProperties(metadata.properties),
    lastColumnId: metadata.lastColumnId,
  };
}

/** What became of all files of a batch, in the plan's order, those that are only recorded last. */
export function batchOutcomes(plan: BatchPlan, routed: readonly NumberedOutcome[]): FileOutcome[] {
  const byNumber = new Map(routed.map(({ number, ...outcome }) => [number, outcome]));
  if (byNumber.size !== routed.length || plan.files.some((_file, number) => !byNumber.has(number))) {
    throw new StreamlabError(
      "internal",
      `Cannot put batch ${plan.batchId} together: its shares do not hold each of its files once`,
    );
  }
  const recorded = plan.changed.map(({ name, etag, size }): FileOutcome => {
    return { name, etag, size, status: "changed", records: 0, events: 0, deadLetters: 0, duplicates: 0 };
  });
  const outcomes = plan.files.map((_file, number) => byNumber.get(number)!);
  return [...outcomes, ...recorded, ...replacedOutcomes(plan, new Set(reingestedNames(outcomes)))];
}

/** In the ledger's sums of a version what it was ingested with is taken away. */
function replacedOutcomes({ reingest }: BatchPlan, names: ReadonlySet<string>): FileOutcome[] {
  const replaced = reingest?.filter(({ name }) => names.has(name)) ?? [];
  return replaced.map(({ name, etag, size, records, events, deadLetters }): FileOutcome => ({
    name,
    etag,
    size,
    status: "reingested",
    records: less(records),
    events: less(events),
    deadLetters: less(deadLetters),
    duplicates: 0,
  }));
}

/** Never minus zero. */
function less(count: number): number {
  return count === 0 ? 0 : -count;
}

/** The rows of one that could not be read stay. */
function reingestedNames(outcomes: readonly FileOutcome[]): string[] {
  return outcomes.flatMap(({ name, status }) => status === "ingested" ? [name] : []);
}

/**
 * The routed record of a batch, from the results of all its shares. Fails with `conflict` where
 * shares have given new columns (`add`) different ids: all are to be routed again then, from
 * tasks whose tables have the columns of all.
 */
export function combineResults(
  plan: BatchPlan,
  batch: Pick<RoutedBatch, "attempt" | "ingestedAtMicros" | "ledger">,
  results: readonly RoutingResult[],
): RoutedBatch {
  const stranger = results.find((each) => each.sequenceId !== plan.sequenceId || each.batchId !== plan.batchId);
  if (stranger !== undefined) {
    throw new StreamlabError(
      "internal",
      `Cannot put batch ${plan.batchId} together: a share is of batch ${stranger.batchId} of ${stranger.sequenceId}`,
    );
  }
  const tombstones = results.flatMap((result) => result.tombstones ?? []);
  const files = batchOutcomes(plan, results.flatMap(({ files }) => files));
  return {
    format: planFormat(plan),
    sequenceId: plan.sequenceId,
    batchId: plan.batchId,
    ...batch,
    tombstones: tombstones.length === 0 ? undefined : combineTables(plan, tombstones),
    events: combineTables(plan, results.map(({ events }) => events)),
    deadLetters: combineTables(plan, results.map(({ deadLetters }) => deadLetters)),
    files,
    reingested: plan.reingest && reingestedNames(files),
  };
}

function combineTables({ batchId }: BatchPlan, parts: readonly RoutedTable[]): RoutedTable {
  const [{ files: _files, ...first }, ...others] = parts as [RoutedTable, ...RoutedTable[]];
  const differs = ({ files: _files, ...rest }: RoutedTable) => JSON.stringify(rest) !== JSON.stringify(first);
  if (others.some(differs)) {
    throw new StreamlabError(
      "conflict",
      `Cannot put batch ${batchId} together: its shares found different new columns`,
      { hint: "Route it again from tasks whose tables have the columns of all shares, or in one share" },
    );
  }
  return { ...first, schema: first.schema as Json, files: parts.flatMap(({ files }) => files) };
}
