import { ByteText } from "./byte_text.ts";
import type { Compression } from "../disk/decompress.ts";
import type { EventFileFormat } from "./options.ts";
import type { Origin } from "./repeats.ts";

/** Where the default contract must send a record (docs/contract.md). */
export type Disposition = "event" | "invalid_schema" | "extra_fields" | "corrupted_record";

/** What is to be said of a record; one of which nothing is said is an event. */
export interface RecordTruth {
  disposition: Disposition;
  /** How it was broken. */
  way?: string;
  /** JSON pointer of the place. */
  field?: string;
  /** The record of which this one is an exact repeat. */
  duplicateOf?: Origin;
  /** How far its time lies before its place in the stream. */
  lateMs?: number;
}

/** One file and all its records. */
export interface FileTruth {
  /** Path in the lake. */
  file: string;
  /** The file's place in the run, from 0. */
  batch: number;
  format: EventFileFormat;
  compression: Compression;
  bytes: number;
  /** How the whole file was corrupted: one dead letter, and no records. */
  corrupted: string | undefined;
  /** Records that a reader finds in it; positions are 0 … records - 1. */
  records: number;
  /** By position. */
  remarks: ReadonlyMap<number, RecordTruth>;
}

export interface TruthCounts {
  event: number;
  invalid_schema: number;
  extra_fields: number;
  corrupted_record: number;
  corrupted_batch: number;
}

export function noCounts(): TruthCounts {
  return { event: 0, invalid_schema: 0, extra_fields: 0, corrupted_record: 0, corrupted_batch: 0 };
}

/** The rows that the file must become, by disposition; a corrupted file is one row. */
export function countsOf(truth: FileTruth): TruthCounts {
  const counts = noCounts();
  if (truth.corrupted !== undefined) counts.corrupted_batch = 1;
  counts.event = truth.records - truth.remarks.size;
  for (const { disposition } of truth.remarks.values()) counts[disposition]++;
  return counts;
}

/** How many records of the file satisfy `test`, among those of which anything is said. */
export function countRemarks(truth: FileTruth, test: (remark: RecordTruth) => boolean): number {
  let count = 0;
  for (const remark of truth.remarks.values()) if (test(remark)) count++;
  return count;
}

/** Whole pieces are written at once: each costs a turn of the event loop. */
const PIECE_LENGTH = 1 << 18;

/**
 * The file's line of `--truth` (docs/truth.md) in UTF-8, in pieces that are valid until the next
 * one; the last ends with the newline.
 */
export function* truthLine(truth: FileTruth): Generator<Uint8Array> {
  const { file, batch, format, compression, bytes, corrupted = null } = truth;
  const head = JSON.stringify({ file, batch, format, compression, bytes, corrupted, counts: countsOf(truth) });
  const text = new ByteText();
  text.add(`${head.slice(0, -1)},"records":[`);
  for (let position = 0; position < truth.records;) {
    const remark = truth.remarks.get(position);
    if (remark === undefined) {
      let end = position + 1;
      while (end < truth.records && end % EVENTS_KEPT !== 0 && !truth.remarks.has(end)) end++;
      addEvents(text, position, end);
      position = end;
    } else {
      if (position > 0) text.add(",");
      text.add(remarkText(position++, remark));
    }
    if (text.length > PIECE_LENGTH) {
      yield text.bytes();
      text.clear();
    }
  }
  text.add("]}\n");
  yield text.bytes();
}

/** Records whose lines are kept: of a run of events, which most records are, they are one piece. */
const EVENTS_KEPT = 16_384;
const EVENTS = new ByteText();
/** Where the line of each position begins in `EVENTS`, with the comma before it. */
const EVENT_STARTS: number[] = [];

/** Adds the lines of records that are events; all positions lie in one span of `EVENTS_KEPT`. */
function addEvents(text: ByteText, from: number, end: number): void {
  if (from >= EVENTS_KEPT) {
    for (let position = from; position < end; position++) text.add(eventText(position));
    return;
  }
  while (EVENT_STARTS.length <= end) {
    const position = EVENT_STARTS.push(EVENTS.length) - 1;
    EVENTS.add(eventText(position));
  }
  const start = EVENT_STARTS[from]! + (from === 0 ? 1 : 0);
  text.addBytes(EVENTS.bytes().subarray(start, EVENT_STARTS[end]));
}

function eventText(position: number): string {
  return `,{"position":${position},"disposition":"event"}`;
}

function remarkText(position: number, remark: RecordTruth): string {
  return JSON.stringify({
    position,
    disposition: remark.disposition,
    way: remark.way,
    field: remark.field,
    duplicate_of: remark.duplicateOf,
    late_ms: remark.lateMs,
  });
}
