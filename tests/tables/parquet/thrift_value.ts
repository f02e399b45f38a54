/** A struct by its field ids, a list, or a scalar: whatever Thrift's compact protocol holds. */
export type ThriftValue = number | boolean | Uint8Array | ThriftValue[] | ThriftStruct;
export interface ThriftStruct {
  [id: number]: ThriftValue;
}

/** Reads a struct; `end` is set behind it. */
export class ThriftReader {
  end: number;
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array, start = 0) {
    this.#bytes = bytes;
    this.end = start;
  }

  struct(): ThriftStruct {
    const found: ThriftStruct = {};
    for (let id = 0, header: number; (header = this.#byte()) !== 0;) {
      id = header >> 4 === 0 ? this.#zigzag() : id + (header >> 4);
      found[id] = this.#value(header & 15, true);
    }
    return found;
  }

  #value(type: number, isField: boolean): ThriftValue {
    switch (type) {
      case 1:
      case 2:
        return isField ? type === 1 : this.#byte() === 1;
      case 3:
        return this.#byte();
      case 4:
      case 5:
      case 6:
        return this.#zigzag();
      case 8: {
        const length = this.#varint();
        this.end += length;
        return this.#bytes.slice(this.end - length, this.end);
      }
      case 9: {
        const header = this.#byte();
        const length = header >> 4 === 15 ? this.#varint() : header >> 4;
        return Array.from({ length }, () => this.#value(header & 15, false));
      }
      case 12:
        return this.struct();
      default:
        throw new Error(`no type ${type}`);
    }
  }

  #zigzag(): number {
    const value = this.#varint();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  #varint(): number {
    let value = 0;
    for (let factor = 1;; factor *= 128) {
      const byte = this.#byte();
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
  }

  #byte(): number {
    const byte = this.#bytes[this.end++];
    if (byte === undefined) throw new Error("the bytes end too soon");
    return byte;
  }
}

/** FileMetaData of a Parquet file. */
export function readFooter(file: Uint8Array): ThriftStruct {
  const length = new DataView(file.buffer, file.byteOffset + file.length - 8).getUint32(0, true);
  return new ThriftReader(file, file.length - 8 - length).struct();
}
