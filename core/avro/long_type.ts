import type avro from "avsc";
import { builtins } from "./avsc.ts";

/** An Avro long as a `bigint`: avsc's own gives a number and fails beyond 2^53. */
export const exactLongType: avro.Type = builtins.LongType.__with({
  fromBuffer: (buffer: Uint8Array) => new DataView(buffer.buffer, buffer.byteOffset, 8).getBigInt64(0, true),
  toBuffer: (value: bigint) => {
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setBigInt64(0, value, true);
    return Buffer.from(bytes.buffer);
  },
  fromJSON: (value: number) => BigInt(value),
  toJSON: (value: bigint) => Number(value),
  isValid: (value: unknown) => typeof value === "bigint" && BigInt.asIntN(64, value) === value,
  compare: (a: bigint, b: bigint) => a < b ? -1 : a > b ? 1 : 0,
});
