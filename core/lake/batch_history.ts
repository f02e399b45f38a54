/**
 * What a batch did, for people to ask later: `ingest.batches`. The record travels in the summary of
 * the ledger's snapshot, so it costs no commit of its own; before that snapshot is expired, upkeep
 * carries it over into the history (`history.ts`).
 */
import { z } from "zod";
import { type RecordFormat, recordText } from "./durable_record.ts";
import { streamlabKey } from "./keys.ts";

const count = z.number().int().nonnegative();

const batchShape = z.strictObject({
  format: z.literal(1),
  /** The target, `bronze.events`. */
  table: z.string(),
  batchId: z.number().int().positive(),
  /** RFC 3339. */
  plannedAt: z.string(),
  routedAt: z.string(),
  committedAt: z.string(),
  /** What each step took, by the meter's names; they overlap. */
  seconds: z.record(z.string(), z.number()),
  /** Raw files that were ingested, and their bytes. */
  files: count,
  bytes: count,
  records: count,
  events: count,
  deadLetters: count,
  /** Dead letters by reason; empty where the batch was routed before reasons were counted. */
  reasons: z.record(z.string(), count),
  duplicates: count,
  /** Raw files that were not what was planned. */
  changed: count,
  vanished: count,
  /** Who routed it. */
  engine: z.string(),
});

export type BatchRecord = z.infer<typeof batchShape>;

export const BATCH_RECORD_FORMAT: RecordFormat<BatchRecord> = {
  what: "record of a batch",
  shapes: [batchShape],
  damagedHint: "The tables are not affected: it only says what a batch did",
};

/** Of the ledger's commit, for its snapshot's summary. */
export function batchSummary(record: BatchRecord): Record<string, string> {
  return { [streamlabKey.batch]: recordText(record).trimEnd() };
}
