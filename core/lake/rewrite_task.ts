/**
 * A group of a table's data files to rewrite, and the result: plain data, like a routing task, and
 * neither is stored in the lake. The new files are durable, and only the intent of their group
 * announces them, until they are committed.
 */
import * as z from "zod";
import type { RecordFormat } from "./durable_record.ts";
import { ROUTED_DATA_FILE } from "./routed_batch.ts";

const fileShape = z.strictObject({
  content: z.enum(["data", "position-deletes", "equality-deletes"]),
  /** URI, as it stands in the manifest. */
  path: z.string(),
  format: z.enum(["parquet", "avro", "orc", "puffin"]),
  records: z.number().int(),
  /** Bytes. */
  size: z.number().int(),
  splitOffsets: z.array(z.number().int()).optional(),
  equalityIds: z.array(z.number().int()).optional(),
});

/** Of a partition; the text is that of a number, or of bytes in hexadecimal. */
const valueShape = z.strictObject({
  type: z.enum(["boolean", "number", "bigint", "string", "bytes"]),
  text: z.string(),
});

const taskShape = z.strictObject({
  format: z.literal(1),
  /** `bronze.events` */
  table: z.string(),
  /** Of the store that its files are in, and the path of the table's folder there. */
  root: z.string(),
  folder: z.string(),
  /** How its metadata calls that folder. */
  recorded: z.string(),
  /** As the table's metadata spells them. */
  schemas: z.array(z.unknown()),
  currentSchemaId: z.number().int(),
  specs: z.array(z.unknown()),
  sortOrders: z.array(z.unknown()),
  defaultSortOrderId: z.number().int(),
  properties: z.record(z.string(), z.string()),
  /** As `--sort-by` has it; empty: in the table's own order. */
  sortBy: z.array(z.string()),
  /** What the names of the new files begin with. */
  stem: z.string(),
  /** Unlike that of any other try of this task: part of its files' names. */
  attempt: z.string().regex(/^[0-9a-f]{12}$/),
  specId: z.number().int(),
  partition: z.array(valueShape.nullable()),
  /** Those to rewrite, each with the numbers of the delete files that apply to it. */
  files: z.array(fileShape.extend({ deletes: z.array(z.number().int().nonnegative()) })),
  deletes: z.array(fileShape),
  /** Of the files to rewrite, and how many they are to become. */
  bytes: z.number().int(),
  outputs: z.number().int().positive(),
  limits: z.strictObject({
    threads: z.number().int().positive(),
    /** A size as DuckDB writes it. */
    memory: z.string(),
  }),
});

/** See `RowsSummary`. */
const summaryShape = z.strictObject({
  rows: z.number().int().nonnegative(),
  columns: z.array(z.tuple([z.string(), z.string()])),
  print: z.string(),
  hasNegativeZero: z.boolean(),
});

const resultShape = z.strictObject({
  format: z.literal(1),
  stem: z.string(),
  attempt: z.string(),
  files: z.array(ROUTED_DATA_FILE),
  /** Of the rows that were read without those that are deleted, and of what was written. */
  before: summaryShape,
  after: summaryShape,
});

export type RewriteTask = z.infer<typeof taskShape>;
export type RewriteResult = z.infer<typeof resultShape>;
export type TaskFile = z.infer<typeof fileShape>;
export type TaskValue = z.infer<typeof valueShape>;
export type TaskSummary = z.infer<typeof summaryShape>;

export const REWRITE_TASK_FORMAT: RecordFormat<RewriteTask> = {
  what: "rewrite task",
  shapes: [taskShape],
  damagedHint: "Give the task as it was made",
};

export const REWRITE_RESULT_FORMAT: RecordFormat<RewriteResult> = {
  what: "rewrite result",
  shapes: [resultShape],
  damagedHint: "Run the compaction again",
};
