import { counted } from "../../base/counted.ts";
import { StreamlabError } from "../../base/errors.ts";
import type { PrimitiveType } from "./type.ts";

/**
 * One value of a primitive type in memory: int, date (days since 1970-01-01), float, double →
 * number; long, time, timestamp, timestamptz (microseconds) → bigint; decimal → bigint, unscaled;
 * string, uuid (lower case, with hyphens) → string; fixed, binary → Uint8Array; boolean.
 */
export type Value = boolean | number | bigint | string | Uint8Array;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** Binary single-value serialization (specification: Appendix D). */
export function valueToBytes(type: PrimitiveType, value: Value): Uint8Array {
  switch (type.type) {
    case "boolean":
      return new Uint8Array([value ? 1 : 0]);
    case "int":
    case "date":
      return scalar(4, (view) => view.setInt32(0, Number(value), true));
    case "long":
    case "time":
    case "timestamp":
    case "timestamptz":
      return scalar(8, (view) => view.setBigInt64(0, BigInt(value as bigint), true));
    case "float":
      return scalar(4, (view) => view.setFloat32(0, value as number, true));
    case "double":
      return scalar(8, (view) => view.setFloat64(0, value as number, true));
    case "decimal":
      return decimalToBytes(value as bigint);
    case "string":
      return encoder.encode(value as string);
    case "uuid":
      return uuidToBytes(value as string);
    case "fixed":
    case "binary":
      return value as Uint8Array;
  }
}

/**
 * The value of these bytes. A file written before its column was widened keeps the narrow form: a
 * long of 4 bytes is read as an int, a double of 4 bytes as a float.
 */
export function valueFromBytes(type: PrimitiveType, bytes: Uint8Array): Value {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  switch (type.type) {
    case "boolean":
      return expectLength(type, bytes, 1)[0] !== 0;
    case "int":
    case "date":
      expectLength(type, bytes, 4);
      return view.getInt32(0, true);
    case "long":
    case "time":
    case "timestamp":
    case "timestamptz":
      if (type.type === "long" && bytes.length === 4) return BigInt(view.getInt32(0, true));
      expectLength(type, bytes, 8);
      return view.getBigInt64(0, true);
    case "float":
      expectLength(type, bytes, 4);
      return view.getFloat32(0, true);
    case "double":
      if (bytes.length === 4) return view.getFloat32(0, true);
      expectLength(type, bytes, 8);
      return view.getFloat64(0, true);
    case "decimal":
      return decimalFromBytes(bytes);
    case "string":
      return decoder.decode(bytes);
    case "uuid":
      return uuidFromBytes(expectLength(type, bytes, 16));
    case "fixed":
    case "binary":
      return bytes;
  }
}

/** Two's complement, big-endian, in the fewest bytes that hold the value. */
export function decimalToBytes(unscaled: bigint): Uint8Array {
  let length = 1;
  while (BigInt.asIntN(length * 8, unscaled) !== unscaled) length++;
  return decimalToFixedBytes(unscaled, length);
}

/** Two's complement, big-endian, in exactly `length` bytes. */
export function decimalToFixedBytes(unscaled: bigint, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let rest = BigInt.asUintN(length * 8, unscaled);
  for (let i = length - 1; i >= 0; i--) {
    bytes[i] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  return bytes;
}

export function decimalFromBytes(bytes: Uint8Array): bigint {
  let value = 0n;
  for (const byte of bytes) value = (value << 8n) | BigInt(byte);
  return BigInt.asIntN(bytes.length * 8, value);
}

/**
 * The length of a fixed that holds every decimal of this precision (specification: Appendix A,
 * `minBytesRequired`).
 */
export function decimalBytesRequired(precision: number): number {
  let length = 1;
  while (1n << BigInt(8 * length - 1) < 10n ** BigInt(precision)) length++;
  return length;
}

export function uuidToBytes(uuid: string): Uint8Array {
  return Uint8Array.fromHex(uuid.replaceAll("-", ""));
}

export function uuidFromBytes(bytes: Uint8Array): string {
  const hex = bytes.toHex();
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

function scalar(length: number, set: (view: DataView) => void): Uint8Array {
  const bytes = new Uint8Array(length);
  set(new DataView(bytes.buffer));
  return bytes;
}

function expectLength(type: PrimitiveType, bytes: Uint8Array, length: number): Uint8Array {
  if (bytes.length === length) return bytes;
  throw new StreamlabError(
    "corrupt",
    `Cannot read a ${type.type} from ${counted(bytes.length, "byte")}: it takes ${length}`,
  );
}
