import { sha256 } from "../../base/sha256.ts";
import { isJsonSpace, startsWithByteOrderMark } from "../../base/json.ts";
import { FilePartReader } from "../../disk/scratch.ts";
import { HEAD_BYTES } from "../../json/record_parts.ts";
import { RECORD_BYTES_MAX, type RecordText } from "../../json/text.ts";
import type { RandomBytes } from "../../json/value_split.ts";
import type { ReaderInstance } from "./reader_instance.ts";
import type { ReadUnit } from "./reading.ts";

export const OPEN_OBJECT = 0x7b;

const BLOCK_BYTES = 1 << 18;
const MARK_BYTES = 3;

/** Reads of fewer bytes take them from a block that is kept: records are small, and many. */
const SMALL_BYTES = 1 << 16;

/** The bytes of a unit, from any place on. */
export class UnitBytes implements RandomBytes {
  readonly size: number;
  readonly #unit: ReadUnit;
  readonly #file = new FilePartReader();
  #block = new Uint8Array();
  #blockAt = 0;
  #blockEnd = 0;

  constructor(unit: ReadUnit) {
    this.#unit = unit;
    this.size = unit.size;
  }

  readInto(offset: number, target: Uint8Array): number {
    const length = Math.max(0, Math.min(target.length, this.size - offset));
    if (length >= SMALL_BYTES) return this.#readInto(offset, target.subarray(0, length));
    if (offset < this.#blockAt || offset + length > this.#blockEnd) this.#readBlock(offset);
    const from = offset - this.#blockAt, to = Math.min(from + length, this.#blockEnd - this.#blockAt);
    target.set(this.#block.subarray(from, to));
    return to - from;
  }

  close(): void {
    this.#file.close();
  }

  #readBlock(offset: number): void {
    const length = Math.max(0, Math.min(BLOCK_BYTES, this.size - offset));
    if (this.#block.length < length) this.#block = new Uint8Array(length);
    this.#blockAt = offset;
    this.#blockEnd = offset + this.#readInto(offset, this.#block.subarray(0, length));
  }

  #readInto(offset: number, target: Uint8Array): number {
    return this.#file.readInto(this.#unit.path, this.#unit.offset + offset, target);
  }
}

/** The bytes of a text in the reader's memory, which may grow meanwhile. */
export class TextBytes implements RandomBytes {
  readonly size: number;
  readonly #reader: ReaderInstance;
  readonly #from: number;

  constructor(reader: ReaderInstance, from: number, to: number) {
    this.#reader = reader;
    this.#from = from;
    this.size = to - from;
  }

  readInto(offset: number, target: Uint8Array): number {
    const length = Math.max(0, Math.min(target.length, this.size - offset));
    target.set(this.#reader.bytes.subarray(this.#from + offset, this.#from + offset + length));
    return length;
  }
}

/** Its first character that is no white space, behind a byte order mark. */
export function jsonStart(bytes: RandomBytes): { character: number | undefined; at: number } {
  const block = new Uint8Array(Math.min(bytes.size, BLOCK_BYTES));
  for (let from = 0; from < bytes.size; from += block.length) {
    const length = bytes.readInto(from, block);
    if (length === 0) break;
    let at = from === 0 && startsWithByteOrderMark(block) ? MARK_BYTES : 0;
    while (at < length && isJsonSpace(block[at]!)) at++;
    if (at < length) return { character: block[at], at: from + at };
  }
  return { character: undefined, at: bytes.size };
}

/** A record by its place: its head only, where it is too large to be judged. */
export function readRecordText(
  bytes: RandomBytes,
  { from, to }: { from: number; to: number },
  position: number,
): RecordText {
  const size = to - from;
  const text = new Uint8Array(size > RECORD_BYTES_MAX ? HEAD_BYTES : size);
  bytes.readInto(from, text);
  if (text.length === size) return { bytes: text, position, offset: from };
  const hash = sha256(), block = new Uint8Array(BLOCK_BYTES);
  for (let at = from; at < to;) {
    const length = bytes.readInto(at, block.subarray(0, Math.min(block.length, to - at)));
    if (length === 0) break;
    hash.update(block.subarray(0, length));
    at += length;
  }
  return { bytes: text, position, offset: from, oversize: { size, sha256: hash.hex() } };
}
