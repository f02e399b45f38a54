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
import { FILE_PIECE, type FilePiece, sizeOfPieces } from "./file_survey.ts";
import { FILE_OUTCOME, type FileOutcome, ROUTED_TABLE, type RoutedBatch, type RoutedTable } from "./routed_batch.ts";
import { fileProperties } from "../tables/write/target_table.ts";
import type { TargetTables } from "./target.ts";

export const TASK_TABLE = z.strictObject({
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

/** Some of the ranges that a large file was cut into for the tasks of its batch. */
const rangesShape = z.strictObject({
  /** Their numbers, of how many there are. */
  numbers: z.array(z.number().int().nonnegative()),
  of: z.number().int().positive(),
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
  files: z.array(PLANNED_FILE.extend({
    number: z.number().int(),
    /** Of a file that other tasks have the rest of, ascending. */
    pieces: z.array(FILE_PIECE).optional(),
    ranges: rangesShape.optional(),
  })),
  events: TASK_TABLE,
  deadLetters: TASK_TABLE,
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
  /** Of a file that was cut, what became of the records in those ranges. */
  files: z.array(FILE_OUTCOME.extend({ number: z.number().int(), ranges: rangesShape.optional() })),
  /** Fields that were to become columns, and did not. */
  leftOut: leftOutShape,
  /** What files were read as, where their names say something else. */
  misnamed: z.array(misnamedShape),
  /** Dead letters by reason. */
  reasons: z.record(z.string(), z.number()),
});

export type RoutingTask = z.infer<typeof taskShape>;
export type TaskTable = z.infer<typeof TASK_TABLE>;
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
  /** The ranges of files that are cut, by the files' numbers. */
  cuts?: FileCuts | undefined;
  ingestedAtMicros: bigint;
  rawRoot: string;
  limits: RoutingTask["limits"];
}

/** Of each range the pieces that it consists of. */
export type FileCuts = ReadonlyMap<number, readonly (readonly FilePiece[])[]>;

/** What opening a file costs, as bytes that are read meanwhile. */
const FILE_BYTES = 20_000;

/** A batch as tasks of about as many bytes each. */
export function routingTasks(
  plan: BatchPlan,
  tables: Pick<TargetTables, "events" | "deadLetters">,
  { attempts, ingestedAtMicros, cuts = new Map(), ...rest }: TaskOptions,
): RoutingTask[] {
  const { sequenceId, batchId, contract, options } = plan;
  const shares = evenShares(loadsOf(plan, cuts), attempts.length);
  return attempts.map((attempt, share): RoutingTask => ({
    format: 1,
    sequenceId,
    batchId,
    attempt,
    ingestedAtMicros: ingestedAtMicros.toString(),
    contract,
    options,
    files: taskFiles(plan, shares[share]!, cuts),
    events: taskTable(tables.events),
    deadLetters: taskTable(tables.deadLetters),
    ...rest,
  }));
}

/** What is dealt out as one: a file, or a range of one. */
interface Load {
  size: number;
  number: number;
  range?: number;
}

function loadsOf({ files }: BatchPlan, cuts: FileCuts): Load[] {
  return files.flatMap(({ size }, number): Load[] => {
    const ranges = cuts.get(number);
    return ranges?.map((pieces, range) => ({ size: sizeOfPieces(pieces), number, range })) ?? [{ size, number }];
  });
}

/** A file stands once, with all ranges of it that are in the share. */
function taskFiles({ files }: BatchPlan, loads: readonly Load[], cuts: FileCuts): RoutingTask["files"] {
  if (cuts.size === 0) return loads.map(({ number }) => ({ ...files[number]!, number }));
  return [...Map.groupBy(loads, ({ number }) => number)].map(([number, parts]) => {
    const file = { ...files[number]!, number }, ranges = cuts.get(number);
    if (ranges === undefined) return file;
    const numbers = parts.map(({ range }) => range!);
    return { ...file, pieces: numbers.flatMap((range) => ranges[range]!), ranges: { numbers, of: ranges.length } };
  });
}

/**
 * Deals loads out, the largest first, each to the share that is the smallest by then; those of a
 * share are in order.
 */
function evenShares(loads: readonly Load[], count: number): Load[][] {
  // A heap: no share is larger than the two that it is the parent of.
  const heap = Array.from({ length: count }, (): { size: number; indexes: number[] } => ({ size: 0, indexes: [] }));
  for (const index of loads.keys().toArray().sort((left, right) => loads[right]!.size - loads[left]!.size)) {
    const share = heap[0]!;
    // A file costs something by itself.
    share.size += loads[index]!.size + FILE_BYTES;
    share.indexes.push(index);
    for (let at = 0;;) {
      const [left, right] = [2 * at + 1, 2 * at + 2];
      const child = right < count && heap[right]!.size < heap[left]!.size ? right : left;
      if (child >= count || heap[child]!.size >= share.size) break;
      [heap[at], heap[child]] = [heap[child]!, share];
      at = child;
    }
  }
  return heap.map(({ indexes }) => indexes.sort((left, right) => left - right).map((index) => loads[index]!));
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
  const { whole = [], cut = [] } = Object.groupBy(routed, ({ ranges }) => ranges === undefined ? "whole" : "cut");
  const joined = [...Map.groupBy(cut, ({ number }) => number).values()].map(joinedOutcome);
  const outcomes = [...whole, ...joined].map((outcome) => {
    if (outcome === undefined) return undefined;
    const { number, ranges: _ranges, ...rest } = outcome;
    return [number, rest] as const;
  });
  const byNumber = new Map(outcomes.filter((outcome) => outcome !== undefined));
  const areAll = outcomes.length === byNumber.size && byNumber.size === plan.files.length;
  if (!areAll || plan.files.some((_file, number) => !byNumber.has(number))) {
    throw new StreamlabError(
      "internal",
      `Cannot put batch ${plan.batchId} together: its shares do not hold each of its files once`,
    );
  }
  const recorded = plan.changed.map(({ name, etag, size }): FileOutcome => {
    return { name, etag, size, status: "changed", records: 0, events: 0, deadLetters: 0, duplicates: 0 };
  });
  const files = plan.files.map((_file, number) => byNumber.get(number)!);
  return [...files, ...recorded, ...replacedOutcomes(plan, new Set(reingestedNames(files)))];
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

/** Of a cut file, from all shares that have some; undefined where they lack or double some. */
function joinedOutcome(parts: readonly NumberedOutcome[]): NumberedOutcome | undefined {
  const [first, ...others] = parts as [NumberedOutcome, ...NumberedOutcome[]];
  const numbers = parts.flatMap(({ ranges }) => ranges!.numbers);
  if (new Set(numbers).size !== numbers.length || numbers.length !== first.ranges!.of) return undefined;
  const outcome = { ...first };
  for (const { records, events, deadLetters, duplicates } of others) {
    outcome.records += records;
    outcome.events += events;
    outcome.deadLetters += deadLetters;
    outcome.duplicates += duplicates;
  }
  return outcome;
}

/** Whether a file changed, or vanished, when some of its ranges were routed and others were not. */
export function isSomeFileTorn(routed: readonly NumberedOutcome[]): boolean {
  const statuses = new Map<number, string>();
  return routed.some(({ number, status }) => {
    const known = statuses.get(number) ?? status;
    statuses.set(number, status);
    return known !== status;
  });
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
