import { Pointer } from "../memory.ts";
import { advanceOutput, outputEnd } from "./output.ts";

/**
 * Packs `count` numbers of type T below 2^`width`, the first in the lowest bits, as RLE and
 * DELTA_BINARY_PACKED both do, and fills up to `bytes` with zeros. Room must have been reserved.
 */
@inline
export function putPacked<T>(source: Pointer, count: u32, width: u64, bytes: u32): void {
  const start = outputEnd();
  let at = start;
  if (width > 0) {
    let word: u64 = 0, bits: u64 = 0;
    for (let i: u32 = 0; i < count; i++) {
      const value = <u64> load<T>(source + i * sizeof<T>());
      word |= value << bits;
      bits += width;
      if (bits >= 64) {
        store<u64>(at, word);
        at += 8;
        bits -= 64;
        // What did not fit. A shift by 64 bits would shift by none.
        word = bits ? value >> (width - bits) : 0;
      }
    }
    store<u64>(at, word);
    at += <u32> ((bits + 7) >> 3);
  }
  const end = start + bytes;
  if (at < end) memory.fill(at, 0, end - at);
  advanceOutput(bytes);
}
