import { DecodeBudget } from "./decode_budget.ts";

/**
 * A place in bytes, and Avro's primitive values from there on (Avro specification 1.11, "Binary
 * Encoding").
 */
export class Cursor {
  readonly bytes: Uint8Array;
  readonly budget: DecodeBudget;
  readonly #view: DataView;
  at: number;

  constructor(bytes: Uint8Array, budget = new DecodeBudget()) {
    this.bytes = bytes;
    this.budget = budget;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.at = 0;
  }

  byte(): number {
    const byte = this.bytes[this.at++];
    if (byte === undefined) throw new Error("it ends within a record");
    return byte;
  }

  boolean(): boolean {
    const byte = this.byte();
    if (byte > 1) throw new Error("a boolean is neither true nor false");
    return byte === 1;
  }

  /** A long as a number: exact within 2^53. */
  number(): number {
    let byte = this.byte();
    if (byte < 0x80) return (byte >>> 1) ^ -(byte & 1);
    let low = byte & 0x7f, shift = 7;
    while (byte >= 0x80 && shift < 28) {
      byte = this.byte();
      low |= (byte & 0x7f) << shift;
      shift += 7;
    }
    if (byte < 0x80) return (low >>> 1) ^ -(low & 1);
    // Beyond 28 bits a number's own shifts would cut: the rest is added up.
    let value = low, factor = 2 ** 28;
    const limit = this.at + 6;
    while (byte >= 0x80) {
      if (this.at === limit) throw new Error("an integer does not end");
      byte = this.byte();
      value += (byte & 0x7f) * factor;
      factor *= 128;
    }
    return low & 1 ? -(value + 1) / 2 : value / 2;
  }

  long(): bigint {
    const start = this.at;
    this.skipLong();
    const length = this.at - start;
    if (length <= 7) {
      this.at = start;
      return BigInt(this.number());
    }
    let raw = 0n;
    for (let at = this.at - 1; at >= start; at--) raw = (raw << 7n) | BigInt(this.bytes[at]! & 0x7f);
    return BigInt.asIntN(64, (raw >> 1n) ^ -(raw & 1n));
  }

  skipLong(): void {
    const limit = this.at + 10;
    while (this.byte() >= 0x80) if (this.at === limit) throw new Error("an integer does not end");
  }

  float(): number {
    return this.#view.getFloat32(this.#advance(4), true);
  }

  double(): number {
    return this.#view.getFloat64(this.#advance(8), true);
  }

  /** Shares memory with the file. */
  fixed(length: number): Uint8Array {
    const start = this.#advance(length);
    return this.bytes.subarray(start, start + length);
  }

  text(): Uint8Array {
    return this.fixed(this.number());
  }

  skip(length: number): void {
    this.#advance(length);
  }

  #advance(length: number): number {
    const start = this.at;
    if (!(length >= 0 && start + length <= this.bytes.length)) throw new Error("it ends within a record");
    this.at = start + length;
    return start;
  }
}
