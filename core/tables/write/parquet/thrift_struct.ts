/**
 * Structs of Thrift's compact protocol as plain values, so that what a footer says can be changed
 * here and there, and written again with all that nobody here knows of.
 */
import { THRIFT } from "../../thrift_type.ts";
import { ThriftOutput } from "./thrift_output.ts";

export interface StructField {
  id: number;
  /** As field headers name it; a boolean's is its value. */
  type: number;
  value: ThriftValue;
}

/** Fields in the order in which they stand. */
export type ThriftStruct = StructField[];

interface ThriftList {
  /** Of its items. */
  type: number;
  items: ThriftValue[];
}

/** Integers are numbers; a double is its eight bytes, a boolean field has no value of its own. */
type ThriftValue = number | Uint8Array | ThriftStruct | ThriftList | undefined;

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
  const output = new ThriftOutput();
  writeStruct(output, struct);
  return output.take();
}

/** Throws `RangeError` where the field is no list of structs. */
export function structsOf(struct: ThriftStruct, id: number): ThriftStruct[] {
  const value = struct.find((field) => field.id === id)?.value;
  if (typeof value === "object" && "items" in value && value.items.every((item) => Array.isArray(item))) {
    return value.items;
  }
  throw new RangeError(`there is no list of structs ${id}`);
}

export function listOfStructs(items: ThriftStruct[]): ThriftList {
  return { type: THRIFT.struct, items };
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

function writeStruct(output: ThriftOutput, fields: ThriftStruct): void {
  let last = 0;
  for (const { id, type, value } of fields) {
    output.field(id, type, last);
    last = id;
    if (value !== undefined) writeValue(output, type, value);
  }
  output.byte(0);
}

function writeValue(output: ThriftOutput, type: number, value: ThriftValue): void {
  if (typeof value === "number") {
    if (type <= THRIFT.byte) output.byte(value);
    else output.zigzag(value);
  } else if (value instanceof Uint8Array) {
    if (type === THRIFT.binary) output.counted(value);
    else output.raw(value);
  } else if (Array.isArray(value)) writeStruct(output, value);
  else if (value !== undefined) {
    output.list(value.type, value.items.length);
    for (const item of value.items) writeValue(output, value.type, item);
  }
}
