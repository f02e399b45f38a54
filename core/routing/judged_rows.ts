import { Buffer } from "node:buffer";
import type { DeadLetterReason } from "../contract/contract.ts";
import type { Judgement, Row } from "../contract/judgement.ts";
import type { JsonPath } from "../json/pointer.ts";
import { jsonPieces } from "../json/pieces.ts";
import { type FileText, keptRecordText, WHOLE_BYTES_MAX } from "./corrupted_file.ts";
import { readFileBlocks, type Scratch, TextFileWriter } from "../disk/scratch.ts";

/** Events of records up to this length can be written in any memory. */
const SMALL_LENGTH_MAX = 1 << 20;
/** Shorter lines fit into the buffer that DuckDB takes anyway. */
const COUNTED_LENGTH_MIN = 300_000;

export interface DeadLetter {
  file: number;
  /** Null for a whole file. */
  position: number | null;
  reason: DeadLetterReason;
  detail: string;
  /** The exact text of the record, or what stands for the file. */
  raw: string;
  values: Row | null;
}

/**
 * A record with fields that are to become columns, otherwise an event. It is judged again when the
 * columns are known.
 */
export interface PendingRecord {
  file: number;
  position: number;
  raw: string;
}

/** Places of extra fields that a batch remembers; far fewer become columns. */
const EXTRA_PATHS_MAX = 10_000;

/** A line of the file of events. */
export interface EventRow {
  file: number;
  position: number;
  values: Row;
  rescued: string | null;
  /** For a large record, the content of its possible dead letter. */
  kept?: FileText;
}

/** What happened to the records of one file, in numbers. */
export interface FileTally {
  events: number;
  deadLetters: number;
}

/**
 * Judged records on their way to Parquet: local files of a JSON object a line, which SQL reads and
 * casts afterwards. Bounded memory, whatever their number.
 */
export class JudgedRows {
  readonly eventFile: TextFileWriter;
  readonly letterFile: TextFileWriter;
  readonly pendingFile: TextFileWriter;
  readonly #tallies = new Map<number, FileTally>();
  /** No less than the bytes of the longest line. */
  lineBytesMax = 0;
  /** Whether a value may be -0.0: one is as text. */
  hasNegativeZero = false;
  events = 0;
  deadLetters = 0;
  /** Of these, how many for each reason. */
  readonly reasons = new Map<string, number>();
  pending = 0;
  /** The places of fields that are to become columns, by their text; not all, if there are many. */
  readonly extraPaths = new Map<string, JsonPath>();
  readonly #scratch: Scratch;
  readonly #holdsExtras: boolean;

  /** `holdsExtras`: an event with extra fields is pending instead of an event. */
  constructor(scratch: Scratch, name: string, holdsExtras: boolean) {
    this.#scratch = scratch;
    this.#holdsExtras = holdsExtras;
    this.eventFile = new TextFileWriter(scratch.path(`${name}-events.ndjson`));
    this.letterFile = new TextFileWriter(scratch.path(`${name}-letters.ndjson`));
    this.pendingFile = new TextFileWriter(scratch.path(`${name}-pending.ndjson`));
  }

  add(file: number, position: number, raw: string, judgement: Exclude<Judgement, { kind: "not_json" }>): void {
    if (judgement.kind === "dead_letter") {
      const { reason, detail, values } = judgement;
      const kept = keptText(raw);
      return this.addDeadLetter({ file, position, reason, values, detail: detail + kept.note, raw: kept.raw });
    }
    const { extras } = judgement;
    if (this.#holdsExtras && extras.length > 0) {
      for (const { path } of extras) {
        if (this.extraPaths.size < EXTRA_PATHS_MAX) this.extraPaths.set(JSON.stringify(path), path);
      }
      this.#append(this.pendingFile, { file, position, raw } satisfies PendingRecord);
      this.pending++;
    } else {
      this.addEvent(file, position, raw, judgement);
    }
  }

