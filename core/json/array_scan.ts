import { OpenLevels } from "./open_levels.ts";
import { type Oversize, RecordParts } from "./record_parts.ts";
import { earlyEnd, wrongByte } from "./scan_error.ts";
import { ACT, ACTION, STATE, TRANSITIONS } from "./scan_table.ts";
import { BYTE_ORDER_MARK, isJsonSpace } from "../base/json.ts";

/** The verdict on a whole text. `offset` counts bytes of the (decompressed) text from 0. */
export type TextVerdict =
  | { readonly kind: "ok"; readonly records: number }
  | { readonly kind: "corrupt"; readonly detail: string; readonly offset: number };

const NO_BYTES = "the file is empty";
const ONLY_SPACE = "the file holds nothing but white space";
const NO_ELEMENTS = "the array is empty";

/** What is said of texts without records that are not broken. */
export const EMPTY: ReadonlySet<string> = new Set([
  NO_BYTES,
  ONLY_SPACE,
  NO_ELEMENTS,
  ...["gzip", "zstd"].map((packing) => `not ${packing}: ${NO_BYTES}`),
]);

/**
 * Called with each element of the array: its bytes without surrounding white space, its position
 * from 0, and the offset of its first byte. The bytes may be a view into the chunk.
 */
export type OnElement = (bytes: Uint8Array, position: number, offset: number, oversize?: Oversize) => void;

/**
 * Reads one JSON array strictly from chunks that may be cut anywhere. A table drives one pass over
 * the bytes. Memory is constant, plus one bit per level of nesting and, with `onElement`, the
 * element that the end of a chunk cut.
 */
export class JsonArrayScan {
  readonly #onElement: OnElement | undefined;
  #state: number = STATE.START;
  /** Whether the string being read is a key. */
  #inKey = false;
  readonly #levels = new OpenLevels();
  /** Bytes of a byte order mark read so far. */
  #mark = 0;
  #records = 0;
  #lines = 1;
  /** Bytes in the chunks before this one. */
  #before = 0;
  /** Offset of the byte after the `[` or `,` that stands before the element being read. */
  #elementOffset = 0;
  readonly #parts: RecordParts;
  #corrupt: Extract<TextVerdict, { kind: "corrupt" }> | undefined;

  /**
   * An element of more than `bytesMax`, including the white space after it, comes as its head only.
   */
  constructor(onElement?: OnElement, bytesMax = Infinity) {
    this.#onElement = onElement;
    this.#parts = new RecordParts(bytesMax);
  }

