/**
 * What a batch did, for people to ask later: `ingest.batches`. The record travels in the summary of
 * the ledger's snapshot, so it costs no commit of its own; before that snapshot is expired, upkeep
 * carries it over into the history (`history.ts`).
 */
import * as z from "zod";
import { parseRecord, type RecordFormat } from "./durable_record.ts";
import { streamlabKey } from "./keys.ts";

const count = z.number().int().nonnegative();

/** 2 is that of batches with upserts, 3 of those that ingest files again. */
const OLDER_FORMATS = z.union([z.literal(1), z.literal(2), z.literal(3)]);

const batchShape = z.strictObject({
  format: OLDER_FORMATS,
  /** The target, `bronze.events`. */
  table: z.string(),
  batchId: z.number().int().positive(),
  /** Milliseconds since 1970. */
  plannedMs: count,
  routedMs: count,
  committedMs: count,
  /** What each step took, in milliseconds, by the meter's names; they overlap. */
  steps: z.record(z.string(), count),
  /** Raw files that were ingested, and their bytes. */
  files: count,
  bytes: count,
  records: count,
  events: count,
  deadLetters: count,
  /** Dead letters by reason; undefined where another process had routed the batch. */
  reasons: z.record(z.string(), count).optional(),
  /** Dead letters that it has judged again, where it was a replay. */
  replayed: count.optional(),
  /** Files that it has ingested again, where it was a reingest. */
  reingested: count.optional(),
  duplicates: count,
  /** Records that are no row: a newer one has their key, or they remove it. */
  superseded: count.optional(),
  /** Raw files that were not what was planned. */
  changed: count,
  vanished: count,
  /** Commits of its tables that were tried again, because another writer was first. */
  conflicts: count.default(0),
  /** Who routed it. */
  engine: z.string(),
  /** Tasks of a cluster that wrote its data files; none where one process routed it. */
  tasks: count.optional(),
});

const landedShape = batchShape.extend({
  format: z.literal(4),
  /** When the oldest of the raw files that it ingested landed, by their store's clock. */
  landedMs: count,
});

/** Where it is not known when its files landed it has the format that it had before. */
export interface BatchRecord extends Omit<z.infer<typeof batchShape>, "format"> {
  format: 1 | 2 | 3 | 4;
  landedMs?: number | undefined;
}

export const BATCH_RECORD_FORMAT: RecordFormat<BatchRecord> = {
  what: "record of a batch",
  shapes: [batchShape, batchShape, batchShape, landedShape],
  damagedHint: "The tables are not affected: it only says what a batch did",
};

export function batchRecordFormat(
  { landedMs, reingested, superseded }: Pick<BatchRecord, "landedMs" | "reingested" | "superseded">,
): BatchRecord["format"] {
  if (landedMs !== undefined) return 4;
  if (reingested !== undefined) return 3;
  return superseded === undefined ? 1 : 2;
}

/**
 * For how long a file that landed then had waited when its batch was committed, in milliseconds.
 * Two clocks tell of it, and programs set times of files: never less than none.
 */
export function lagOf(landedMs: number | undefined, committedMs: number): number | undefined {
  return landedMs === undefined ? undefined : Math.max(0, committedMs - landedMs);
}

type Summary = Readonly<Record<string, string>>;

const MAPS = ["steps", "reasons"] as const;
/** Left out where they are nothing; of any other figure nothing is not unknown. */
const ZEROS = [
  "files",
  "bytes",
  "records",
  "events",
  "deadLetters",
  "duplicates",
  "changed",
  "vanished",
  "conflicts",
] as const;

/**
 * For the summary of the ledger's snapshot: `table=bronze.events&batchId=7&steps.route=21…`. Each
 * snapshot has one and every commit writes those of all snapshots, so it is short: JSON in JSON
 * would need three times as much, and most zeros are left out.
 */
export function batchSummary(record: BatchRecord): Record<string, string> {
  const entries = Object.entries(record).flatMap(([name, value]): [string, string][] => {
    if (value === undefined) return [];
    if (typeof value !== "object") return value === 0 && isZero(name) ? [] : [[name, String(value)]];
    return [[name, ""], ...Object.entries(value).map(([key, each]): [string, string] => [`${name}.${key}`, `${each}`])];
  });
  return { [streamlabKey.batch]: new URLSearchParams(entries).toString() };
}

/** Of a snapshot of the ledger, unless it committed no batch; `place` is for messages. */
export function batchOfSummary(summary: Summary, place: string): BatchRecord | undefined {
  const text = summary[streamlabKey.batch];
  if (text === undefined) return undefined;
  const record: Record<string, unknown> = {};
  for (const name of ZEROS) record[name] = 0;
  for (const [name, value] of new URLSearchParams(text)) {
    // Earlier versions wrote it where it was not nothing, though no record has it.
    if (name === "empty") continue;
    const map = MAPS.find((each) => name === each || name.startsWith(`${each}.`));
    if (map === undefined) record[name] = name === "table" || name === "engine" ? value : Number(value);
    else if (name === map) record[map] = {};
    else (record[map] as Record<string, number>)[name.slice(map.length + 1)] = Number(value);
  }
  return parseRecord(BATCH_RECORD_FORMAT, JSON.stringify(record), place);
}

function isZero(name: string): boolean {
  return ZEROS.some((zero) => zero === name);
}
