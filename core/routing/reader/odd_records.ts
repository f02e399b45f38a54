import type { OnExtraFields, OnWrongType } from "../../contract/contract.ts";
import type { Judge } from "../../contract/judge.ts";
import { extrasDetail, foundText, type Judgement } from "../../contract/judgement.ts";
import { VALUES_MAX } from "../../json/reader.ts";
import { RECORD_BYTES_MAX, type RecordText } from "../../json/text.ts";
import { detailOfRow } from "../parquet_row_detail.ts";
import { bytesText, headText, keptRecordText, WHOLE_BYTES_MAX } from "../corrupted_file.ts";
import type { LargeValues } from "./large_values.ts";
import type { PlacedText, ReaderInstance } from "./reader_instance.ts";
import type { RowWriter } from "./row_writer.ts";
import { TextRoom } from "./text_room.ts";

/** What `letterParse` answers, other than that only the judge can say. */
const PARSED = 0, NO_OBJECT = 1;
/** What it says of a column: twice there, not taken, not there; a value not taken in its map. */
const TWICE = 1, REFUSED = 2, MISSING = 3, ENTRY_REFUSED = 4;
/** Words of a fault, before those of what is to blame: a value, and the key of an entry. */
const FAULT_WORDS = 6, FAULT_VALUE = 2, FAULT_KEY = 4;
const EXTRA_WORDS = 2;
/** What a detail shows of a record is less. */
const SHOWN_BYTES = 512;

/** Takes an event with fields that are to become columns. */
export type OnPending = (
  position: number,
  raw: string,
  event: Extract<Judgement, { kind: "event" }>,
) => void;

export interface OddRecordsOptions {
  large: LargeValues;
  onExtraFields: OnExtraFields;
  onWrongType?: OnWrongType | undefined;
  onPending: OnPending;
}

/**
 * Routes the records that the reader has not taken as plain events. It fills their columns as far
 * as it can; what it does not take, the judge's own code must refuse, else the judge gets the whole
 * record. So each detail is the judge's, and no null is the reader's opinion.
 */
export class OddRecords {
  readonly #reader: ReaderInstance;
  readonly #judge: Judge;
  readonly #rows: RowWriter;
  readonly #large: LargeValues;
  readonly #onExtraFields: OnExtraFields;
  readonly #rescuesTypes: boolean;
  readonly #onPending: OnPending;
  readonly #words: TextRoom;
  /** Whether they are rows of a Parquet file, which were written out as JSON. */
  areRows = false;

  constructor(
    reader: ReaderInstance,
    judge: Judge,
    rows: RowWriter,
    { large, onExtraFields, onWrongType, onPending }: OddRecordsOptions,
  ) {
    this.#large = large;
    this.#reader = reader;
    this.#judge = judge;
    this.#rows = rows;
    this.#onExtraFields = onExtraFields;
    this.#rescuesTypes = onWrongType === "rescue";
    this.#onPending = onPending;
    this.#words = new TextRoom(reader);
    const [invalid, extra] = [reader.keep("invalid_schema"), reader.keep("extra_fields")];
    reader.calls.setReasons(invalid.at, invalid.length, extra.at, extra.length);
  }

  /**
   * Routes the records of the reader's list of odd ones from `entry` to `end`, as far as the judge
   * has said before what is wrong with such ones: returns the first of the others, or the end.
   */
  routeKnown(entry: number, end: number): number {
    if (this.areRows) return entry;
    const { calls } = this.#reader;
    const next = calls.addKnownLetters(this.#rows.deadLetters.handle, entry, end, VALUES_MAX);
    this.#rows.count("invalid_schema", calls.takeInvalid());
    this.#rows.count("extra_fields", calls.takeExtraLetters());
    return next;
  }

  /** A record that is JSON, at a place in memory. */
  route(position: number, from: number, to: number): void {
    const { calls } = this.#reader;
    const table = this.#rows.deadLetters.handle;
    if (to - from > VALUES_MAX) return this.judge(position, from, to);
    const verdict = calls.letterParse(table, from);
    if (verdict === NO_OBJECT) {
      const shown = this.#reader.text(from, Math.min(to, from + SHOWN_BYTES));
      const detail = `the record: expected object, found ${foundText(shown)}`;
      const words = this.#words.put(detail);
      calls.keepRecordWords(from, to, words.at, words.length);
      return this.#rows.endLetter(position, "invalid_schema", detail, { at: from, length: to - from });
    }
    const words = verdict === PARSED ? this.#reasonOf() : undefined;
    if (words !== undefined) {
      const detail = this.#explained(words.detail, () => this.#reader.text(from, to));
      return this.#rows.endLetter(position, words.reason, detail, { at: from, length: to - from });
    }
    if (verdict === PARSED) calls.undoRow(table);
    this.judge(position, from, to);
  }

  /** The same by the judge alone; it may also be no JSON. */
  judge(position: number, from: number, to: number): void {
    this.settle(position, this.#reader.bytes.subarray(from, to), { at: from, length: to - from });
  }

  /** `span`: where the bytes lie in the reader's memory, if they do. */
  settle(position: number, bytes: Uint8Array, span?: PlacedText): void {
    this.#large.hold(bytes.length, () => this.#settle(position, bytes, span));
  }

  #settle(position: number, bytes: Uint8Array, span?: PlacedText): void {
    const judgement = this.#judge.judgeBytes(bytes);
    if (judgement.kind === "event") {
      if (this.#onExtraFields === "add" && judgement.extras.length > 0) {
        return this.#onPending(position, bytesText(bytes).raw, judgement);
      }
      return this.#rows.addEvent(position, judgement.values, judgement.rescued);
    }
    const [reason, values] = judgement.kind === "not_json"
      ? ["corrupted_record", null] as const
      : [judgement.reason, judgement.values] as const;
    const detail = this.#explained(judgement.detail, () => bytesText(bytes).raw);
    if (span !== undefined && values !== null && bytes.length <= WHOLE_BYTES_MAX) {
      return this.#rows.addLetter(position, reason, detail, span, values);
    }
    const { raw, note } = keptRecordText(bytes);
    this.#rows.addLetter(position, reason, detail + note, raw, values);
  }

  #explained(detail: string, record: () => string): string {
    return this.areRows ? detailOfRow(detail, record) : detail;
  }

