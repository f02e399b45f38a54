import { JsonArrayScan, type TextVerdict } from "./array_scan.ts";
import { NdjsonLines } from "./lines.ts";
import type { Oversize } from "./record_parts.ts";

/** A record of an event file. */
export interface RecordText {
  /** Its exact bytes without surrounding white space. Do not modify them. */
  readonly bytes: Uint8Array;
  /** Its index in the file, from 0. */
  readonly position: number;
  /** The offset of its first byte in the (decompressed) file. */
  readonly offset: number;
  /** Set if the record is larger than `RECORD_BYTES_MAX`: then the bytes are its head. */
  readonly oversize?: Oversize;
}

/**
 * Larger records are not read, because judging takes several times their size in memory. White
 * space after a record counts.
 */
export const RECORD_BYTES_MAX = 100_000_000;

/**
 * Bytes scanned before records are yielded, so that a chunk as large as the file does not become
 * all its records at once.
 */
const WINDOW_BYTES = 1 << 18;

/**
 * Yields the elements of a file that is one JSON array, some at a time, and returns the verdict.
 * Records before a corruption are yielded too: validate first if that matters.
 */
export async function* scanJsonArray(stream: AsyncIterable<Uint8Array>): AsyncGenerator<RecordText[], TextVerdict> {
  let records: RecordText[] = [];
  const scan = new JsonArrayScan((bytes, position, offset, oversize) => {
    records.push({ bytes, position, offset, oversize });
  }, RECORD_BYTES_MAX);
  for await (const chunk of stream) {
    for (let from = 0; from < chunk.length; from += WINDOW_BYTES) {
      const sound = scan.push(chunk.subarray(from, from + WINDOW_BYTES));
      if (records.length > 0) yield records;
      records = [];
      if (!sound) return scan.end();
    }
  }
  return scan.end();
}

/**
 * Yields the lines of an NDJSON file, some at a time, without judging them, and returns the
 * verdict: corrupt only if there are no lines.
 */
export async function* scanNdjson(stream: AsyncIterable<Uint8Array>): AsyncGenerator<RecordText[], TextVerdict> {
  let records: RecordText[] = [];
  const lines = new NdjsonLines((bytes, position, offset, oversize) => {
    records.push({ bytes, position, offset, oversize });
  }, RECORD_BYTES_MAX);
  for await (const chunk of stream) {
    for (let from = 0; from < chunk.length; from += WINDOW_BYTES) {
      lines.push(chunk.subarray(from, from + WINDOW_BYTES));
      if (records.length > 0) yield records;
      records = [];
    }
  }
  const count = lines.end();
  if (records.length > 0) yield records;
  if (count === 0) return { kind: "corrupt", detail: "the file is empty", offset: 0 };
  return { kind: "ok", records: count };
}
