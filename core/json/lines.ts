import { joined, leadingSpace, trailingSpace } from "./array_scan.ts";

/**
 * Takes a line that is not blank: its bytes without the white space around it, its position among
 * such lines from 0, and the offset of its first byte in the text. The bytes may be a view into the
 * chunk.
 */
export type OnLine = (bytes: Uint8Array, position: number, offset: number) => void;

const NEWLINE = 0x0a;

/**
 * Cuts NDJSON into lines, whatever is in them: a line ends with LF (CR before it is white space),
 * blank lines do not count, a leading byte order mark is skipped. Memory: the line that a chunk's
 * end cut.
 */
export class NdjsonLines {
  readonly #onLine: OnLine;
  #records = 0;
  #before = 0;
  #parts: Uint8Array[] = [];
  /** Offset of the first byte in `#parts`. */
  #lineOffset = 0;

  constructor(onLine: OnLine) {
    this.#onLine = onLine;
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
    // A copy: the caller may use its chunk again.
    if (from < chunk.length) this.#parts.push(chunk.slice(from));
    this.#before += chunk.length;
  }

  /** Ends the last line and returns how many there were. */
  end(): number {
    this.#endLine(new Uint8Array());
    return this.#records;
  }

  #endLine(rest: Uint8Array): void {
    let bytes = rest;
    if (this.#parts.length > 0) {
      bytes = joined([...this.#parts, rest]);
      this.#parts = [];
    }
    const mark = this.#lineOffset === 0 && startsWithByteOrderMark(bytes) ? 3 : 0;
    if (mark > 0) bytes = bytes.subarray(mark);
    const start = leadingSpace(bytes);
    const end = trailingSpace(bytes, start);
    if (end > start) this.#onLine(bytes.subarray(start, end), this.#records++, this.#lineOffset + mark + start);
  }
}

function startsWithByteOrderMark(bytes: Uint8Array): boolean {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
}
