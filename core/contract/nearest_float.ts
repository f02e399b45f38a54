import { compareNumbers, exactNumber } from "../json/number.ts";

const FLOAT = new Float32Array(1);
const FLOAT_BITS = new Int32Array(FLOAT.buffer);
const DOUBLE = new Float64Array(1);
const DOUBLE_BITS = new BigUint64Array(DOUBLE.buffer);

/** The largest float, and the middle between it and what would be the next: from there on none. */
const FLOAT_MAX = (2 - 2 ** -23) * 2 ** 127;
const MIDDLE_MAX = (2 - 2 ** -24) * 2 ** 127;

/**
 * The float nearest to the JSON number `written`, of two the even one; infinite if out of range.
 * By way of a double it would be rounded twice: what a double has in the middle of two floats may
 * be nearer to one of them.
 */
export function nearestFloat(written: string): number {
  const double = Number(written);
  const float = Math.fround(double);
  if (float === double) return float;
  const other = otherSide(float, double);
  const isMiddle = Math.abs(double) === MIDDLE_MAX || other - double === double - float;
  if (!isMiddle) return float;
  const order = compareNumbers(exactNumber(written), exactNumber(exactText(double)));
  if (order === 0) return float;
  return order < 0 ? Math.min(float, other) : Math.max(float, other);
}

/** The float next to `float`, in the direction of `double`. */
function otherSide(float: number, double: number): number {
  if (!Number.isFinite(float)) return Math.sign(float) * FLOAT_MAX;
  FLOAT[0] = float;
  // Without the sign, bits are in the order of what they stand for.
  FLOAT_BITS[0]! += Math.abs(double) > Math.abs(float) ? 1 : -1;
  return FLOAT[0]!;
}

/** All digits of a double in the range of floats, as JSON writes a number. */
function exactText(double: number): string {
  DOUBLE[0] = Math.abs(double);
  const bits = DOUBLE_BITS[0]!;
  const whole = (bits & ((1n << 52n) - 1n)) | (1n << 52n);
  const power = (bits >> 52n) - 1075n;
  const sign = double < 0 ? "-" : "";
  // A half is five tenths.
  return power < 0n ? `${sign}${whole * 5n ** -power}e${power}` : `${sign}${whole << power}`;
}
