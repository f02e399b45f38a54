/** Types of Thrift's compact protocol, as field and list headers name them. */
const THRIFT = { i16: 4, i32: 5, i64: 6, binary: 8, struct: 12 } as const;

const TRUE = 1;
const FALSE = 2;
const LIST = 9;
const BYTES_FIRST = 1 << 10;

const encoder = new TextEncoder();

/**
 * Thrift's compact protocol, as far as Parquet writes it. Fields are written in the order of their
 * ids; 64-bit integers are sizes and counts, and so are exact as numbers.
 */
export class CompactWriter {
  #bytes = new Uint8Array(BYTES_FIRST);
  #length = 0;
  /** Of the field written last in the struct that is being written. */
  #lastId = 0;

  i16(id: number, value: number): void {
    this.#header(id, THRIFT.i16);
    this.#zigzag(value);
  }

  i32(id: number, value: number): void {
    this.#header(id, THRIFT.i32);
    this.#zigzag(value);
  }

  i64(id: number, value: number): void {
    this.#header(id, THRIFT.i64);
    this.#zigzag(value);
  }

  bool(id: number, value: boolean): void {
    this.#header(id, value ? TRUE : FALSE);
  }

  binary(id: number, bytes: Uint8Array): void {
    this.#header(id, THRIFT.binary);
    this.#counted(bytes);
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
    this.#byte(0);
  }

  structs<Item>(id: number, items: readonly Item[], write: (item: Item) => void): void {
    this.#list(id, THRIFT.struct, items.length);
    for (const item of items) this.#nested(() => write(item));
  }

  /** A struct that is written already, by `finish`. */
  finishedStruct(id: number, bytes: Uint8Array): void {
    this.#header(id, THRIFT.struct);
    this.#raw(bytes);
  }

  i32s(id: number, values: readonly number[]): void {
    this.#list(id, THRIFT.i32, values.length);
    for (const value of values) this.#zigzag(value);
  }

  i64s(id: number, values: readonly number[]): void {
    this.#list(id, THRIFT.i64, values.length);
    for (const value of values) this.#zigzag(value);
  }

  binaries(id: number, values: readonly Uint8Array[]): void {
    this.#list(id, THRIFT.binary, values.length);
    for (const value of values) this.#counted(value);
  }

  texts(id: number, values: readonly string[]): void {
    this.binaries(id, values.map((value) => encoder.encode(value)));
  }

  /** In lists true is 1 and false 2, as in fields. */
  bools(id: number, values: readonly boolean[]): void {
    this.#list(id, TRUE, values.length);
    for (const value of values) this.#byte(value ? TRUE : FALSE);
  }

  /** Ends the outermost struct and gives its bytes; the writer is then ready for the next. */
  finish(): Uint8Array {
    this.#byte(0);
    const bytes = this.#bytes.slice(0, this.#length);
    this.#length = 0;
    this.#lastId = 0;
    return bytes;
  }

  #nested(write: () => void): void {
    const outer = this.#lastId;
    this.#lastId = 0;
    write();
    this.#byte(0);
    this.#lastId = outer;
  }

  #list(id: number, type: number, count: number): void {
    this.#header(id, LIST);
    if (count < 15) this.#byte((count << 4) | type);
    else {
      this.#byte(0xf0 | type);
      this.#varint(count);
    }
  }

  #header(id: number, type: number): void {
    const delta = id - this.#lastId;
    this.#lastId = id;
    if (delta > 0 && delta < 16) this.#byte((delta << 4) | type);
    else {
      this.#byte(type);
      this.#zigzag(id);
    }
  }

  #counted(bytes: Uint8Array): void {
    this.#varint(bytes.length);
    this.#raw(bytes);
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
