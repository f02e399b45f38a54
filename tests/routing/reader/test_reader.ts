import { seededRandom } from "../../../core/base/random.ts";
import type { Contract, OnExtraFields } from "../../../core/contract/contract.ts";
import { parseContract } from "../../../core/contract/json_schema.ts";
import type { Row } from "../../../core/contract/judgement.ts";
import { judgedText } from "../../../core/routing/reader/judged_values.ts";
import { type Form, JUDGED, setSteps, WHOLE } from "../../../core/routing/reader/envelope_steps.ts";
import { planEvents, planLetters, type ReaderTable } from "../../../core/routing/reader/column_plan.ts";
import {
  compiledReader,
  HASH_KEY_BYTES,
  OVERRUN,
  ReaderInstance,
} from "../../../core/routing/reader/reader_instance.ts";
import { wantedSeed } from "../../support/seed.ts";
import { readRows } from "./read_columns.ts";

export interface ScannedText {
  /** False for what is no array of records. */
  readonly isWhole: boolean;
  readonly records: number;
  readonly rows: Row[];
  /** Positions of the records that are left to the judge. */
  readonly odd: number[];
}

export interface OddPlace {
  readonly position: number;
  readonly from: number;
  readonly to: number;
}

export interface ScannedEnvelopes {
  readonly records: number;
  readonly rows: Row[];
  /** How many rows there were, where the table was full meanwhile. */
  readonly dropped: number;
  readonly odd: OddPlace[];
}

export interface ReadLetter {
  readonly verdict: "read" | "no object" | "too odd";
  /** Null for what is not known. */
  readonly row: Row;
  readonly faults: readonly { readonly kind: (typeof FAULTS)[number]; readonly field: number }[];
  readonly extras: number;
}

/** What the reader says of a field, by its number, and how many words that takes. */
const FAULTS = ["", "twice", "value", "missing", "entry", "entry twice"] as const;
const FAULT_WORDS = 6;

/** Set where what starts there is no JSON. */
const NOT_JSON = 0x8000_0000;

const compiled = compiledReader();

/** A reader of one contract, to scan texts with. */
export class TestReader {
  readonly instance: ReaderInstance;
  readonly contract: Contract;
  readonly events: ReaderTable;
  #letters: ReaderTable | undefined;
  #input = 0;
  #inputBytes = 0;

  constructor(
    contract: Contract,
    onExtraFields: OnExtraFields = "dead-letter",
    hashKey = seededRandom(wantedSeed ?? 1).bytes(HASH_KEY_BYTES),
  ) {
    this.contract = contract;
    this.instance = new ReaderInstance(compiled, hashKey);
    this.events = planEvents(this.instance, contract, { onExtraFields });
  }

  /** Planned when it is first asked for: most tests look at events alone. */
  get letters(): ReaderTable {
    return this.#letters ??= planLetters(this.instance, this.contract);
  }

