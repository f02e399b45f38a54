/**
 * An exact JSON number: (negative ? -1 : 1) × digits × 10^exponent. Zero is `digits: ""`,
 * `exponent: 0`, and keeps its sign.
 */
export interface ExactNumber {
  readonly negative: boolean;
  /** Without leading and trailing zeros. */
  readonly digits: string;
  readonly exponent: number;
}

/** Exponents are clamped to ± this: beyond it every column type is out of range. */
const EXPONENT_MAX = 1_000_000_000;

/** Reads the text of a JSON number; the text must be one. */
export function exactNumber(text: string): ExactNumber {
  const negative = text.charCodeAt(0) === 0x2d;
  let end = text.length;
  let exponent = 0;
  const e = Math.max(text.indexOf("e"), text.indexOf("E"));
  if (e >= 0) {
    exponent = Math.max(-EXPONENT_MAX, Math.min(EXPONENT_MAX, Number(text.slice(e + 1))));
    end = e;
  }
  const dot = text.indexOf(".");
  let digits = text.slice(negative ? 1 : 0, dot >= 0 ? dot : end);
  if (dot >= 0) {
    digits += text.slice(dot + 1, end);
    exponent -= end - dot - 1;
  }
  let from = 0;
  while (digits.charCodeAt(from) === 0x30) from++;
  let to = digits.length;
  while (to > from && digits.charCodeAt(to - 1) === 0x30) to--;
  exponent += digits.length - to;
  return from === to ? { negative, digits: "", exponent: 0 } : { negative, digits: digits.slice(from, to), exponent };
}

/** Negative, zero or positive as `a` is less than, equal to or greater than `b`. -0 equals 0. */
export function compareNumbers(a: ExactNumber, b: ExactNumber): number {
  const signA = sign(a), signB = sign(b);
  if (signA !== signB || signA === 0) return signA - signB;
  const magnitude = a.digits.length + a.exponent - b.digits.length - b.exponent;
  if (magnitude !== 0) return magnitude * signA;
  if (a.digits === b.digits) return 0;
  return (a.digits < b.digits ? -1 : 1) * signA;
}

function sign(number: ExactNumber): -1 | 0 | 1 {
  if (number.digits === "") return 0;
  return number.negative ? -1 : 1;
}

/** Digits after the decimal point that the number needs. */
export function scaleOf(number: ExactNumber): number {
  return Math.max(0, -number.exponent);
}

/** Digits before the decimal point, without leading zeros: 0 for 0.5, 3 for 100. */
export function integerDigits(number: ExactNumber): number {
  return Math.max(0, number.digits.length + number.exponent);
}

/**
 * The number without exponent (`100`, `-0.015`), -0 as `0`. The caller checks first that it is not
 * too long (`integerDigits`, `scaleOf`).
 */
export function plainText(number: ExactNumber): string {
  const { digits, exponent } = number;
  if (digits === "") return "0";
  const minus = number.negative ? "-" : "";
  if (exponent >= 0) return minus + digits + "0".repeat(exponent);
  const point = digits.length + exponent;
  if (point > 0) return `${minus}${digits.slice(0, point)}.${digits.slice(point)}`;
  return `${minus}0.${"0".repeat(-point)}${digits}`;
}

/** One spelling for each number: plain if that is short, else `123e45`. -0 is `0`. */
export function canonicalNumber(number: ExactNumber): string {
  if (integerDigits(number) <= PLAIN_DIGITS_MAX && scaleOf(number) <= PLAIN_DIGITS_MAX) return plainText(number);
  return `${number.negative ? "-" : ""}${number.digits}e${number.exponent}`;
}

const PLAIN_DIGITS_MAX = 40;

/** Whether `number` is `factor` (above zero) times a whole number, exactly. */
export function isMultiple(number: ExactNumber, factor: ExactNumber): boolean {
  if (number.digits === "") return true;
  // Neither has zeros at its end, so that a finer number divides by no coarser factor.
  const exponent = number.exponent - factor.exponent;
  if (exponent < 0) return false;
  const modulus = BigInt(factor.digits);
  return remainder(number.digits, modulus) * powerOfTen(BigInt(exponent), modulus) % modulus === 0n;
}

/** In pieces: a number may have millions of digits, and BigInt takes the square of their time. */
function remainder(digits: string, modulus: bigint): bigint {
  let rest = 0n;
  for (let at = 0; at < digits.length; at += PIECE_DIGITS) {
    const piece = digits.slice(at, at + PIECE_DIGITS);
    rest = (rest * 10n ** BigInt(piece.length) + BigInt(piece)) % modulus;
  }
  return rest;
}

const PIECE_DIGITS = 400;

function powerOfTen(exponent: bigint, modulus: bigint): bigint {
  let result = 1n % modulus;
  let base = 10n % modulus;
  for (let left = exponent; left > 0n; left >>= 1n) {
    if ((left & 1n) === 1n) result = result * base % modulus;
    base = base * base % modulus;
  }
  return result;
}

/** Whether a text is a number as JSON writes it (RFC 8259, section 6). */
export function isJsonNumber(text: string): boolean {
  return JSON_NUMBER.test(text);
}

const JSON_NUMBER = /^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?$/;
