import { Pointer } from "../memory.ts";
import { putPacked } from "./bit_pack.ts";
import { advanceOutput, outputEnd, outputLength, outputStart, putByte, putVarint, reserve } from "./output.ts";

/** Numbers that are packed together; a shorter run is not worth a header of its own. */
const GROUP: u32 = 8;

/** Bits that hold every number up to `largest`. */
@inline
export function bitWidth(largest: u32): u32 {
  return largest == 0 ? 0 : 32 - clz(largest);
}

/**
 * The hybrid of runs and bit-packed groups (Parquet, "Encodings": RLE = 3) of `count` numbers of
 * type T below 2^`width`, without the length in front.
 */
export function putHybrid<T>(source: Pointer, count: u32, width: u32): void {
  // Eight numbers make a group or the start of a run, with a header of five bytes at most.
  reserve((count / GROUP + 2) * (width + 16));
  let packedFrom: u32 = 0, i: u32 = 0;
  while (i < count) {
    const value = load<T>(source + i * sizeof<T>());
    const end = runEnd<T>(source, i + 1, count, value);
    if (end - i < GROUP) {
      i += GROUP;
      continue;
    }
    putGroups<T>(source + packedFrom * sizeof<T>(), i - packedFrom, width);
    putRun(end - i, <u32> value, width);
    i = packedFrom = end;
  }
  if (packedFrom < count) putGroups<T>(source + packedFrom * sizeof<T>(), count - packedFrom, width);
}

/** Levels with the length in front that data pages of version 1 have (four bytes). */
export function putLevels(source: Pointer, count: u32, largest: u32): void {
  reserve(4);
  const lengthAt = outputLength();
  advanceOutput(4);
  putHybrid<u8>(source, count, bitWidth(largest));
  store<u32>(outputStart() + lengthAt, outputLength() - lengthAt - 4);
}

function putRun(count: u32, value: u32, width: u32): void {
  putVarint(<u64> count << 1);
  for (let bits: u32 = 0; bits < width; bits += 8) putByte((value >>> bits) & 0xff);
}

/** Whole groups; the last of a page is filled up with zeros. */
@inline
function putGroups<T>(source: Pointer, count: u32, width: u32): void {
  if (count == 0) return;
  const groups = (count + GROUP - 1) / GROUP;
  putVarint((<u64> groups << 1) | 1);
  putPacked<T>(source, count, width, groups * width);
}

/** Where the run of `value` ends that may go on from `i`. */
@inline
function runEnd<T>(source: Pointer, i: u32, count: u32, value: T): u32 {
  if (sizeof<T>() == 1) {
    const wanted = i8x16.splat(<i8> value);
    for (; i + 16 <= count; i += 16) {
      const same = i8x16.bitmask(i8x16.eq(v128.load(source + i), wanted));
      if (same != 0xffff) return i + ctz(~same);
    }
  } else {
    const wanted = i32x4.splat(<i32> value);
    for (; i + 4 <= count; i += 4) {
      const same = i32x4.bitmask(i32x4.eq(v128.load(source + (i << 2)), wanted));
      if (same != 0xf) return i + ctz(~same);
    }
  }
  while (i < count && load<T>(source + i * sizeof<T>()) == value) i++;
  return i;
}