  scanArray(text: string | Uint8Array): ScannedText {
    const { calls } = this.instance;
    const length = this.#place(text);
    const isWhole = calls.scanArray(this.events.handle, this.#input, length, 0) === 0;
    if (!isWhole) calls.undoFile(this.events.handle);
    return this.#scanned(isWhole);
  }

  scanLines(text: string | Uint8Array): ScannedText {
    const length = this.#place(text);
    this.instance.calls.scanLines(this.events.handle, this.#input, length);
    return this.#scanned(true);
  }

  /** Values one after another; of those that are none, the text. */
  scanValues(text: string): ScannedText & { broken: string[] } {
    const { calls } = this.instance;
    const length = this.#place(text);
    calls.scanValues(this.events.handle, this.#input, length, 1);
    const words = new Uint32Array(calls.memory.buffer, calls.oddPtr(), calls.oddN() * 3);
    const broken: string[] = [];
    for (let i = 0; i < words.length; i += 3) {
      if (words[i + 1]! < NOT_JSON) continue;
      broken.push(new TextDecoder().decode(this.instance.bytes.slice(words[i + 1]! - NOT_JSON, words[i + 2]!)));
    }
    return { ...this.#scanned(true), broken };
  }

  /** A scan that is gone on with each time that the table is full; its rows are dropped. */
  scanInPieces(kind: "array" | "lines", text: string): { verdict: string; pieces: { rows: number }[] } {
    const { calls } = this.instance;
    const table = this.events.handle;
    const length = this.#place(text);
    let verdict = kind === "array"
      ? calls.scanArray(table, this.#input, length, 0)
      : calls.scanLines(table, this.#input, length);
    if (verdict === 2 && kind === "array" && calls.isRestSound(table) === 0) verdict = 1;
    const pieces: { rows: number }[] = [];
    for (;;) {
      pieces.push({ rows: calls.rowsOf(table) });
      calls.flushEnd(table);
      if (verdict !== 2) return { verdict: verdict === 0 ? "whole" : "no array", pieces };
      verdict = kind === "array" ? calls.resumeArray(table) : calls.resumeLines(table);
    }
  }

  /**
   * Envelopes by their form, on the way that the pointer says; `judge` tells how many records what
   * is left to it has.
   */
  scanEnvelopes(
    text: string | Uint8Array,
    form: Form,
    recordsAt: string,
    judge: (from: number, to: number, position: number) => number,
  ): ScannedEnvelopes {
    const { instance, events: { handle } } = this, { calls } = instance;
    const length = this.#place(text), start = this.#input;
    if (!setSteps(instance, recordsAt)) throw new Error(`${recordsAt} is too long`);
    const odd: OddPlace[] = [];
    let dropped = 0;
    for (let verdict = calls.scanEnvelopes(handle, start, length, form, 0, 0);;) {
      const words = new Uint32Array(calls.memory.buffer, calls.oddPtr(), calls.oddN() * 3);
      for (let i = 0; i < words.length; i += 3) {
        odd.push({ position: words[i]!, from: words[i + 1]! - start, to: words[i + 2]! - start });
      }
      let position = calls.envelopesPosition();
      if (verdict === WHOLE) {
        // Of a table that was full the rows are many, and only counted.
        const rows = dropped === 0 ? readRows(instance, this.events, this.contract) : [];
        if (dropped > 0) dropped += calls.rowsOf(handle);
        calls.flushEnd(handle);
        return { records: position, rows, dropped, odd };
      }
      if (verdict === JUDGED) position += judge(calls.judgedPtr() - start, calls.judgedEnd() - start, position);
      else {
        dropped += calls.rowsOf(handle);
        calls.flushEnd(handle);
      }
      verdict = calls.resumeEnvelopes(handle, position);
    }
  }

  /** What the judge has made of records, put into columns and read back. */
  appendJudged(rows: readonly Row[], target: "events" | "letters"): Row[] {
    const { calls } = this.instance;
    const table = this[target];
    for (const row of rows) {
      this.#place(`${judgedText(this.contract, row)}\0`);
      if (calls.appendRecord(table.handle, this.#input) === 0) throw new Error(`${JSON.stringify(row)} is not taken`);
      if (target === "events") calls.commitEvent(table.handle, 0);
      else calls.commitLetter(table.handle, 0, this.#input, 0, this.#input, 0, this.#input, 0);
    }
    const back = readRows(this.instance, table, this.contract);
    calls.flushEnd(table.handle);
    return back;
  }

  /** How many elements of an array the text begins with, and the length up to their end. */
  scanElements(text: string): { count: number; length: number; isEnd: boolean } {
    const { calls } = this.instance;
    const length = this.#place(text);
    const count = calls.scanElements(this.#input, length);
    return { count, length: calls.elementsEnd() - this.#input, isEnd: calls.isEndOfElements() !== 0 };
  }

  /** Reads a record, which is JSON, as a dead letter. */
  readLetter(text: string): ReadLetter {
    const { calls } = this.instance;
    const table = this.letters.handle;
    const length = this.#place(text), end = this.#input + length;
    this.instance.bytes.fill(0, end, end + OVERRUN);
    const verdict = (["read", "no object", "too odd"] as const)[calls.letterParse(table, this.#input)]!;
    if (verdict === "too odd") return { verdict, row: {}, faults: [], extras: 0 };
    const words = new Uint32Array(calls.memory.buffer, calls.failsPtr(), calls.failCount() * FAULT_WORDS);
    const faults = Array.from({ length: verdict === "read" ? calls.failCount() : 0 }, (_, i) => {
      return { kind: FAULTS[words[i * FAULT_WORDS]!]!, field: words[i * FAULT_WORDS + 1]! };
    });
    const extras = calls.extraCount();
    calls.commitLetter(table, 0, this.#input, 0, this.#input, 0, this.#input, 0);
    const [row] = readRows(this.instance, this.letters, this.contract);
    calls.flushEnd(table);
    return { verdict, row: row!, faults, extras };
  }

  /** The letters that wait, with their reasons and details; they are dropped. */
  takeLetters(): { position: number; reason: string; detail: string }[] {
    const { calls } = this.instance;
    const { handle, columns } = this.letters;
    const memory = new DataView(calls.memory.buffer);
    const columnOf = (name: string) => columns.find(({ path }) => path[0] === name)!.handle;
    const textOf = (name: string, row: number) => {
      const at = calls.columnText(columnOf(name), row);
      return this.instance.text(at + 4, at + 4 + memory.getUint32(at, true));
    };
    const positions = calls.columnValues(columnOf("_source_position"));
    const letters = Array.from({ length: calls.rowsOf(handle) }, (_, row) => ({
      position: Number(memory.getBigInt64(positions + row * 8, true)),
      reason: textOf("_dead_letter_reason", row),
      detail: textOf("_dead_letter_detail", row),
    }));
    calls.flushEnd(handle);
    return letters;
  }

  #scanned(isWhole: boolean): ScannedText {
    const { calls } = this.instance;
    const rows = readRows(this.instance, this.events, this.contract);
    const entries = new Uint32Array(calls.memory.buffer, calls.oddPtr(), calls.oddN() * 3);
    const odd = Array.from({ length: calls.oddN() }, (_, i) => entries[i * 3]!);
    calls.flushEnd(this.events.handle);
    return { isWhole, records: calls.recordCount(), rows, odd };
  }

  #place(text: string | Uint8Array): number {
    const { calls } = this.instance;
    const bytes = typeof text === "string" ? new TextEncoder().encode(text) : text;
    if (bytes.length + OVERRUN > this.#inputBytes) {
      calls.dealloc(this.#input, this.#inputBytes);
      this.#inputBytes = bytes.length + OVERRUN;
      this.#input = calls.alloc(this.#inputBytes);
    }
    this.instance.bytes.set(bytes, this.#input);
    // What stood there before must not matter.
    this.instance.bytes.fill(0x22, this.#input + bytes.length, this.#input + bytes.length + OVERRUN);
    const name = this.instance.place("file.json");
    calls.beginFile(this.events.handle, name.at, name.length);
    return bytes.length;
  }
}

export function contractOf(schema: object): Contract {
  return parseContract(JSON.stringify({ type: "object", additionalProperties: false, ...schema }));
}
