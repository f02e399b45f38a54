/** What upkeep did to a table, for people to ask later: `ingest.upkeep`. */
import * as z from "zod";
import type { RecordFormat } from "./durable_record.ts";

const figures = z.record(z.string(), z.number());

const upkeepShape = z.strictObject({
  format: z.literal(1),
  /** A UUID: what is read twice is shown once. */
  id: z.string(),
  /** The table that was looked after, `bronze.events`. */
  table: z.string(),
  /** Which job: `consume`, `maintain`. */
  by: z.string(),
  /** What was done: `compact`, `expire-snapshots`, `remove-files`, … */
  action: z.string(),
  /** RFC 3339. */
  startedAt: z.string(),
  endedAt: z.string(),
  /** `gave-way`: somebody else was at it, or a batch was due. */
  outcome: z.enum(["done", "gave-way", "failed"]),
  /** Why, where it was not done. */
  detail: z.string().optional(),
  /** What was done in numbers, by names such as `filesBefore`, `filesAfter`, `bytesDeleted`. */
  done: figures,
  /** What was left to do afterwards, likewise. */
  debt: figures,
});

export type UpkeepRecord = z.infer<typeof upkeepShape>;

export const UPKEEP_RECORD_FORMAT: RecordFormat<UpkeepRecord> = {
  what: "record of upkeep",
  shapes: [upkeepShape],
  damagedHint: "The tables are not affected: it only says what upkeep did",
};
