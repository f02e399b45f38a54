import type { Compression } from "../disk/decompress.ts";
/** How an event file is laid out. */
export type EventFileFormat = "json" | "ndjson" | "parquet";

/** Chances from 0 to 1. */
export interface Chances {
  /** That a file is corrupted; in NDJSON often only some of its lines. */
  corruption: number;
  /** That a record breaks the contract. */
  invalidSchema: number;
  /** That a record carries fields the contract does not name; in Parquet that a file does. */
  extraFields: number;
  /** That a record repeats an earlier event, of the same file or of one before. */
  duplicate: number;
  /** That an event's time lies before its place in the stream, by seconds or by days. */
  late: number;
}

export const CLEAN_CHANCES: Chances = { corruption: 0, invalidSchema: 0, extraFields: 0, duplicate: 0, late: 0 };
/** What `--dirty` sets: every kind of trouble is seen within a few dozen files. */
export const DIRTY_CHANCES: Chances = {
  corruption: 0.1,
  invalidSchema: 0.06,
  extraFields: 0.05,
  duplicate: 0.08,
  late: 0.05,
};

/** What to produce. Ranges are the caller's to check (`commands/produce/produce.ts`). */
export interface ProduceOptions {
  /** Number of files; undefined: until stopped. */
  batches: number | undefined;
  /** Records a file, at least 1. */
  batchSize: number;
  pace: Pace;
  /** From 0 to 2^32 - 1. With `startMs` it fixes every byte and every name. */
  seed: number | undefined;
  /**
   * The stream's own beginning, ms since 1970: events are then spaced by the pace, not by the
   * machine's clock.
   */
  startMs: number | undefined;
  users: number;
  format: EventFileFormat;
  compression: Compression;
  chances: Chances;
  /** Files after the first so many carry a new column, `country`; undefined: none does. */
  evolveAfter: number | undefined;
}

/** How fast files follow each other. */
export type Pace =
  | { kind: "interval"; /** Between the starts of two files. 0: as fast as they can be made. */ intervalMs: number }
  | { kind: "rate"; eventsPerSecond: number };

/** Milliseconds from one file's turn to the next. */
export function periodMs(pace: Pace, batchSize: number): number {
  return pace.kind === "interval" ? pace.intervalMs : (batchSize / pace.eventsPerSecond) * 1000;
}
