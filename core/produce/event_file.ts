import type { Draft } from "./drafts.ts";
import type { RecordTruth } from "./truth.ts";

/**
 * A file's making lets others have their turn after so many records, about a millisecond: the file
 * before is written meanwhile, and a signal is heard.
 */
export const RECORDS_PER_TURN = 512;

/** The records that are to stand in one file. */
export interface FileDrafts {
  /** At least 1. */
  size: number;
  /** In order, each position once. */
  next(position: number): Draft;
  /** Called when the draft was written as it is. */
  written(draft: Draft, position: number): void;
  /** The file carries the new column. */
  isEvolved: boolean;
}

/** A file's content and what holds of it; see `FileTruth`. */
export interface EventFileContent {
  /** May be a view into a buffer that the next file overwrites. */
  bytes: Uint8Array;
  corrupted: string | undefined;
  records: number;
  remarks: Map<number, RecordTruth>;
}

export function corruptedContent(way: string, bytes: Uint8Array): EventFileContent {
  return { bytes, corrupted: way, records: 0, remarks: new Map() };
}
