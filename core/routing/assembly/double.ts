import { Pointer } from "./memory.ts";
import { digits, exponent, isNegative, isWhole, readNumber } from "./number.ts";
import { high, multiplyWide } from "./wide.ts";

/** Doubles as `Number` reads them: the one that is nearest, of two the even one. */

/** What `readDouble` read. */
export let double: f64 = 0;

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

/** Powers of ten that doubles are exactly, and whole numbers. */
const EXACT_POWER: i32 = 22;
const EXACT_WHOLE: u64 = 1 << 53;

/** Beyond these every number of 19 digits is zero, or no double. */
const POWER_MIN: i32 = -342;
const POWER_MAX: i32 = 308;

/** Powers of five, 128 bits of each (the lower word first), from 5^-342 to 5^308. */
const POWERS_OF_FIVE: Pointer = <u32> memory.data(651 << 4, 16);

/** Where the other side writes the powers of five, before any number is read. */
export function powersOfFivePtr(): Pointer {
  return POWERS_OF_FIVE;
}

/** Reads a number; past it, or 0 for what is none, no double, or too near the middle of two. */
export function readDouble(p: Pointer): Pointer {
  p = readNumber(p);
  if (!p) return 0;
  let magnitude: f64;
  if (digits <= EXACT_WHOLE && isWhole && exponent >= -EXACT_POWER && exponent <= EXACT_POWER) {
    // One operation on two exact doubles is the one rounding (Clinger 1990).
    magnitude = <f64> digits;
    if (exponent < 0) magnitude /= load<f64>(POWERS_OF_TEN - (exponent << 3));
    else magnitude *= load<f64>(POWERS_OF_TEN + (exponent << 3));
  } else {
    magnitude = nearest(digits, exponent);
    // The digits that were not kept lie between these two.
    if (!isWhole && magnitude != nearest(digits + 1, exponent)) return 0;
  }
  if (magnitude == Infinity) return 0;
  double = isNegative ? -magnitude : magnitude;
  return p;
}

/** Whether what was read surely is its double, to the last digit. */
export function isExactDouble(): bool {
  return isWhole && exponent == 0 && digits <= EXACT_WHOLE;
}

const FRACTION_BITS: i32 = 52;
const EXPONENT_BIAS: i32 = 1023;
const EXPONENT_OF_INFINITY: i32 = 0x7ff;

/**
 * The double nearest to whole × 10^power: by one product with 128 bits of the power of five, which
 * is always enough (Lemire, "Number Parsing at a Gigabyte per Second", 2021; Mushtak and Lemire,
 * "Fast number parsing without fallback", 2023).
 */
function nearest(whole: u64, power: i32): f64 {
  if (whole == 0 || power < POWER_MIN) return 0;
  if (power > POWER_MAX) return Infinity;
  const shift = <i32> clz(whole);
  whole <<= shift;
  const five = POWERS_OF_FIVE + (<u32> (power - POWER_MIN) << 4);
  let low = multiplyWide(whole, load<u64>(five, 8)), top = high;
  // Nine bits of the upper half are not used: only where all are set can the rest carry on.
  if ((top & 0x1ff) == 0x1ff) {
    multiplyWide(whole, load<u64>(five));
    const carry = high;
    low += carry;
    if (low < carry) top++;
  }
  const upperBit = <i32> (top >> 63);
  // One bit more than the fraction needs, for rounding.
  const cut = upperBit + 64 - FRACTION_BITS - 3;
  let fraction = top >> cut;
  // 217706 / 2^16 is the logarithm of ten.
  let binary = ((217706 * power) >> 16) + 63 + upperBit - shift + EXPONENT_BIAS;
  if (binary <= 0) return subnormal(fraction, binary);
  // Exactly between two doubles: only where the power of five fits into what was multiplied.
  if (low <= 1 && power >= -4 && power <= 23 && (fraction & 3) == 1 && fraction << cut == top) fraction &= ~1;
  fraction = (fraction + (fraction & 1)) >> 1;
  if (fraction >= (<u64> 2) << FRACTION_BITS) {
    fraction = (<u64> 1) << FRACTION_BITS;
    binary++;
  }
  if (binary >= EXPONENT_OF_INFINITY) return Infinity;
  return reinterpret<f64>((fraction & ~((<u64> 1) << FRACTION_BITS)) | (<u64> binary << FRACTION_BITS));
}

/** A double below the smallest normal one: `binary`, its exponent, is 0 or less. */
function subnormal(fraction: u64, binary: i32): f64 {
  if (binary <= -63) return 0;
  fraction >>= 1 - binary;
  fraction = (fraction + (fraction & 1)) >> 1;
  // Rounded up to the smallest normal one, its bit is the exponent's.
  return reinterpret<f64>(fraction);
}
