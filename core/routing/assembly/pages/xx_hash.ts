import { Pointer } from "../memory.ts";

/** XXH64 with seed 0 (xxHash, "XXH64 algorithm description"), as Parquet's Bloom filters hash. */

const P1: u64 = 0x9e3779b185ebca87;
const P2: u64 = 0xc2b2ae3d27d4eb4f;
const P3: u64 = 0x165667b19e3779f9;
const P4: u64 = 0x85ebca77c2b2ae63;
const P5: u64 = 0x27d4eb2f165667c5;

export function xxHash64(bytes: Pointer, length: u32): u64 {
  const end = bytes + length;
  let hash: u64 = P5;
  if (length >= 32) {
    let a: u64 = P1 + P2, b: u64 = P2, c: u64 = 0, d: u64 = 0 - P1;
    for (; bytes + 32 <= end; bytes += 32) {
      a = round(a, load<u64>(bytes));
      b = round(b, load<u64>(bytes, 8));
      c = round(c, load<u64>(bytes, 16));
      d = round(d, load<u64>(bytes, 24));
    }
    hash = rotl(a, 1) + rotl(b, 7) + rotl(c, 12) + rotl(d, 18);
    hash = merged(merged(merged(merged(hash, a), b), c), d);
  }
  hash += <u64> length;
  for (; bytes + 8 <= end; bytes += 8) hash = rotl(hash ^ round(0, load<u64>(bytes)), 27) * P1 + P4;
  if (bytes + 4 <= end) {
    hash = rotl(hash ^ <u64> load<u32>(bytes) * P1, 23) * P2 + P3;
    bytes += 4;
  }
  for (; bytes < end; bytes++) hash = rotl(hash ^ <u64> load<u8>(bytes) * P5, 11) * P1;
  hash = (hash ^ (hash >> 33)) * P2;
  hash = (hash ^ (hash >> 29)) * P3;
  return hash ^ (hash >> 32);
}

@inline
function round(sum: u64, lane: u64): u64 {
  return rotl(sum + lane * P2, 31) * P1;
}

@inline
function merged(hash: u64, sum: u64): u64 {
  return (hash ^ round(0, sum)) * P1 + P4;
}
