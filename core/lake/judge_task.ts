/**
 * Raw files to judge again for an audit, and what the rows of the tables are told by: plain data,
 * like a routing task.
 */
import * as z from "zod";
import { PLANNED_FILE } from "./batch_plan.ts";
import { RULES } from "./batch_rules.ts";
import { DEDUPE_RULE } from "./dedupe_rule.ts";
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

export type JudgedGroup = z.infer<typeof groupShape>;
export type JudgedFile = z.infer<typeof judgedFileShape>;
export type WantedRows = z.infer<typeof rowsShape>;
