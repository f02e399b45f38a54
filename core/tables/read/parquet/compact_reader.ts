import { THRIFT } from "../../thrift_type.ts";

/** A field of a Thrift struct; `start` and `end` of its value. */
export interface ThriftField {
  id: number;
  type: number;
  start: number;
  end: number;
}

/** Nothing in a footer is nested deeper. */
const DEPTH_MAX = 200;

/** Walks Thrift's compact protocol; `RangeError` where it is broken. */
export class CompactReader {
  pos = 0;
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** The fields of a struct; ends behind it. */
  fields(depth = 0): ThriftField[] {
    const fields: ThriftField[] = [];
    for (let id = 0;;) {
      const header = this.#byte();
      if (header === 0) return fields;
      const type = header & 0x0f;
      id = header >> 4 === 0 ? this.zigzag() : id + (header >> 4);
      const start = this.pos;
      if (type !== THRIFT.true && type !== THRIFT.false) this.#skip(type, depth + 1);
      fields.push({ id, type, start, end: this.pos });
    }
  }

  listHeader(): { count: number; type: number } {
    const header = this.#byte();
    const count = header >> 4 === 15 ? this.#varint() : header >> 4;
    // Each element takes a byte at least.
    if (count > this.#bytes.length - this.pos) throw new RangeError("a list longer than the footer");
    return { count, type: header & 0x0f };
  }

  zigzag(): number {
    const value = this.#varint();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  text(): string {
    const length = this.#varint();
    return new TextDecoder().decode(this.#bytes.subarray(this.pos, this.#advance(length)));
  }

  /** The structs of a list. */
  structs(): ThriftField[][] {
    const { count, type } = this.listHeader();
    if (type !== THRIFT.struct) throw new RangeError("a list of something else");
    return Array.from({ length: count }, () => this.fields());
  }

  #skip(type: number, depth: number): void {
    if (depth > DEPTH_MAX) throw new RangeError("too deep");
    if (type === THRIFT.struct) this.fields(depth);
    else if (type === THRIFT.binary) this.#advance(this.#varint());
    else if (type === THRIFT.list || type === THRIFT.set) this.#skipList(depth);
    else if (type === THRIFT.map) this.#skipMap(depth);
    else if (type === THRIFT.double) this.#advance(8);
    else if (type <= THRIFT.byte) this.#advance(1);
    else if (type <= THRIFT.i64) this.#varint();
    else throw new RangeError("a type that Thrift does not have");
  }

  #skipList(depth: number): void {
    const { count, type } = this.listHeader();
    for (let i = 0; i < count; i++) this.#skip(type, depth + 1);
  }

  #skipMap(depth: number): void {
    const count = this.#varint();
    const types = count === 0 ? 0 : this.#byte();
    for (let i = 0; i < count; i++) {
      this.#skip(types >> 4, depth + 1);
      this.#skip(types & 0x0f, depth + 1);
    }
  }

  /** Exact up to 2^53; what is larger is only passed over. */
  #varint(): number {
    let value = 0;
    for (let factor = 1, i = 0; i < 10; factor *= 128, i++) {
      const byte = this.#byte();
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
    }
    throw new RangeError("a number without end");
  }

  #byte(): number {
    const byte = this.#bytes[this.pos++];
    if (byte === undefined) throw new RangeError("the footer ends too soon");
    return byte;
  }

  #advance(length: number): number {
    this.pos += length;
    if (this.pos > this.#bytes.length) throw new RangeError("the footer ends too soon");
    return this.pos;
  }
}
