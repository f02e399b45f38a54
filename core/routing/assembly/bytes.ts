import { Pointer } from "./memory.ts";

/**
 * Whether two runs of bytes are equal. Reads up to 15 bytes behind both, and does not look at them.
 */
@inline
export function equalBytes(a: Pointer, b: Pointer, length: u32): bool {
  const end = a + (length & ~15);
  while (a < end) {
    if (i8x16.bitmask(i8x16.eq(v128.load(a), v128.load(b))) != 0xffff) return false;
    a += 16;
    b += 16;
  }
  const mask = (1 << (length & 15)) - 1;
  return (i8x16.bitmask(i8x16.eq(v128.load(a), v128.load(b))) & mask) == mask;
}

/** Copies in steps of 16 bytes: up to 15 bytes behind both ends are touched. */
@inline
export function copyBytes(target: Pointer, source: Pointer, length: u32): void {
  const end = target + length;
  while (target < end) {
    v128.store(target, v128.load(source));
    target += 16;
    source += 16;
  }
}

/** Whether `a` comes before `b` in the order of unsigned bytes, that of UTF-8 text in Iceberg. */
export function lessBytes(a: Pointer, aLength: u32, b: Pointer, bLength: u32): bool {
  const shared = min(aLength, bLength);
  let i: u32 = 0;
  for (; i + 8 <= shared; i += 8) {
    const x = load<u64>(a + i), y = load<u64>(b + i);
    if (x != y) return bswap(x) < bswap(y);
  }
  for (; i < shared; i++) {
    const x = load<u8>(a + i), y = load<u8>(b + i);
    if (x != y) return x < y;
  }
  return aLength < bLength;
}

export function hasBackslash(from: Pointer, to: Pointer): bool {
  const backslash = i8x16.splat(0x5c);
  for (let p = from; p < to; p += 16) {
    let found = i8x16.bitmask(i8x16.eq(v128.load(p), backslash));
    if (to - p < 16) found &= (1 << (to - p)) - 1;
    if (found) return true;
  }
  return false;
}
