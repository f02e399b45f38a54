/**
 * Structs of Thrift's compact protocol as plain values, so that what a footer says can be changed
 * here and there, and written again with all that nobody here knows of.
 */

export interface StructField {
  id: number;
  /** As field headers name it; a boolean's is its value. */
  type: number;
  value: ThriftValue;
}

/** Fields in the order in which they stand. */
export type ThriftStruct = StructField[];

export interface ThriftList {
  /** Of its items. */
  type: number;
  items: ThriftValue[];
}

/** Integers are numbers; a double is its eight bytes, a boolean field has no value of its own. */
type ThriftValue = number | Uint8Array | ThriftStruct | ThriftList | undefined;

export const THRIFT = { true: 1, false: 2, byte: 3, i16: 4, i32: 5, i64: 6, double: 7, binary: 8, list: 9, struct: 12 };
const DOUBLE_BYTES = 8;
/** Nothing in a footer is nested deeper. */
const DEPTH_MAX = 100;

/** Throws `RangeError` for what is no such struct, or holds an integer that is not exact. */
export function readThriftStruct(bytes: Uint8Array): ThriftStruct {
  const reader = new ThriftReader(bytes);
  const struct = reader.struct(0);
  if (!reader.isAtEnd) throw new RangeError("bytes follow the struct");
  return struct;
}

export function writeThriftStruct(struct: ThriftStruct): Uint8Array {
  const writer = new ThriftWriter();
  writer.struct(struct);
  return writer.finish();
}

class ThriftReader {
  #at = 0;
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  struct(depth: number): ThriftStruct {
    if (depth > DEPTH_MAX) throw new RangeError("structs are nested too deeply");
    const fields: ThriftStruct = [];
    for (let id = 0, header: number; (header = this.#byte()) !== 0;) {
      id = header >> 4 === 0 ? this.#zigzag() : id + (header >> 4);
      const type = header & 15;
      const isBoolean = type === THRIFT.true || type === THRIFT.false;
      fields.push({ id, type, value: isBoolean ? undefined : this.#value(type, depth) });
    }
    return fields;
  }

  #value(type: number, depth: number): ThriftValue {
    switch (type) {
      case THRIFT.true:
      case THRIFT.false:
      case THRIFT.byte:
        return this.#byte();
      case THRIFT.i16:
      case THRIFT.i32:
      case THRIFT.i64:
        return this.#zigzag();
      case THRIFT.double:
        return this.#take(DOUBLE_BYTES);
      case THRIFT.binary:
        return this.#take(this.#varint());
      case THRIFT.list:
        return this.#list(depth);
      case THRIFT.struct:
        return this.struct(depth + 1);
      default:
        throw new RangeError(`Parquet has no field of Thrift's type ${type}`);
    }
  }

  #list(depth: number): ThriftList {
    const header = this.#byte();
    const type = header & 15;
    const count = header >> 4 === 15 ? this.#varint() : header >> 4;
    // Each item has a byte at least.
    if (count > this.#bytes.length - this.#at) throw new RangeError("a list is longer than the bytes");
    return { type, items: Array.from({ length: count }, () => this.#value(type, depth + 1)) };
  }

  #take(length: number): Uint8Array {
    if (length > this.#bytes.length - this.#at) throw new RangeError("the bytes end too soon");
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  #zigzag(): number {
    const value = this.#varint();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  #varint(): number {
    let value = 0;
    for (let factor = 1;; factor *= 0x80) {
      const byte = this.#byte();
      value += (byte & 0x7f) * factor;
      if (!Number.isSafeInteger(value)) throw new RangeError("an integer is too large to be exact");
      if (byte < 0x80) return value;
    }
  }

  #byte(): number {
    const byte = this.#bytes[this.#at++];
    if (byte === undefined) throw new RangeError("the bytes end too soon");
    return byte;
  }
}

class ThriftWriter {
  #bytes = new Uint8Array(1 << 14);
  #length = 0;

  finish(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  struct(fields: ThriftStruct): void {
    let last = 0;
    for (const { id, type, value } of fields) {
      const delta = id - last;
      last = id;
      if (delta > 0 && delta < 16) this.#byte((delta << 4) | type);
      else {
        this.#byte(type);
        this.#zigzag(id);
      }
      if (value !== undefined) this.#value(type, value);
    }
    this.#byte(0);
  }

  #value(type: number, value: ThriftValue): void {
    if (typeof value === "number") {
      if (type <= THRIFT.byte) this.#byte(value);
      else this.#zigzag(value);
    } else if (value instanceof Uint8Array) {
      if (type === THRIFT.binary) this.#varint(value.length);
      this.#raw(value);
    } else if (Array.isArray(value)) this.struct(value);
    else if (value !== undefined) this.#list(value);
  }

  #list({ type, items }: ThriftList): void {
    if (items.length < 15) this.#byte((items.length << 4) | type);
    else {
      this.#byte(0xf0 | type);
      this.#varint(items.length);
    }
    for (const item of items) this.#value(type, item);
  }

  #zigzag(value: number): void {
    this.#varint(value < 0 ? -2 * value - 1 : 2 * value);
  }

  #varint(value: number): void {
    let rest = value;
    for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) this.#byte(rest % 0x80 + 0x80);
    this.#byte(rest);
  }

  #byte(value: number): void {
    if (this.#length === this.#bytes.length) this.#grow(1);
    this.#bytes[this.#length++] = value;
  }

  #raw(bytes: Uint8Array): void {
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
