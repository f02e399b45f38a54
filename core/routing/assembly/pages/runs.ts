import { put1, putVarint, reserve, skip, target } from "./page_buffer.ts";
import { Pointer } from "../memory.ts";

/** Equal numbers in a row from which on a run is shorter than bits. */
const RUN_MIN: u32 = 8;

/** Bits that numbers up to this one need. */
@inline
export function bitWidth(largest: u32): u32 {
  return largest == 0 ? 0 : 32 - clz(largest);
}

/** Parquet's hybrid of runs and bit-packed groups of eight, over numbers of 32 bits. */
export function putRuns(numbers: Pointer, count: u32, width: u32): void {
  reserve(count * 5 + 1024);
  let i: u32 = 0, packedTo: u32 = 0;
  while (i < count) {
    const number = load<u32>(numbers + (i << 2));
    let end = i + 1;
    while (end < count && load<u32>(numbers + (end << 2)) == number) end++;
    if (end - i < RUN_MIN) {
      i = min(i + 8, count);
      continue;
    }
    putPacked(numbers + (packedTo << 2), i - packedTo, width);
    putVarint((end - i) << 1);
    for (let bit: u32 = 0; bit < width; bit += 8) put1((number >>> bit) & 0xff);
    i = end;
    packedTo = end;
  }
  putPacked(numbers + (packedTo << 2), count - packedTo, width);
}

function putPacked(numbers: Pointer, count: u32, width: u32): void {
  if (!count) return;
  const groups = (count + 7) >> 3;
  putVarint((groups << 1) | 1);
  let waiting: u64 = 0, bits: u64 = 0, to = target();
  for (let i: u32 = 0; i < count; i++) {
    waiting |= <u64> load<u32>(numbers + (i << 2)) << bits;
    bits += width;
    if (bits >= 32) {
      store<u32>(to, <u32> waiting);
      to += 4;
      waiting >>= 32;
      bits -= 32;
    }
  }
  store<u64>(to, waiting);
  memory.fill(to + 8, 0, 8 + width);
  skip(groups * width);
}
