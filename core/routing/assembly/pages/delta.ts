import { alloc, Pointer } from "../memory.ts";
import { putPacked } from "./bit_pack.ts";
import { advanceOutput, outputEnd, putVarint, putZigzag, reserve } from "./output.ts";

/** The sizes that parquet-java and Arrow write: not every reader takes others. */
const BLOCK: u32 = 128;
const MINIBLOCKS: u32 = 4;
const MINIBLOCK: u32 = BLOCK / MINIBLOCKS;

/** What the numbers of a block are above its smallest difference. */
let rests: Pointer = 0;

/**
 * DELTA_BINARY_PACKED (Parquet, "Encodings": 5) of `count` numbers of type T, i32 or i64. The
 * differences wrap in that type, so none takes more bits than it has.
 */
export function putDelta<T>(values: Pointer, count: u32): void {
  if (!rests) rests = alloc(BLOCK << 3);
  reserve(64);
  putVarint(BLOCK);
  putVarint(MINIBLOCKS);
  putVarint(count);
  let previous: T = 0;
  if (count > 0) previous = load<T>(values);
  putZigzag(<i64> previous);
  for (let i: u32 = 1; i < count; i += BLOCK) {
    const length = min(BLOCK, count - i);
    putBlock<T>(values + i * sizeof<T>(), length, previous);
    previous = load<T>(values + (i + length - 1) * sizeof<T>());
  }
}

@inline
function putBlock<T>(values: Pointer, length: u32, before: T): void {
  let previous = before, smallest: T = 0;
  for (let i: u32 = 0; i < length; i++) {
    const value = load<T>(values + i * sizeof<T>());
    const difference = value - previous;
    smallest = i == 0 || difference < smallest ? difference : smallest;
    store<i64>(rests + (i << 3), <i64> difference);
    previous = value;
  }
  reserve(16 + MINIBLOCKS + BLOCK * 8);
  putZigzag(<i64> smallest);
  const widthsAt = outputEnd();
  advanceOutput(MINIBLOCKS);
  for (let block: u32 = 0; block < MINIBLOCKS; block++) {
    const from = block * MINIBLOCK;
    // Miniblocks behind the last value have no bytes, but their width is told.
    const bits = from < length ? putMiniblock<T>(from, min(MINIBLOCK, length - from), smallest) : 0;
    store<u8>(widthsAt + block, bits);
  }
}

/** The bits of its numbers. The last of a page is filled up, as if there were all 32. */
@inline
function putMiniblock<T>(from: u32, length: u32, smallest: T): u32 {
  const start = rests + (from << 3);
  let all: u64 = 0;
  for (let i: u32 = 0; i < length; i++) {
    const at = start + (i << 3);
    const rest = unsigned<T>(<T> load<i64>(at) - smallest);
    store<u64>(at, rest);
    all |= rest;
  }
  const bits = 64 - <u32> clz(all);
  putPacked<u64>(start, length, bits, bits * (MINIBLOCK / 8));
  return bits;
}

@inline
function unsigned<T>(difference: T): u64 {
  return sizeof<T>() == 4 ? <u64> <u32> difference : <u64> difference;
}
