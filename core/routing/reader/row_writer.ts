import type { Contract, DeadLetterReason } from "../../contract/contract.ts";
import type { Row } from "../../contract/judgement.ts";
import type { ReaderTable } from "./column_plan.ts";
import { judgedText } from "./judged_values.ts";
import type { PlacedText, ReaderInstance } from "./reader_instance.ts";
import { TextRoom } from "./text_room.ts";

/** Stands for a whole file: a dead letter without a position. */
export const NO_POSITION = -1;

/** Adds rows to the columns of the two tables: those that the reader has not added by itself. */
export class RowWriter {
  readonly events: ReaderTable;
  readonly deadLetters: ReaderTable;
  /** Of the letters so far, how many for each reason. */
  readonly reasons = new Map<DeadLetterReason, number>();
  readonly #reader: ReaderInstance;
  readonly #contract: Contract;
  readonly #values: TextRoom;
  readonly #detail: TextRoom;
  readonly #raw: TextRoom;

  constructor(reader: ReaderInstance, contract: Contract, events: ReaderTable, deadLetters: ReaderTable) {
    this.#reader = reader;
    this.#contract = contract;
    this.events = events;
    this.deadLetters = deadLetters;
    this.#values = new TextRoom(reader);
    this.#detail = new TextRoom(reader);
    this.#raw = new TextRoom(reader);
  }

  /** All that follows is of this file. */
  beginFile(name: string): void {
    const { at, length } = this.#values.put(name);
    for (const { handle } of [this.events, this.deadLetters]) this.#reader.calls.beginFile(handle, at, length);
  }

  /** `rescued` where extra fields are kept. */
  addEvent(position: number, values: Row, rescued: string | null): void {
    this.#append(this.events.handle, values);
    if (rescued !== null) {
      const { at, length } = this.#detail.put(rescued);
      this.#reader.calls.appendRescued(this.events.handle, at, length);
    }
    this.#reader.calls.commitEvent(this.events.handle, position);
    this.#detail.settle();
  }

  /** `values` are null where none is known. `raw` lies in the reader's memory, or is a text. */
  addLetter(
    position: number,
    reason: DeadLetterReason,
    detail: string,
    raw: string | PlacedText,
    values: Row | null,
  ): void {
    const { calls } = this.#reader;
    if (values === null) calls.letterNulls(this.deadLetters.handle);
    else this.#append(this.deadLetters.handle, values);
    this.endLetter(position, reason, detail, raw);
  }

  /** Ends a letter whose values are there already. */
  endLetter(position: number, reason: DeadLetterReason, detail: string, raw: string | PlacedText): void {
    this.count(reason, 1);
    const why = this.#reader.keep(reason);
    const words = this.#detail.put(detail);
    const text = typeof raw === "string" ? this.#raw.put(raw) : raw;
    this.#reader.calls.commitLetter(
      this.deadLetters.handle,
      position,
      why.at,
      why.length,
      words.at,
      words.length,
      text.at,
      text.length,
    );
    this.#detail.settle();
    this.#raw.settle();
  }

  /** Counts letters that were added. */
  count(reason: DeadLetterReason, letters: number): void {
    if (letters > 0) this.reasons.set(reason, (this.reasons.get(reason) ?? 0) + letters);
  }

  /** Nothing more will come. */
  close(): void {
    for (const room of [this.#values, this.#detail, this.#raw]) room.release();
  }

  #append(table: number, values: Row): void {
    const { at } = this.#values.put(judgedText(this.#contract, values));
    if (this.#reader.calls.appendRecord(table, at) === 0) {
      throw new Error(`The reader does not take what the judge has read: ${JSON.stringify(values).slice(0, 300)}`);
    }
    this.#values.settle();
  }
}
