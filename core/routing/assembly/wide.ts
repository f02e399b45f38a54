/** Arithmetic of 128 bits, of which WebAssembly has none. */

/** The upper half of the last result. */
export let high: u64 = 0;

/** The lower half of a product, its upper half in `high`. */
@inline
export function multiplyWide(a: u64, b: u64): u64 {
  const aLow = a & 0xffffffff, aHigh = a >> 32, bLow = b & 0xffffffff, bHigh = b >> 32;
  const low = aLow * bLow;
  const middle = aHigh * bLow + (low >> 32);
  const cross = aLow * bHigh + (middle & 0xffffffff);
  high = aHigh * bHigh + (middle >> 32) + (cross >> 32);
  return (cross << 32) | (low & 0xffffffff);
}
