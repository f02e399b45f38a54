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

/** What `letterParse` answers, other than that only the judge can say. */
const PARSED = 0, NO_OBJECT = 1;
/** What it says of a column: twice there, not taken, not there. */
const TWICE = 1, REFUSED = 2;
const FAIL_WORDS = 4, EXTRA_WORDS = 2;
/** What a detail shows of a record is less. */
const SHOWN_BYTES = 512;

/** Takes an event with fields that are to become columns. */
export type OnPending = (
  position: number,
  raw: string,
  event: Extract<Judgement, { kind: "event" }>,
) => void;

export interface OddRecordsOptions {
  /** Of the contract. */
  columns: number;
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
  readonly #absent: PlacedText[];
  readonly #twice: PlacedText[];
  /** Whether they are rows of a Parquet file, which were written out as JSON. */
  areRows = false;
  /** Details of extra fields, by the reader's number for these keys. */
  readonly #extrasDetails: PlacedText[] = [];

  constructor(
    reader: ReaderInstance,
    judge: Judge,
    rows: RowWriter,
    { columns, large, onExtraFields, onWrongType, onPending }: OddRecordsOptions,
  ) {
    this.#large = large;
    this.#reader = reader;
    this.#judge = judge;
    this.#rows = rows;
    this.#onExtraFields = onExtraFields;
    this.#rescuesTypes = onWrongType === "rescue";
    this.#onPending = onPending;
    const each = (words: (column: number) => string) =>
      Array.from({ length: columns }, (_, column) => reader.keep(words(column)));
    this.#absent = each((column) => judge.problemWithout(column));
    this.#twice = each((column) => judge.problemTwice(column));
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

  #explained<D extends string | PlacedText>(detail: D, record: () => string): D | string {
    return this.areRows && typeof detail === "string" ? detailOfRow(detail, record) : detail;
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

  /** Why the record that was parsed last is no event; undefined where only the judge can say. */
  #reasonOf(): { reason: "invalid_schema" | "extra_fields"; detail: string | PlacedText } | undefined {
    const { calls } = this.#reader;
    const fails = calls.failCount(), place = calls.failsPtr() >>> 2;
    let first: string | PlacedText | undefined;
    for (let fail = 0; fail < fails; fail++) {
      const at = place + fail * FAIL_WORDS;
      const kind = this.#reader.word(at), column = this.#reader.word(at + 1);
      let detail: string | PlacedText | undefined;
      if (kind === REFUSED) {
        // Whether it makes a dead letter, all that is wrong with the record says.
        if (this.#rescuesTypes) return undefined;
        detail = this.#judge.problemOf(column, this.#textAt(at + 2));
        if (detail === undefined) return undefined;
      } else detail = (kind === TWICE ? this.#twice : this.#absent)[column]!;
      first ??= detail;
    }
    if (first !== undefined) return { reason: "invalid_schema", detail: first };
    return calls.extraCount() === 0 || this.#onExtraFields !== "dead-letter"
      ? undefined
      : { reason: "extra_fields", detail: this.#extras() };
  }

  #extras(): string | PlacedText {
    const { calls } = this.#reader;
    const id = calls.extrasId(), place = calls.extrasPtr() >>> 2;
    const known = this.#extrasDetails[id];
    if (known !== undefined) return known;
    const extras = Array.from({ length: calls.extraCount() }, (_, extra) => {
      const at = place + extra * EXTRA_WORDS;
      return { path: [this.#textAt(at)], json: "" };
    });
    const detail = extrasDetail(extras);
    if (id >= 0) this.#extrasDetails[id] = this.#reader.keep(detail);
    return detail;
  }

  /** What stands between two addresses, whose words are at the index. */
  #textAt(index: number): string {
    return this.#reader.text(this.#reader.word(index), this.#reader.word(index + 1));
  }
}
