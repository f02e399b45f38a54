import { type Checks, type ContractType, hasChecks } from "../../contract/contract.ts";
import { checksPlan } from "../../contract/judge_plan.ts";
import { stringProblem } from "../../contract/judge_scalar.ts";
import { type ExactNumber, exactNumber } from "../../json/number.ts";
import type { ReaderInstance } from "./reader_instance.ts";

/** Bounds of 128 bits, signed. */
const WIDE_MIN = -(1n << 127n), WIDE_MAX = (1n << 127n) - 1n;
const LONG_MIN = -(1n << 63n), LONG_MAX = (1n << 63n) - 1n;
const LENGTH_MAX = 0xffff_ffff;

/** The check of a value in the reader's memory; 0 where nothing is asked of it. */
export function planCheck(reader: ReaderInstance, type: ContractType, checks: Checks): number {
  if (!hasChecks(checks)) return 0;
  switch (type.kind) {
    case "int":
    case "long":
      return wholeCheck(reader, checks, 0);
    case "decimal":
      return wholeCheck(reader, checks, type.scale);
    case "float":
    case "double":
      return doubleCheck(reader, checks);
    case "boolean":
      return booleanCheck(reader, checks);
    default:
      return planTextCheck(reader, checks);
  }
}

/** For strings of any format, and for the keys of maps. */
export function planTextCheck(reader: ReaderInstance, checks: Checks): number {
  const plan = checksPlan(checks);
  if (plan === undefined) return 0;
  const { calls } = reader;
  const check = calls.newCheck(reader.addQuestion((text) => stringProblem(plan, text) === undefined));
  calls.setLengths(check, Math.min(plan.minLength, LENGTH_MAX), Math.min(plan.maxLength, LENGTH_MAX));
  for (const text of plan.enum ?? []) {
    const { at, length } = reader.place(text);
    calls.allowText(check, at, length);
  }
  // An automaton is not worth having twice, where each different text is matched once.
  if (plan.pattern !== undefined) calls.setAsked(check);
  return check;
}

/** Of whole numbers, and of decimals in their smallest units: every bound is whole there. */
function wholeCheck(reader: ReaderInstance, checks: Checks, scale: number): number {
  const { calls } = reader;
  const check = calls.newCheck(0);
  let low = WIDE_MIN, high = WIDE_MAX;
  const raise = (bound: bigint) => low = bound > low ? bound : low;
  const lower = (bound: bigint) => high = bound < high ? bound : high;
  if (checks.minimum !== undefined) raise(ceiling(checks.minimum, scale));
  if (checks.exclusiveMinimum !== undefined) raise(floor(checks.exclusiveMinimum, scale) + 1n);
  if (checks.maximum !== undefined) lower(floor(checks.maximum, scale));
  if (checks.exclusiveMaximum !== undefined) lower(ceiling(checks.exclusiveMaximum, scale) - 1n);
  // What lies beyond all decimals bounds them as the last that 128 bits hold does.
  low = low > WIDE_MAX ? WIDE_MAX : low;
  high = high < WIDE_MIN ? WIDE_MIN : high;
  calls.setBounds(check, BigInt.asIntN(64, low), low >> 64n, BigInt.asIntN(64, high), high >> 64n);
  if (checks.enum !== undefined) {
    const allowed = checks.enum.filter((text) => floor(text, scale) === ceiling(text, scale))
      .map((text) => floor(text, scale)).filter((number) => number >= LONG_MIN && number <= LONG_MAX);
    allowNumbers(reader, check, BigInt64Array.from(allowed));
  }
  return check;
}

/** The largest whole number that is at most `text` × 10^scale. */
function floor(text: string, scale: number): bigint {
  const { whole, isExact, negative } = shifted(exactNumber(text), scale);
  return isExact || !negative ? whole : whole - 1n;
}

function ceiling(text: string, scale: number): bigint {
  const { whole, isExact, negative } = shifted(exactNumber(text), scale);
  return isExact || negative ? whole : whole + 1n;
}

/** A number × 10^scale, cut towards zero. */
function shifted({ negative, digits, exponent }: ExactNumber, scale: number) {
  const power = exponent + scale, magnitude = BigInt(digits === "" ? 0 : digits);
  const unit = 10n ** BigInt(Math.abs(power));
  const cut = power >= 0 ? magnitude * unit : magnitude / unit;
  return { whole: negative ? -cut : cut, isExact: power >= 0 || magnitude % unit === 0n, negative };
}

/** Up to so many digits a number is told from every other by its nearest double. */
const DISTINCT_DIGITS = 15;
/** Below this doubles are too sparse for that. */
const DISTINCT_MIN = 1e-290;

function isDistinct(text: string): boolean {
  const { digits } = exactNumber(text);
  return digits.length <= DISTINCT_DIGITS && (digits === "" || Math.abs(Number(text)) >= DISTINCT_MIN);
}

/** Bounds are exact numbers, a double stands for many: where it equals a bound the judge looks. */
function doubleCheck(reader: ReaderInstance, checks: Checks): number {
  const { calls } = reader;
  const check = calls.newCheck(0);
  const bounds = (inclusive: string | undefined, exclusive: string | undefined) => [
    ...(inclusive === undefined ? [] : [{ at: Number(inclusive), isAllowed: isDistinct(inclusive) }]),
    ...(exclusive === undefined ? [] : [{ at: Number(exclusive), isAllowed: false }]),
  ];
  const stricter = (a: { at: number; isAllowed: boolean }, b: typeof a, isHigher: boolean) => {
    if (a.at === b.at) return { at: a.at, isAllowed: a.isAllowed && b.isAllowed };
    return (a.at > b.at) === isHigher ? a : b;
  };
  const low = bounds(checks.minimum, checks.exclusiveMinimum)
    .reduce((a, b) => stricter(a, b, true), { at: -Infinity, isAllowed: true });
  const high = bounds(checks.maximum, checks.exclusiveMaximum)
    .reduce((a, b) => stricter(a, b, false), { at: Infinity, isAllowed: true });
  calls.setDoubleBounds(check, low.at, low.isAllowed ? 1 : 0, high.at, high.isAllowed ? 1 : 0);
  if (checks.enum !== undefined) {
    allowNumbers(reader, check, Float64Array.from(checks.enum.filter(isDistinct), Number));
  }
  return check;
}

function booleanCheck(reader: ReaderInstance, checks: Checks): number {
  const { calls } = reader;
  const check = calls.newCheck(0);
  const allows = (text: string) => checks.enum === undefined || checks.enum.includes(text);
  calls.setAllowedBooleans(check, (allows("false") ? 1 : 0) | (allows("true") ? 2 : 0));
  return check;
}

function allowNumbers(reader: ReaderInstance, check: number, numbers: BigInt64Array | Float64Array): void {
  const bytes = new Uint8Array(numbers.buffer);
  // None is a list too, and no address is 0.
  const at = reader.calls.alloc(Math.max(bytes.length, 8));
  reader.bytes.set(bytes, at);
  reader.calls.setAllowedNumbers(check, at, numbers.length);
}
