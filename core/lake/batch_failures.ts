import * as z from "zod";
import type { RecordFormat } from "./durable_record.ts";

const failuresShape = z.strictObject({
  format: z.literal(1),
  /** The target table. */
  table: z.string(),
  batchId: z.number().int().positive(),
  /** How often the batch failed for a reason that is not the outside's. */
  failures: z.number().int().positive(),
  /** Of the last time: RFC 3339, and the message. */
  lastAt: z.string(),
  lastError: z.string(),
});

/** What kept a planned batch from being routed: only for people. Written over each time. */
export type BatchFailures = z.infer<typeof failuresShape>;

export const FAILURES_FORMAT: RecordFormat<BatchFailures> = {
  what: "record of failures",
  shapes: [failuresShape],
  damagedHint: "Remove it: it is only a report",
};
