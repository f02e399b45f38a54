import { leadingSpace, trailingSpace } from "./array_scan.ts";
import { type Oversize, RecordParts } from "./record_parts.ts";
import { startsWithByteOrderMark } from "../base/json.ts";

/**
 * Called with each line that is not blank: its bytes without surrounding white space, its position
 * among such lines from 0, and the offset of its first byte in the text. The bytes may be a view
 * into the chunk.
 */
export type OnLine = (bytes: Uint8Array, position: number, offset: number, oversize?: Oversize) => void;

const NEWLINE = 0x0a;

/**
 * Splits NDJSON into lines without judging them. A line ends with LF (a CR before it is white
 * space), blank lines do not count, and a leading byte order mark is skipped. It holds only the
 * line that the end of a chunk cut.
 */
export class NdjsonLines {
  readonly #onLine: OnLine;
  #records = 0;
  #before = 0;
  readonly #parts: RecordParts;
  /** Offset of the first byte in `#parts`. */
  #lineOffset = 0;

  /** A line of more than `bytesMax`, including the white space after it, comes as its head only. */
  constructor(onLine: OnLine, bytesMax = Infinity) {
    this.#onLine = onLine;
    this.#parts = new RecordParts(bytesMax);
  }

  push(chunk: Uint8Array): void {
    let from = 0;
    for (;;) {
      const end = chunk.indexOf(NEWLINE, from);
      if (end < 0) break;
      this.#endLine(chunk.subarray(from, end));
      from = end + 1;
      this.#lineOffset = this.#before + from;
    }
    if (this.#parts.isEmpty) {
      const start = leadingSpace(chunk.subarray(from));
      from += start;
      this.#lineOffset += start;
    }
    if (from < chunk.length) this.#parts.add(chunk.subarray(from));
    this.#before += chunk.length;
  }

  /** Ends the last line and returns the number of lines. */
  end(): number {
    this.#endLine(new Uint8Array());
    return this.#records;
  }

  #endLine(rest: Uint8Array): void {
    const skipped = this.#parts.isEmpty ? leadingSpace(rest) : 0;
    this.#lineOffset += skipped;
    const { bytes: whole, oversize } = this.#parts.end(rest.subarray(skipped));
    let bytes = whole;
    const mark = this.#lineOffset === 0 && startsWithByteOrderMark(bytes) ? 3 : 0;
    if (mark > 0) bytes = bytes.subarray(mark);
    const start = leadingSpace(bytes);
    const end = trailingSpace(bytes, start);
    if (end === start) return;
    this.#onLine(bytes.subarray(start, end), this.#records++, this.#lineOffset + mark + start, oversize);
  }
}
