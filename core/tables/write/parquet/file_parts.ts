import { joinBytes } from "../../../base/join_bytes.ts";
import { MAGIC } from "./footer.ts";
import { readThriftStruct, type ThriftStruct, writeThriftStruct } from "./thrift_struct.ts";

/** The footer's length and the magic number. */
const TAIL_BYTES = 8;

export interface FileParts {
  /** What is between the first magic number and the footer. */
  body: Uint8Array;
  footer: ThriftStruct;
}

/** Throws `RangeError` for what is no plain Parquet file. */
export function takeApart(file: Uint8Array): FileParts {
  const end = file.length - TAIL_BYTES;
  if (end < MAGIC.length || !isEqual(file.subarray(end + 4), MAGIC)) {
    throw new RangeError("it is no plain Parquet file");
  }
  const length = new DataView(file.buffer, file.byteOffset + end, 4).getUint32(0, true);
  if (length > end - MAGIC.length) throw new RangeError("the footer is longer than the file");
  return {
    body: file.subarray(MAGIC.length, end - length),
    footer: readThriftStruct(file.subarray(end - length, end)),
  };
}

export function putTogether(bodies: readonly Uint8Array[], footer: ThriftStruct): Uint8Array {
  const bytes = writeThriftStruct(footer);
  const tail = new Uint8Array(TAIL_BYTES);
  new DataView(tail.buffer).setUint32(0, bytes.length, true);
  tail.set(MAGIC, 4);
  return joinBytes([MAGIC, ...bodies, bytes, tail]);
}

export function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}
