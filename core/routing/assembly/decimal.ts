import { Pointer } from "./memory.ts";
import { digitCount, digits, exponent, isNegative, readNumber, scaleDigits } from "./number.ts";
import { high, multiplyWide } from "./wide.ts";

/** Decimals as whole numbers of their smallest unit, 10^-scale. */

/** What `readDecimal` read; the upper half is the sign's where 64 bits are enough. */
export let unscaled: i64 = 0;
export let unscaledHigh: i64 = 0;

/** Ten to the power of n for n up to 19, a word each. */
const POWERS: Pointer = <u32> memory.data<u64>([
  1,
  10,
  100,
  1000,
  10000,
  100000,
  1000000,
  10000000,
  100000000,
  1000000000,
  10000000000,
  100000000000,
  1000000000000,
  10000000000000,
  100000000000000,
  1000000000000000,
  10000000000000000,
  100000000000000000,
  1000000000000000000,
  10000000000000000000,
]);

@inline
function powerOfTen(n: i32): u64 {
  return load<u64>(POWERS + (<u32> n << 3));
}

/** Digits of a decimal that 64 bits hold. */
const NARROW_DIGITS: i32 = 18;

/** Reads a number that a decimal of this precision and scale is, exactly; past it, or 0. */
export function readDecimal(p: Pointer, precision: i32, scale: i32): Pointer {
  const past = readNumber(p);
  if (!past) return 0;
  if (precision > NARROW_DIGITS) return readWide(p, precision, scale) ? past : 0;
  if (!scaleDigits(exponent + scale) || digits >= powerOfTen(precision)) return 0;
  unscaled = isNegative ? -(<i64> digits) : <i64> digits;
  unscaledHigh = unscaled >> 63;
  return past;
}

/** Digits of the longest decimal. */
const WIDE_DIGITS: i32 = 38;

/** Reads again what `readNumber` has read, now up to 38 digits. */
function readWide(p: Pointer, precision: i32, scale: i32): bool {
  let low: u64 = 0, top: u64 = 0, count = 0;
  if (isNegative) p++;
  for (; isDigitOrDot(load<u8>(p)); p++) {
    const digit = <u64> load<u8>(p) - 0x30;
    if (load<u8>(p) == DOT || (count == 0 && digit == 0)) continue;
    if (count == WIDE_DIGITS) {
      if (digit) return false;
      continue;
    }
    low = multiplyWide(low, 10);
    top = top * 10 + high;
    low += digit;
    if (low < digit) top++;
    count++;
  }
  // `exponent` counts from the digits that `readNumber` kept.
  let power = exponent - (count - digitCount) + scale;
  if (count + power > precision && count > 0) return false;
  for (; power < 0 && count > 0; power++) {
    const upper = ((top % 10) << 32) | (low >> 32), lower = ((upper % 10) << 32) | (low & 0xffffffff);
    if (lower % 10) return false;
    top /= 10;
    low = ((upper / 10) << 32) | (lower / 10);
  }
  for (; power > 0 && count > 0; power--) {
    low = multiplyWide(low, 10);
    top = top * 10 + high;
  }
  unscaled = <i64> low;
  unscaledHigh = <i64> top;
  if (isNegative) {
    unscaled = -unscaled;
    unscaledHigh = ~unscaledHigh + (unscaled == 0 ? 1 : 0);
  }
  return true;
}

const DOT: u32 = 0x2e;

@inline
function isDigitOrDot(c: u32): bool {
  return c - 0x30 <= 9 || c == DOT;
}
