import { Pointer } from "./memory.ts";

/**
 * A hash that nobody outside can make collide: NH of UMAC (RFC 4418, section 5.2), whose chance of
 * a collision is 2^-32 for any two texts while its key is secret, over blocks of 256 bytes; the
 * hash of the blocks before is one more word of each block. The key is drawn at random for each
 * process by the side that runs this.
 */

const BLOCK: u32 = 256;

/** The key: a block, the word that carries the blocks before, and two odd multipliers. */
const KEY_BYTES: u32 = BLOCK + 32;
const KEY: Pointer = <u32> memory.data(KEY_BYTES, 16);

/** Sixteen bytes of ones and as many zeros: read at 16 - n they keep the first n bytes. */
const MASK: Pointer = <u32> memory.data<u64>([u64.MAX_VALUE, u64.MAX_VALUE, 0, 0], 16);

/** Where the other side writes the key, before anything is hashed. */
export function hashKeyPtr(): Pointer {
  return KEY;
}

export function hashKeyBytes(): u32 {
  return KEY_BYTES;
}

/** The products of neighbouring words of 32 bits, each with its key added. */
@inline
function products(text: v128, key: v128): v128 {
  const sum = i32x4.add(text, key);
  const even = i32x4.shuffle(sum, sum, 0, 2, 0, 2);
  const odd = i32x4.shuffle(sum, sum, 1, 3, 1, 3);
  return i64x2.extmul_low_i32x4_u(even, odd);
}

/** Reads up to 15 bytes behind the text, and does not let them count. */
@inline
export function hashBytes(text: Pointer, length: u32): u32 {
  let sum = <u64> length * (load<u64>(KEY, BLOCK + 16) | 1);
  let left = length;
  while (left > BLOCK) {
    sum = nhBlock(text, sum);
    text += BLOCK;
    left -= BLOCK;
  }
  let sums = i64x2.splat(0);
  let key = KEY;
  while (left >= 16) {
    sums = i64x2.add(sums, products(v128.load(text), v128.load(key)));
    text += 16;
    key += 16;
    left -= 16;
  }
  if (left) sums = i64x2.add(sums, products(v128.and(v128.load(text), v128.load(MASK + 16 - left)), v128.load(key)));
  sum += <u64> i64x2.extract_lane(sums, 0) + <u64> i64x2.extract_lane(sums, 1);
  return <u32> ((sum * (load<u64>(KEY, BLOCK + 24) | 1)) >> 32);
}

/** A whole block and the hash of what stands before it. */
function nhBlock(text: Pointer, before: u64): u64 {
  let sums = products(i64x2.splat(<i64> before), v128.load(KEY, BLOCK));
  sums = i64x2.replace_lane(sums, 1, 0);
  for (let i: u32 = 0; i < BLOCK; i += 16) {
    sums = i64x2.add(sums, products(v128.load(text + i), v128.load(KEY + i)));
  }
  return <u64> i64x2.extract_lane(sums, 0) + <u64> i64x2.extract_lane(sums, 1);
}
