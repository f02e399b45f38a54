import { Pointer } from "./memory.ts";

/** JSON's numbers (RFC 8259, section 6). */

const MINUS: u32 = 0x2d;
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
  if ((load<u8>(p) | 0x20) == LOWER_E) {
    p++;
    const sign = load<u8>(p);
    if (sign == 0x2b || sign == MINUS) p++;
    if (!isDigit(load<u8>(p))) return 0;
    p = skipDigits(p + 1);
  }
  return p;
}

/** What `readLong` and `readDouble` read. */
export let long: i64 = 0;
export let double: f64 = 0;

/** Digits that a long surely holds. */
const LONG_DIGITS: u32 = 18;

/** Reads a whole number written without fraction and exponent; past it, or 0. */
export function readLong(p: Pointer, digitsMax: u32 = LONG_DIGITS): Pointer {
  const negative = load<u8>(p) == MINUS;
  if (negative) p++;
  const first = p;
  let value: i64 = 0, digit: u32;
  while ((digit = <u32> load<u8>(p) - ZERO) <= 9) {
    value = value * 10 + digit;
    p++;
  }
  const digits = p - first;
  if (digits == 0 || digits > digitsMax || (load<u8>(first) == ZERO && digits > 1)) return 0;
  const after = load<u8>(p);
  if (after == DOT || (after | 0x20) == LOWER_E) return 0;
  long = negative ? -value : value;
  return p;
}

const POWERS_OF_TEN: Pointer = <u32> memory.data<f64>([
  1e0,
  1e1,
  1e2,
  1e3,
  1e4,
  1e5,
  1e6,
  1e7,
  1e8,
  1e9,
  1e10,
  1e11,
  1e12,
  1e13,
  1e14,
  1e15,
  1e16,
  1e17,
  1e18,
  1e19,
  1e20,
  1e21,
  1e22,
]);

/**
 * Reads a double where digits and power of ten are doubles themselves, so that one division is the
 * one rounding (Clinger, "How to read floating point numbers accurately", 1990); past it, or 0.
 */
export function readDouble(p: Pointer): Pointer {
  const end = skipNumber(p);
  if (!end) return 0;
  const negative = load<u8>(p) == MINUS;
  if (negative) p++;
  let value: u64 = 0, digits = 0, scale = 0, afterDot = false;
  for (; p < end; p++) {
    const c = <u32> load<u8>(p);
    if (c == DOT) {
      afterDot = true;
      continue;
    }
    if ((c | 0x20) == LOWER_E) return 0;
    value = value * 10 + (c - ZERO);
    if (value) digits++;
    if (afterDot) scale++;
  }
  if (digits > 15 || scale > 22) return 0;
  const magnitude = <f64> value / load<f64>(POWERS_OF_TEN + (scale << 3));
  double = negative ? -magnitude : magnitude;
  return end;
}
