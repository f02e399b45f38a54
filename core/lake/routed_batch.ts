import * as z from "zod";
import { isKind } from "../base/errors.ts";
import type { Json } from "../base/json.ts";
import { highestFieldId, schemaFromJson } from "../iceberg/format/schema.ts";
import type { RecordFormat } from "./durable_record.ts";

const count = z.string().regex(/^\d+$/);

const columnShape = z.strictObject({
  path: z.array(z.string()),
  size: count,
  values: count,
  nulls: count,
  hasNan: z.boolean(),
  min: z.string().optional(),
  max: z.string().optional(),
});

export const ROUTED_DATA_FILE = z.strictObject({
  /** Path in the table's folder. */
  path: z.string(),
  records: count,
  size: count,
  partition: z.array(z.string().nullable()),
  columns: z.array(columnShape),
});

export const ROUTED_TABLE = z.strictObject({
  specId: z.number().int(),
  /** The schema that the files were written with, as the table's metadata spells it. */
  schema: z.unknown(),
  /** The highest field id of the table when the files were written, and with that schema. */
  lastColumnIdBefore: z.number().int(),
  files: z.array(ROUTED_DATA_FILE),
});

export const FILE_OUTCOME = z.strictObject({
  name: z.string(),
  etag: z.string(),
  size: z.number(),
  status: z.enum(["ingested", "changed", "vanished", "replayed", "reingested"]),
  /** Of a version that a reingest replaces all figures are less than none. */
  records: z.number(),
  events: z.number(),
  /** Of a replay what they have become more, which is less than none. */
  deadLetters: z.number(),
  duplicates: z.number(),
  /** With upserts: records that are no row: a newer one has their key, or they remove it. */
  superseded: z.number().optional(),
});

const routedShape = z.strictObject({
  format: z.literal(1),
  sequenceId: z.string(),
  batchId: z.number().int().positive(),
  /** Unlike that of any other attempt at this batch; part of its files' names. */
  attempt: z.string(),
  /** The `_ingested_at` of all rows, microseconds since 1970. */
  ingestedAtMicros: count,
  events: ROUTED_TABLE,
  deadLetters: ROUTED_TABLE,
  ledger: ROUTED_TABLE,
  files: z.array(FILE_OUTCOME),
});

const replayedShape = routedShape.extend({
  format: z.literal(2),
  /**
   * The letters that its rows come from, each by its file, its batch and its position. They go in
   * the commit to the table of dead letters. Compaction may have rewritten the events by then, so
   * no data file is asked for them.
   */
  replayed: z.array(z.strictObject({
    name: z.string(),
    batchId: z.number().int().positive(),
    positions: z.array(z.number().int().nonnegative()),
  })),
});

const upsertedShape = routedShape.extend({
  format: z.literal(3),
  /**
   * Records that remove their keys, for a branch of the table of events. Rows that the batch takes
   * the place of are found when it is committed.
   */
  tombstones: ROUTED_TABLE,
});

const reingestedShape = routedShape.extend({
  format: z.literal(4),
  /**
   * Names of the raw files whose rows of earlier batches go, from events and dead letters, in the
   * commits that add those of this batch.
   */
  reingested: z.array(z.string()),
});

/**
 * What routing made of a batch: durable data files with their statistics, and what became of every
 * raw file. From here on a batch is only committed, never routed again.
 */
export interface RoutedBatch extends Omit<z.infer<typeof routedShape>, "format"> {
  format: 1 | 2 | 3 | 4;
  replayed?: z.infer<typeof replayedShape>["replayed"] | undefined;
  tombstones?: RoutedTable | undefined;
  reingested?: string[] | undefined;
}

export type RoutedTable = z.infer<typeof ROUTED_TABLE>;
export type RoutedDataFile = z.infer<typeof ROUTED_DATA_FILE>;
export type FileOutcome = z.infer<typeof FILE_OUTCOME>;

/** All files of a batch that are to be part of a table. */
export function filesFor(role: "events" | "deadLetters" | "ledger", routed: RoutedBatch): RoutedDataFile[] {
  return [...routed[role].files, ...role === "events" ? routed.tombstones?.files ?? [] : []];
}

/** Whether the files have fields that the table lacked when they were written. */
export function bringsFields({ schema, lastColumnIdBefore }: RoutedTable): boolean {
  try {
    return highestFieldId(schemaFromJson(schema as Json)) > lastColumnIdBefore;
  } catch (error) {
    // Whoever asks must not take it for a schema without new fields.
    if (isKind(error, "corrupt")) return true;
    throw error;
  }
}

export const ROUTED_FORMAT: RecordFormat<RoutedBatch> = {
  what: "routed record",
  shapes: [routedShape, replayedShape, upsertedShape, reingestedShape],
  damagedHint:
    "Restore the checkpoints folder from where it was damaged; do not delete it while a batch is half committed",
};
