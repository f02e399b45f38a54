import { THRIFT } from "../../thrift_type.ts";
import { ThriftOutput } from "./thrift_output.ts";

const encoder = new TextEncoder();

/**
 * Thrift's compact protocol, as far as Parquet writes it. Fields are written in the order of their
 * ids; 64-bit integers are sizes and counts, and so are exact as numbers.
 */
export class CompactWriter {
  readonly #output = new ThriftOutput();
  /** Of the field written last in the struct that is being written. */
  #lastId = 0;

  i16(id: number, value: number): void {
    this.#header(id, THRIFT.i16);
    this.#output.zigzag(value);
  }

  i32(id: number, value: number): void {
    this.#header(id, THRIFT.i32);
    this.#output.zigzag(value);
  }

  i64(id: number, value: number): void {
    this.#header(id, THRIFT.i64);
    this.#output.zigzag(value);
  }

  bool(id: number, value: boolean): void {
    this.#header(id, value ? THRIFT.true : THRIFT.false);
  }

  binary(id: number, bytes: Uint8Array): void {
    this.#header(id, THRIFT.binary);
    this.#output.counted(bytes);
  }

  text(id: number, text: string): void {
    this.binary(id, encoder.encode(text));
  }

  struct(id: number, write: () => void): void {
    this.#header(id, THRIFT.struct);
    this.#nested(write);
  }

  /** A struct without fields, as a union's choice often is. */
  emptyStruct(id: number): void {
    this.#header(id, THRIFT.struct);
    this.#output.byte(0);
  }

  structs<Item>(id: number, items: readonly Item[], write: (item: Item) => void): void {
    this.#list(id, THRIFT.struct, items.length);
    for (const item of items) this.#nested(() => write(item));
  }

  /** A struct that is written already, by `finish`. */
  finishedStruct(id: number, bytes: Uint8Array): void {
    this.#header(id, THRIFT.struct);
    this.#output.raw(bytes);
  }

  /** A list of such. */
  finishedStructs(id: number, structs: readonly Uint8Array[]): void {
    this.#list(id, THRIFT.struct, structs.length);
    for (const bytes of structs) this.#output.raw(bytes);
  }

  i32s(id: number, values: readonly number[]): void {
    this.#list(id, THRIFT.i32, values.length);
    for (const value of values) this.#output.zigzag(value);
  }

  i64s(id: number, values: readonly number[]): void {
    this.#list(id, THRIFT.i64, values.length);
    for (const value of values) this.#output.zigzag(value);
  }

  binaries(id: number, values: readonly Uint8Array[]): void {
    this.#list(id, THRIFT.binary, values.length);
    for (const value of values) this.#output.counted(value);
  }

  /** In lists true is 1 and false 2, as in fields. */
  bools(id: number, values: readonly boolean[]): void {
    this.#list(id, THRIFT.true, values.length);
    for (const value of values) this.#output.byte(value ? THRIFT.true : THRIFT.false);
  }

  /** Ends the outermost struct and gives its bytes; the writer is then ready for the next. */
  finish(): Uint8Array {
    this.#output.byte(0);
    this.#lastId = 0;
    return this.#output.take();
  }

  #nested(write: () => void): void {
    const outer = this.#lastId;
    this.#lastId = 0;
    write();
    this.#output.byte(0);
    this.#lastId = outer;
  }

  #list(id: number, type: number, count: number): void {
    this.#header(id, THRIFT.list);
    this.#output.list(type, count);
  }

  #header(id: number, type: number): void {
    this.#output.field(id, type, this.#lastId);
    this.#lastId = id;
  }
}
