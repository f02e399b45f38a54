/** What upkeep did to a table, for people to ask later: `ingest.upkeep`. */
import * as z from "zod";
import type { Clock } from "../base/clock.ts";
import { isKind, messageOf } from "../base/errors.ts";
import { type Random, uuidV4 } from "../base/random.ts";
import type { RecordFormat } from "./durable_record.ts";

const figures = z.record(z.string(), z.number());

const upkeepShape = z.strictObject({
  format: z.literal(1),
  /** A UUID: what is read twice is shown once. */
  id: z.string(),
  /** The table that was looked after, `bronze.events`. */
  table: z.string(),
  /** Which job: `consume`, `maintain`, `serve`. */
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

/** Of a message; one may hold the text of a whole statement. */
const DETAIL_MAX = 1_000;

/** What became of a piece of upkeep that ends now. */
export interface UpkeepRun extends Pick<UpkeepRecord, "table" | "by" | "action" | "done"> {
  startMs: number;
  /** Where it was not done. */
  undone?: Undone | undefined;
  debt?: UpkeepRecord["debt"] | undefined;
}

export interface Undone {
  outcome: "gave-way" | "failed";
  detail: string;
}

export function upkeepRecord(run: UpkeepRun, { clock, random }: { clock: Clock; random: Random }): UpkeepRecord {
  const { table, by, action, startMs, undone, done, debt = {} } = run;
  return {
    format: 1,
    id: uuidV4(random),
    table,
    by,
    action,
    startedAt: new Date(startMs).toISOString(),
    endedAt: new Date(clock.nowMs()).toISOString(),
    outcome: undone?.outcome ?? "done",
    detail: undone?.detail.slice(0, DETAIL_MAX),
    done,
    debt,
  };
}

/** Who lost a race gave way. */
export function undoneBy(error: unknown): Undone {
  const outcome = isKind(error, "conflict", "interrupted") ? "gave-way" : "failed";
  return { outcome, detail: messageOf(error) };
}
