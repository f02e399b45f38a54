/** Room for the footer of a small file. */
const BYTES_FIRST = 1 << 10;
/** Lengths and distances from here on have a number of their own. */
const LIST_INLINE_END = 15, DELTA_INLINE_END = 16;

/**
 * Bytes of Thrift's compact protocol. 64-bit integers are sizes and counts, and so are exact as
 * numbers. Source: Apache Thrift, "thrift-compact-protocol.md".
 */
export class ThriftOutput {
  #bytes = new Uint8Array(BYTES_FIRST);
  #length = 0;

  /** All that was written; the next byte starts anew. */
  take(): Uint8Array {
    const bytes = this.#bytes.slice(0, this.#length);
    this.#length = 0;
    return bytes;
  }

  /** `lastId`: of the field before it in the struct, 0 for the first. */
  field(id: number, type: number, lastId: number): void {
    const delta = id - lastId;
    if (delta > 0 && delta < DELTA_INLINE_END) this.byte((delta << 4) | type);
    else {
      this.byte(type);
      this.zigzag(id);
    }
  }

  list(type: number, count: number): void {
    if (count < LIST_INLINE_END) this.byte((count << 4) | type);
    else {
      this.byte(0xf0 | type);
      this.varint(count);
    }
  }

  counted(bytes: Uint8Array): void {
    this.varint(bytes.length);
    this.raw(bytes);
  }

  zigzag(value: number): void {
    this.varint(value < 0 ? -2 * value - 1 : 2 * value);
  }

  varint(value: number): void {
    let rest = value;
    for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) this.byte(rest % 0x80 + 0x80);
    this.byte(rest);
  }

  byte(value: number): void {
    if (this.#length === this.#bytes.length) this.#grow(1);
    this.#bytes[this.#length++] = value;
  }

  raw(bytes: Uint8Array): void {
    if (this.#length + bytes.length > this.#bytes.length) this.#grow(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  #grow(room: number): void {
    const grown = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + room));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
  }
}
