import { Pointer } from "./memory.ts";

/** JSON's numbers (RFC 8259, section 6), exactly. */

const MINUS: u32 = 0x2d;
const PLUS: u32 = 0x2b;
const ZERO: u32 = 0x30;
const DOT: u32 = 0x2e;
const LOWER_E: u32 = 0x65;

@inline
function isDigit(c: u32): bool {
  return c - ZERO <= 9;
}

@inline
export function startsNumber(c: u32): bool {
  return c == MINUS || isDigit(c);
}

@inline
function skipDigits(p: Pointer): Pointer {
  while (isDigit(load<u8>(p))) p++;
  return p;
}

/** Past the number at `p`; 0 where there is none. */
export function skipNumber(p: Pointer): Pointer {
  if (load<u8>(p) == MINUS) p++;
  if (!isDigit(load<u8>(p))) return 0;
  p = load<u8>(p) == ZERO ? p + 1 : skipDigits(p + 1);
  if (load<u8>(p) == DOT) {
    if (!isDigit(load<u8>(p, 1))) return 0;
    p = skipDigits(p + 2);
  }
  if ((load<u8>(p) | 0x20) != LOWER_E) return p;
  const sign = load<u8>(p, 1);
  p += sign == PLUS || sign == MINUS ? 2 : 1;
  return isDigit(load<u8>(p)) ? skipDigits(p + 1) : 0;
}

/** Digits that a word of 64 bits surely holds. */
const DIGITS_KEPT: i32 = 19;

/** Exponents are held within ±this: beyond it every type is out of range anyway. */
const EXPONENT_MAX: i32 = 100000000;

/**
 * The number read last: (isNegative ? -1 : 1) × digits × 10^exponent, and where `isWhole` is false
 * a little more: digits that were not kept. Zero has no digits.
 */
export let isNegative: bool = false;
export let digits: u64 = 0;
export let digitCount: i32 = 0;
export let exponent: i32 = 0;
export let isWhole: bool = true;

/** Reads a number; past it, or 0. */
export function readNumber(p: Pointer): Pointer {
  isNegative = load<u8>(p) == MINUS;
  if (isNegative) p++;
  digits = 0;
  digitCount = 0;
  exponent = 0;
  isWhole = true;
  if (!isDigit(load<u8>(p))) return 0;
  if (load<u8>(p) == ZERO) {
    p++;
    if (isDigit(load<u8>(p))) return 0;
  } else {
    p = takeDigits(p, 0);
  }
  if (load<u8>(p) == DOT) {
    if (!isDigit(load<u8>(p, 1))) return 0;
    p = takeDigits(p + 1, 1);
  }
  if ((load<u8>(p) | 0x20) == LOWER_E) p = takeExponent(p + 1);
  return p;
}

/** Takes digits; each behind the point (`fraction` 1) lowers the exponent. */
@inline
function takeDigits(p: Pointer, fraction: i32): Pointer {
  let digit: u32;
  while ((digit = <u32> load<u8>(p) - ZERO) <= 9) {
    if (digitCount < DIGITS_KEPT) {
      digits = digits * 10 + digit;
      // Zeros before the first other digit do not count.
      if (digits) digitCount++;
      exponent -= fraction;
    } else {
      if (digit) isWhole = false;
      exponent += 1 - fraction;
    }
    p++;
  }
  return p;
}

function takeExponent(p: Pointer): Pointer {
  const sign = <u32> load<u8>(p);
  if (sign == PLUS || sign == MINUS) p++;
  if (!isDigit(load<u8>(p))) return 0;
  let value: i32 = 0, digit: u32;
  while ((digit = <u32> load<u8>(p) - ZERO) <= 9) {
    if (value < EXPONENT_MAX) value = value * 10 + <i32> digit;
    p++;
  }
  exponent += sign == MINUS ? -value : value;
  return p;
}

/** What `readLong` read. */
export let long: i64 = 0;

/** Digits that any long has room for. */
const LONG_DIGITS: u32 = 18;

/** Reads a number that is whole and fits into 64 bits, however it is written; past it, or 0. */
@inline
export function readLong(p: Pointer): Pointer {
  let at = load<u8>(p) == MINUS ? p + 1 : p;
  const first = at;
  let value: i64 = 0, digit: u32;
  while ((digit = <u32> load<u8>(at) - ZERO) <= 9) {
    value = value * 10 + digit;
    at++;
  }
  const count = at - first, after = <u32> load<u8>(at);
  if (count - 1 >= LONG_DIGITS || (load<u8>(first) == ZERO && count > 1) || after == DOT || (after | 0x20) == LOWER_E) {
    return readOddLong(p);
  }
  long = first == p ? value : -value;
  return at;
}

function readOddLong(p: Pointer): Pointer {
  p = readNumber(p);
  if (!p || !scaleDigits(exponent)) return 0;
  const limit = <u64> i64.MAX_VALUE + (isNegative ? 1 : 0);
  if (digits > limit) return 0;
  long = isNegative ? -(<i64> digits) : <i64> digits;
  return p;
}

/** Multiplies `digits` by a power of ten; false where the result is not whole or has no room. */
export function scaleDigits(power: i32): bool {
  if (!isWhole) return false;
  if (digits == 0) return true;
  for (; power < 0; power++) {
    if (digits % 10) return false;
    digits /= 10;
  }
  for (; power > 0; power--) {
    if (digits > u64.MAX_VALUE / 10) return false;
    digits *= 10;
  }
  return true;
}
