import { decimalToBytes, uuidToBytes, type Value } from "./single_value.ts";
import type { PrimitiveType } from "./type.ts";

const encoder = new TextEncoder();

/** The 32-bit hash of a value for the bucket transform (specification: Appendix B). Signed. */
export function bucketHash(type: PrimitiveType, value: Value): number {
  switch (type.type) {
    case "int":
    case "date":
    case "long":
    case "time":
    case "timestamp":
    case "timestamptz":
      return murmur3(longBytes(BigInt(value as number | bigint)));
    case "decimal":
      return murmur3(decimalToBytes(value as bigint));
    case "string":
      return murmur3(encoder.encode(value as string));
    case "uuid":
      return murmur3(uuidToBytes(value as string));
    case "fixed":
    case "binary":
      return murmur3(value as Uint8Array);
    default:
      throw new TypeError(`type ${type.type} has no bucket hash`);
  }
}

function longBytes(value: bigint): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigInt64(0, value, true);
  return bytes;
}

/** MurmurHash3, x86, 32 bits, seed 0 (Austin Appleby, public domain algorithm). */
function murmur3(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const blocks = bytes.length >>> 2;
  let hash = 0;
  for (let i = 0; i < blocks; i++) {
    hash ^= scramble(view.getInt32(i * 4, true));
    hash = Math.imul((hash << 13) | (hash >>> 19), 5) + 0xe6546b64 | 0;
  }
  let tail = 0;
  for (let i = bytes.length - 1; i >= blocks * 4; i--) tail = (tail << 8) | bytes[i]!;
  if (bytes.length % 4 !== 0) hash ^= scramble(tail);
  hash ^= bytes.length;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}

function scramble(block: number): number {
  const mixed = Math.imul(block, 0xcc9e2d51);
  return Math.imul((mixed << 15) | (mixed >>> 17), 0x1b873593);
}