  addEvent(file: number, position: number, raw: string, event: Extract<Judgement, { kind: "event" }>): void {
    const { values, rescued } = event;
    const row: EventRow = { file, position, values, rescued };
    // If memory is too small to write it, it becomes a dead letter.
    if (raw.length > SMALL_LENGTH_MAX) row.kept = keptText(raw);
    this.#append(this.eventFile, row);
    this.#tally(file).events++;
    this.events++;
  }

  /** An event that was added cannot be written: a dead letter takes its place. */
  addUnwritten({ file, position, kept }: EventRow, reason: DeadLetterReason, detail: string): void {
    this.#tally(file).events--;
    this.events--;
    const { raw, note } = kept ?? { raw: "", note: "" };
    this.addDeadLetter({ file, position, reason, detail: detail + note, raw, values: null });
  }

  addDeadLetter(letter: DeadLetter): void {
    this.#append(this.letterFile, letter);
    this.#tally(letter.file).deadLetters++;
    this.deadLetters++;
    this.#countReason(letter.reason, 1);
  }

  /** Adds everything that another has judged. */
  async absorb(other: JudgedRows): Promise<void> {
    other.flush();
    for (const file of ["eventFile", "letterFile", "pendingFile"] as const) {
      for await (const block of readFileBlocks(other[file].path)) this[file].writeBytes(block);
    }
    for (const [number, { events, deadLetters }] of other.#tallies) {
      const tally = this.#tally(number);
      tally.events += events;
      tally.deadLetters += deadLetters;
    }
    for (const [reason, count] of other.reasons) this.#countReason(reason, count);
    for (const [key, path] of other.extraPaths) this.extraPaths.set(key, path);
    this.events += other.events;
    this.deadLetters += other.deadLetters;
    this.pending += other.pending;
    this.lineBytesMax = Math.max(this.lineBytesMax, other.lineBytesMax);
    this.hasNegativeZero ||= other.hasNegativeZero;
  }

  tallyOf(file: number): Readonly<FileTally> {
    return this.#tallies.get(file) ?? { events: 0, deadLetters: 0 };
  }

  /** Flushes, so that DuckDB can read everything so far. */
  flush(): void {
    for (const file of [this.eventFile, this.letterFile, this.pendingFile]) file.flush();
  }

  close(): void {
    for (const file of [this.eventFile, this.letterFile, this.pendingFile]) file.close();
  }

  /** Closes and removes the files: they are no longer needed, or their attempt has failed. */
  remove(): void {
    this.close();
    for (const { path } of [this.eventFile, this.letterFile, this.pendingFile]) this.#scratch.removeFile(path);
  }

  #append(file: TextFileWriter, row: object): void {
    let length = 0, bytes = 0;
    for (const piece of jsonPieces(row)) {
      length += piece.length;
      // Three bytes a character at most; counted where DuckDB would take much memory for nothing.
      bytes += length <= COUNTED_LENGTH_MIN ? piece.length * 3 : Buffer.byteLength(piece);
      this.hasNegativeZero ||= piece.includes('"-0"');
      file.write(piece);
    }
    file.write("\n");
    this.lineBytesMax = Math.max(this.lineBytesMax, bytes);
  }

  #countReason(reason: string, count: number): void {
    this.reasons.set(reason, (this.reasons.get(reason) ?? 0) + count);
  }

  #tally(file: number): FileTally {
    let tally = this.#tallies.get(file);
    if (tally === undefined) this.#tallies.set(file, tally = { events: 0, deadLetters: 0 });
    return tally;
  }
}

/** No copy is made of a text that is kept whole: there may be many of them, and large. */
function keptText(raw: string): FileText {
  if (Buffer.byteLength(raw) <= WHOLE_BYTES_MAX) return { raw, note: "" };
  return keptRecordText(new TextEncoder().encode(raw));
}
