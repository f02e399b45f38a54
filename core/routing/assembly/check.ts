import { Dictionary, newDictionary } from "./dictionary.ts";
import { allocZeroed, Pointer } from "./memory.ts";
import { digitCount } from "./number.ts";

/**
 * What a contract asks of a value besides its type. Every check here says yes only where it is
 * certain; else the record is left to the judge, who has the words for it.
 */
@unmanaged
export class Check {
  /** What the other side knows it by. */
  number: i32;
  /** Of texts: the allowed ones (0 where any is), lengths in code points, and whether to ask. */
  allowedTexts: Dictionary;
  lengthMin: u32;
  lengthMax: u32;
  isAsked: i32;
  /** Texts that the other side has answered for; with each stands the answer. */
  answered: Dictionary;
  /** Of whole numbers and decimals: bounds of 128 bits, each the lower half first. */
  low: u64;
  lowHigh: i64;
  high: u64;
  highHigh: i64;
  /** Of doubles: bounds, and whether a number that is equal to one is certainly all right. */
  lowDouble: f64;
  highDouble: f64;
  isLowAllowed: i32;
  isHighAllowed: i32;
  /** The allowed numbers in order, 8 bytes each; 0 where any is. */
  allowedNumbers: Pointer;
  allowedCount: u32;
  /** Of booleans: 1 for false, 2 for true, 3 for both. */
  allowedBooleans: i32;
}

/** Whether a text holds by the check with this number: asked of the other side. */

@external("judge", "holds")
declare function judgeHolds(check: i32, text: Pointer, length: u32): i32;

const ANSWER_YES: u32 = 1;
const ANSWER_NO: u32 = 2;

/** Answers that are kept: beyond this they are asked for anew. */
const ANSWERS_MAX: u32 = 1 << 16;
const ANSWER_BYTES_MAX: u32 = 4 << 20;

export function newCheck(number: i32): Check {
  const made = changetype<Check>(allocZeroed(offsetof<Check>()));
  made.number = number;
  made.lengthMax = u32.MAX_VALUE;
  made.lowHigh = i64.MIN_VALUE;
  made.high = u64.MAX_VALUE;
  made.highHigh = i64.MAX_VALUE;
  made.lowDouble = -Infinity;
  made.highDouble = Infinity;
  made.allowedBooleans = 3;
  return made;
}

export function setLengths(check: Check, min: u32, max: u32): void {
  check.lengthMin = min;
  check.lengthMax = max;
}

export function setAsked(check: Check): void {
  check.isAsked = 1;
  check.answered = newDictionary();
}

export function allowText(check: Check, text: Pointer, length: u32): void {
  if (!changetype<u32>(check.allowedTexts)) check.allowedTexts = newDictionary();
  check.allowedTexts.intern(text, length);
}

export function setBounds(check: Check, low: i64, lowHigh: i64, high: i64, highHigh: i64): void {
  check.low = low;
  check.lowHigh = lowHigh;
  check.high = high;
  check.highHigh = highHigh;
}

export function setDoubleBounds(check: Check, low: f64, isLowAllowed: i32, high: f64, isHighAllowed: i32): void {
  check.lowDouble = low;
  check.isLowAllowed = isLowAllowed;
  check.highDouble = high;
  check.isHighAllowed = isHighAllowed;
}

/** `numbers`: 8 bytes each, in order. */
export function setAllowedNumbers(check: Check, numbers: Pointer, count: u32): void {
  check.allowedNumbers = numbers;
  check.allowedCount = count;
}

export function setAllowedBooleans(check: Check, allowed: i32): void {
  check.allowedBooleans = allowed;
}

export function textHolds(check: Check, text: Pointer, length: u32): bool {
  if (changetype<u32>(check.allowedTexts) && check.allowedTexts.find(text, length) < 0) return false;
  return lengthHolds(check, text, length) && (!check.isAsked || answerFor(check, text, length));
}

@inline
function lengthHolds(check: Check, text: Pointer, length: u32): bool {
  if (length < check.lengthMin) return false;
  // A code point has one to four bytes.
  if (length <= check.lengthMax && length >> 2 >= check.lengthMin) return true;
  const points = codePoints(text, length);
  return points >= check.lengthMin && points <= check.lengthMax;
}

/** Bytes that do not continue a sequence. */
function codePoints(text: Pointer, length: u32): u32 {
  const lastContinuation = i8x16.splat(-65);
  let count: u32 = 0;
  for (let at: u32 = 0; at < length; at += 16) {
    let starts = i8x16.bitmask(i8x16.gt_s(v128.load(text + at), lastContinuation));
    if (length - at < 16) starts &= (1 << (length - at)) - 1;
    count += popcnt(starts);
  }
  return count;
}

function answerFor(check: Check, text: Pointer, length: u32): bool {
  const known = check.answered;
  if (known.count > ANSWERS_MAX || known.arenaTop > ANSWER_BYTES_MAX) known.clear();
  const id = known.intern(text, length);
  let answer = load<u32>(known.note(id));
  if (!answer) {
    answer = judgeHolds(check.number, text, length) ? ANSWER_YES : ANSWER_NO;
    store<u32>(known.note(id), answer);
  }
  return answer == ANSWER_YES;
}

/** For a whole number, or a decimal's smallest units. */
export function longHolds(check: Check, value: i64): bool {
  return isWithin(check, value, value >> 63) && (!check.allowedNumbers || isAllowedLong(check, value));
}

/** For what 64 bits do not hold: no list of allowed numbers has such. */
export function wideHolds(check: Check, low: u64, high: i64): bool {
  return isWithin(check, low, high) && !check.allowedNumbers;
}

function isWithin(check: Check, low: u64, high: i64): bool {
  if (high < check.lowHigh || (high == check.lowHigh && low < check.low)) return false;
  return high < check.highHigh || (high == check.highHigh && low <= check.high);
}

function isAllowedLong(check: Check, value: i64): bool {
  for (let i: u32 = 0; i < check.allowedCount; i++) {
    if (load<i64>(check.allowedNumbers + (i << 3)) == value) return true;
  }
  return false;
}

/** Up to so many digits a decimal number is told from every other by its nearest double. */
const DISTINCT_DIGITS: i32 = 15;

/** Below this doubles are too sparse for that. */
const DISTINCT_MIN: f64 = 1e-290;

/** For the number read last, whose nearest double is `value`: bounds stand for exact numbers. */
export function doubleHolds(check: Check, value: f64): bool {
  const isDistinct = digitCount <= DISTINCT_DIGITS && (abs(value) >= DISTINCT_MIN || digitCount == 0);
  // Rounding keeps the order, so that only a double equal to the bound's is in doubt.
  if (value < check.lowDouble || (value == check.lowDouble && !(check.isLowAllowed && isDistinct))) return false;
  if (value > check.highDouble || (value == check.highDouble && !(check.isHighAllowed && isDistinct))) return false;
  return !check.allowedNumbers || (isDistinct && isAllowedDouble(check, value));
}

function isAllowedDouble(check: Check, value: f64): bool {
  for (let i: u32 = 0; i < check.allowedCount; i++) {
    if (load<f64>(check.allowedNumbers + (i << 3)) == value) return true;
  }
  return false;
}

export function booleanHolds(check: Check, value: i32): bool {
  return (check.allowedBooleans & (1 << value)) != 0;
}
