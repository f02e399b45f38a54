import { alloc, dealloc, Pointer } from "../memory.ts";
import { xxHash64 } from "./xx_hash.ts";

/** A split block Bloom filter (Parquet, "Bloom Filter"): of each value eight bits in one block. */

const BLOCK_BYTES: u32 = 32;

/** One odd number for each word of a block. */
const SALT: Pointer = <u32> memory.data<u32>([
  0x47b6137b,
  0x44974d91,
  0x8824ad5b,
  0xa2b7289d,
  0x705495c7,
  0x2df1424b,
  0x9efc4947,
  0x5c6bfb31,
], 16);

let filter: Pointer = 0;
let capacity: u32 = 0;
let blocks: u32 = 0;

/** Begins an empty one of `bytes`, a multiple of 32. */
export function clearBloomFilter(bytes: u32): void {
  if (bytes > capacity) {
    if (capacity) dealloc(filter, capacity);
    filter = alloc(bytes);
    capacity = bytes;
  }
  blocks = bytes / BLOCK_BYTES;
  memory.fill(filter, 0, bytes);
}

export function bloomFilterStart(): Pointer {
  return filter;
}

/** `value` as PLAIN has it; of a text its bytes alone. */
export function addToBloomFilter(value: Pointer, length: u32): void {
  const hash = xxHash64(value, length);
  const block = filter + <u32> (((hash >> 32) * blocks) >> 32) * BLOCK_BYTES;
  const key = i32x4.splat(<i32> hash);
  addHalf(block, key, v128.load(SALT));
  addHalf(block + 16, key, v128.load(SALT, 16));
}

/** One bit in each of four words: the one that the top five bits of key × salt name. */
@inline
function addHalf(words: Pointer, key: v128, salt: v128): void {
  const places = i32x4.shr_u(i32x4.mul(key, salt), 27);
  store<u32>(words, load<u32>(words) | (1 << i32x4.extract_lane(places, 0)));
  store<u32>(words, load<u32>(words, 4) | (1 << i32x4.extract_lane(places, 1)), 4);
  store<u32>(words, load<u32>(words, 8) | (1 << i32x4.extract_lane(places, 2)), 8);
  store<u32>(words, load<u32>(words, 12) | (1 << i32x4.extract_lane(places, 3)), 12);
}

/**
 * Bytes for so many different values: a power of two, as parquet-java has it, and never more than
 * `bytesMax`.
 */
export function bloomFilterBytes(values: u32, bitsPerValue: f64, bytesMax: u32): u32 {
  const wanted = <f64> values * bitsPerValue / 8;
  let bytes = BLOCK_BYTES;
  while (<f64> bytes < wanted && bytes << 1 <= bytesMax) bytes <<= 1;
  return bytes;
}
