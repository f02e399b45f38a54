/**
 * Raw files to judge again for an audit, and what must be in the tables of them: plain data, like a
 * routing task, and neither is stored in the lake.
 */
import * as z from "zod";
import { PLANNED_FILE } from "./batch_plan.ts";
import { RULES } from "./batch_rules.ts";
import { DEDUPE_RULE } from "./dedupe_rule.ts";
import type { RecordFormat } from "./durable_record.ts";
import { TASK_TABLE } from "./routing_task.ts";
import { UPSERT_RULE } from "./upsert_rule.ts";

/** Files of one place that are judged alike. */
const groupShape = z.strictObject({
  /** Of the store that they are in. */
  root: z.string(),
  /** Decimal; the one by whose rules, where it is a replay that has judged dead letters again. */
  replay: z.string().optional(),
  rules: RULES,
  /**
   * Whether these are the rules of batches, for the tables of their time. Others are for the tables
   * of today, which may refuse them.
   */
  areOfBatches: z.boolean(),
  files: z.array(PLANNED_FILE),
});

/** A file that a batch has ingested, as `BatchFile` has it. */
const judgedFileShape = z.strictObject({
  name: z.string(),
  batchId: z.string(),
  replay: z.string().optional(),
  /** Whether no later replay has judged it again. */
  isLast: z.boolean(),
});

/** What the rows of a target's two tables are told by. */
const rowsShape = z.strictObject({
  events: TASK_TABLE,
  deadLetters: TASK_TABLE,
  /** See `Keying`. */
  keyings: z.array(DEDUPE_RULE.pick({ by: true, at: true }).partial({ at: true })),
  upsert: UPSERT_RULE.optional(),
});

const taskShape = z.strictObject({
  format: z.literal(1),
  /** Of the program that gave it: another one may judge otherwise. */
  version: z.string(),
  /** Of the tasks of an audit. */
  number: z.number().int().nonnegative(),
  files: z.array(judgedFileShape),
  groups: z.array(groupShape),
  rows: rowsShape,
  limits: z.strictObject({
    threads: z.number().int().positive(),
    /** For the threads and DuckDB, a size as DuckDB writes it. */
    memory: z.string(),
  }),
});

const resultShape = z.strictObject({
  format: z.literal(1),
  number: z.number().int(),
  /** Names of files that have changed since they were found. */
  missing: z.array(z.string()),
  /** There are several files, and of all together more is to be said than fits in a result. */
  isTooLarge: z.boolean(),
  /** Parquet files in base64: where each record must be, and the keys of events. */
  places: z.array(z.string()),
  asked: z.array(z.string()),
});

export type JudgedGroup = z.infer<typeof groupShape>;
export type JudgedFile = z.infer<typeof judgedFileShape>;
export type WantedRows = z.infer<typeof rowsShape>;
export type JudgeTask = z.infer<typeof taskShape>;
export type JudgeResult = z.infer<typeof resultShape>;

export const JUDGE_TASK_FORMAT: RecordFormat<JudgeTask> = {
  what: "judging task",
  shapes: [taskShape],
  damagedHint: "Give the task as it was made",
};

export const JUDGE_RESULT_FORMAT: RecordFormat<JudgeResult> = {
  what: "judging result",
  shapes: [resultShape],
  damagedHint: "Run the audit again",
};