  /** A record on the exact way. */
  settleRecord({ bytes, position, oversize }: RecordText): void {
    if (oversize === undefined) return this.settle(position, bytes);
    const { raw, note } = headText(bytes, oversize);
    const detail = `expected a record of at most ${RECORD_BYTES_MAX} bytes, found ${oversize.size}${note}`;
    this.#rows.addLetter(position, "corrupted_record", detail, raw, null);
  }

  /** An envelope that has no records. */
  refuseEnvelope({ bytes, position, oversize }: RecordText, detail: string): void {
    this.#large.hold(bytes.length, () => {
      const { raw, note } = oversize === undefined ? keptRecordText(bytes) : headText(bytes, oversize);
      this.#rows.addLetter(position, "corrupted_record", detail + note, raw, null);
    });
  }

  /** No more records will come. */
  close(): void {
    this.#words.release();
  }

  /** Why the record that was parsed last is no event; undefined where only the judge can say. */
  #reasonOf(): { reason: "invalid_schema" | "extra_fields"; detail: string } | undefined {
    const { calls } = this.#reader;
    const faults = calls.failCount();
    let first: string | undefined;
    for (let fault = 0; fault < faults; fault++) {
      const detail = this.#problemOf((calls.failsPtr() >>> 2) + fault * FAULT_WORDS);
      if (detail === undefined) return undefined;
      const { at, length } = this.#words.put(detail);
      calls.keepFaultWords(fault, at, length);
      first ??= detail;
    }
    if (first !== undefined) return { reason: "invalid_schema", detail: first };
    if (calls.extraCount() === 0 || this.#onExtraFields !== "dead-letter") return undefined;
    const detail = this.#extras();
    const { at, length } = this.#words.put(detail);
    calls.keepExtrasWords(at, length);
    return { reason: "extra_fields", detail };
  }

  /** What a fault is in the judge's words, by its place; undefined where only the judge can say. */
  #problemOf(at: number): string | undefined {
    const judge = this.#judge;
    const fault = this.#reader.word(at), column = this.#reader.word(at + 1);
    if (fault === MISSING) return judge.problemWithout(column);
    if (fault === TWICE) return judge.problemTwice(column);
    // Whether it makes a dead letter, all that is wrong with the record says.
    if (this.#rescuesTypes) return undefined;
    if (fault === REFUSED) return judge.problemOf(column, this.#textAt(at + FAULT_VALUE));
    const key = JSON.parse(this.#textAt(at + FAULT_KEY)) as string;
    if (fault !== ENTRY_REFUSED) return judge.problemTwice(column, key);
    return judge.problemOf(column, this.#textAt(at + FAULT_VALUE), key);
  }

  #extras(): string {
    const { calls } = this.#reader;
    const place = calls.extrasPtr() >>> 2;
    return extrasDetail(Array.from({ length: calls.extraCount() }, (_, extra) => {
      return { path: [this.#keyAt(place + extra * EXTRA_WORDS)], json: "" };
    }));
  }

  /** What a key reads, whose text within its quotes may have escapes. */
  #keyAt(index: number): string {
    const text = this.#textAt(index);
    return text.includes("\\") ? JSON.parse(`"${text}"`) as string : text;
  }

  /** What stands between two addresses, whose words are at the index. */
  #textAt(index: number): string {
    return this.#reader.text(this.#reader.word(index), this.#reader.word(index + 1));
  }
}