  /** Reads the next bytes. Returns false if the text is corrupt; then no more bytes are needed. */
  push(chunk: Uint8Array): boolean {
    if (this.#corrupt !== undefined) return false;
    const from = this.#skipByteOrderMark(chunk);
    if (this.#corrupt === undefined) this.#scan(chunk, from);
    if (this.#onElement !== undefined && this.#corrupt === undefined && this.#levels.depth > 0) {
      let from = Math.max(0, this.#elementOffset - this.#before);
      if (this.#parts.isEmpty) {
        from += leadingSpace(chunk.subarray(from));
        this.#elementOffset = this.#before + from;
      }
      this.#parts.add(chunk.subarray(from));
    }
    this.#before += chunk.length;
    return this.#corrupt === undefined;
  }

  /** The verdict, after all bytes. */
  end(): TextVerdict {
    if (this.#corrupt === undefined && this.#state !== STATE.DONE) {
      if (this.#before === 0) this.#refuse(NO_BYTES, 0);
      else if (this.#mark === 1 || this.#mark === 2) this.#refuseMark();
      else if (this.#state === STATE.START) this.#refuse(ONLY_SPACE, 0);
      else this.#refuse(`${this.#place(this.#before)}: ${earlyEnd(this.#state, this.#levels.inObject)}`, this.#before);
    }
    if (this.#corrupt === undefined && this.#records === 0) this.#refuse(NO_ELEMENTS, 0);
    return this.#corrupt ?? { kind: "ok", records: this.#records };
  }

  #scan(chunk: Uint8Array, from: number): void {
    const length = chunk.length;
    const inString = STATE.STRING << 8;
    let state = this.#state;
    for (let i = from; i < length;) {
      const target = TRANSITIONS[(state << 8) | chunk[i]!]!;
      if (target === STATE.STRING) {
        do i++; while (i < length && TRANSITIONS[inString | chunk[i]!] === STATE.STRING);
        state = target;
      } else if (target < ACTION) {
        state = target;
        i++;
      } else if (target === ACT.END_STRING) {
        state = this.#inKey ? STATE.COLON : STATE.AFTER;
        this.#inKey = false;
        i++;
      } else if (target === ACT.START_KEY) {
        this.#inKey = true;
        state = STATE.STRING;
        i++;
      } else {
        state = this.#act(target, state, chunk, i);
        if (this.#corrupt !== undefined) return;
        i++;
      }
    }
    this.#state = state;
  }

  /** Carries out an action at the byte at `i`; returns the next state. */
  #act(action: number, state: number, chunk: Uint8Array, i: number): number {
    switch (action) {
      case ACT.COMMA:
        if (this.#levels.inObject) return STATE.KEY;
        if (this.#levels.depth === 1) this.#endElement(chunk, i);
        return STATE.VALUE;
      case ACT.NEWLINE:
        this.#lines++;
        // A newline also ends a number.
        return state > STATE.DONE ? STATE.AFTER : state;
      case ACT.OPEN_OBJECT:
        this.#levels.open(true);
        return STATE.FIRST_KEY;
      case ACT.OPEN_ARRAY:
        this.#levels.open(false);
        return STATE.FIRST_VALUE;
      case ACT.START_ARRAY:
        this.#elementOffset = this.#before + i + 1;
        this.#levels.open(false);
        return STATE.FIRST_VALUE;
      case ACT.CLOSE_OBJECT:
      case ACT.CLOSE_ARRAY:
        if (this.#levels.inObject !== (action === ACT.CLOSE_OBJECT)) break;
        if (this.#levels.depth === 1 && state !== STATE.FIRST_VALUE) this.#endElement(chunk, i);
        this.#levels.close();
        return this.#levels.depth === 0 ? STATE.DONE : STATE.AFTER;
    }
    const offset = this.#before + i;
    this.#refuse(`${this.#place(offset)}: ${wrongByte(state, chunk[i]!, this.#levels.inObject)}`, offset);
    return state;
  }

  /** The element that started after `#elementOffset` ends before the byte at `i`. */
  #endElement(chunk: Uint8Array, i: number): void {
    const position = this.#records++;
    const offset = this.#elementOffset;
    this.#elementOffset = this.#before + i + 1;
    if (this.#onElement === undefined) return;
    const rest = chunk.subarray(Math.max(0, offset - this.#before), i);
    const skipped = this.#parts.isEmpty ? leadingSpace(rest) : 0;
    const { bytes, oversize } = this.#parts.end(rest.subarray(skipped));
    this.#onElement(bytes.subarray(0, trailingSpace(bytes, 0)), position, offset + skipped, oversize);
  }

  /**
   * The index after the byte order mark, or after the part of it in this chunk. An incomplete one
   * is refused.
   */
  #skipByteOrderMark(chunk: Uint8Array): number {
    let i = 0;
    while (i < chunk.length && this.#mark === this.#before + i && chunk[i] === BYTE_ORDER_MARK[this.#mark]) {
      this.#mark++;
      i++;
    }
    if (i < chunk.length && (this.#mark === 1 || this.#mark === 2)) this.#refuseMark();
    return i;
  }

  /** A part of a byte order mark is none. */
  #refuseMark(): void {
    this.#refuse(`${this.#place(0)}: ${wrongByte(STATE.START, BYTE_ORDER_MARK[0], false)}`, 0);
  }

  #place(offset: number): string {
    return `byte ${offset} (line ${this.#lines})`;
  }

  #refuse(detail: string, offset: number): void {
    this.#corrupt = { kind: "corrupt", detail, offset };
  }
}

/** Index of the first byte that is not white space. */
export function leadingSpace(bytes: Uint8Array): number {
  let start = 0;
  while (start < bytes.length && isJsonSpace(bytes[start]!)) start++;
  return start;
}

/** Index after the last byte, not before `start`, that is not white space. */
export function trailingSpace(bytes: Uint8Array, start: number): number {
  let end = bytes.length;
  while (end > start && isJsonSpace(bytes[end - 1]!)) end--;
  return end;
}
