import { Pointer } from "./memory.ts";

/**
 * Dates and instants of RFC 3339, section 5.6, as `core/contract/instant_text.ts` takes them: years
 * 0001 to 9999 of the proleptic Gregorian calendar, an offset, no leap seconds, digits beyond
 * microseconds cut.
 */

export const NO_DATE: i32 = i32.MIN_VALUE;

const MICROS_PER_DAY: i64 = 86400000000;

/** 0001-01-01T00:00:00Z and 9999-12-31T23:59:59.999999Z. */
const MICROS_MIN: i64 = -62135596800000000;
const MICROS_MAX: i64 = 253402300799999999;

const NOT_TWO_DIGITS: u32 = 1000;

@inline
function twoDigits(p: Pointer): u32 {
  const tens = <u32> load<u8>(p) - 0x30, ones = <u32> load<u8>(p, 1) - 0x30;
  return tens > 9 || ones > 9 ? NOT_TWO_DIGITS : tens * 10 + ones;
}

/** The date read last and its day: the next record has most often the same. */
let lastHead: u64 = 0;
let lastTail: u32 = 0;
let lastDay: i32 = NO_DATE;

/** The day that the ten bytes at `p` write, or NO_DATE. */
export function readDate(p: Pointer): i32 {
  const head = load<u64>(p), tail = <u32> load<u16>(p, 8);
  if (head == lastHead && tail == lastTail) return lastDay;
  const century = twoDigits(p), yearOfCentury = twoDigits(p + 2), month = twoDigits(p + 5), day = twoDigits(p + 8);
  if (century > 99 || yearOfCentury > 99 || load<u8>(p, 4) != 0x2d || load<u8>(p, 7) != 0x2d) return NO_DATE;
  const year = century * 100 + yearOfCentury;
  if (year < 1 || month < 1 || month > 12 || day < 1 || day > daysInMonth(year, month)) return NO_DATE;
  lastDay = dayNumber(<i32> year, <i32> month, <i32> day);
  lastHead = head;
  lastTail = tail;
  return lastDay;
}

function daysInMonth(year: u32, month: u32): u32 {
  if (month == 2) return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28;
  return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

/** Days since 1970-01-01, counted from March on, in eras of 400 years (146,097 days). */
function dayNumber(year: i32, month: i32, day: i32): i32 {
  const marchYear = month <= 2 ? year - 1 : year;
  const era = marchYear / 400, yearOfEra = marchYear - era * 400;
  const dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  const dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear;
  return era * 146097 + dayOfEra - 719468;
}

/** What `readInstant` read. */
export let micros: i64 = 0;

/** Reads the instant whose first byte is at `p`; past the quote behind it, or 0. */
export function readInstant(p: Pointer): Pointer {
  const day = readDate(p);
  if (day == NO_DATE) return 0;
  const hour = twoDigits(p + 11), minute = twoDigits(p + 14), second = twoDigits(p + 17);
  if (hour > 23 || minute > 59 || second > 59) return 0;
  if ((load<u8>(p, 10) | 0x20) != 0x74 || load<u8>(p, 13) != 0x3a || load<u8>(p, 16) != 0x3a) return 0;
  p += 19;
  let fraction: u32 = 0;
  if (load<u8>(p) == 0x2e) {
    const first = p + 1;
    p = first;
    let digit: u32;
    while ((digit = <u32> load<u8>(p) - 0x30) <= 9) {
      if (p - first < 6) fraction = fraction * 10 + digit;
      p++;
    }
    if (p == first) return 0;
    for (let digits = p - first; digits < 6; digits++) fraction *= 10;
  }
  p = readOffset(p);
  if (!p || load<u8>(p) != 0x22) return 0;
  const seconds = <i32> (hour * 3600 + minute * 60 + second) - offsetMinutes * 60;
  micros = <i64> day * MICROS_PER_DAY + <i64> seconds * 1000000 + <i64> fraction;
  return micros < MICROS_MIN || micros > MICROS_MAX ? 0 : p + 1;
}

let offsetMinutes: i32 = 0;

/** Reads `Z` or `+hh:mm` into `offsetMinutes`, east of UTC; past it, or 0. */
@inline
function readOffset(p: Pointer): Pointer {
  const sign = load<u8>(p);
  if ((sign | 0x20) == 0x7a) {
    offsetMinutes = 0;
    return p + 1;
  }
  if (sign != 0x2b && sign != 0x2d) return 0;
  const hours = twoDigits(p + 1), minutes = twoDigits(p + 4);
  if (hours > 23 || minutes > 59 || load<u8>(p, 3) != 0x3a) return 0;
  offsetMinutes = <i32> (hours * 60 + minutes);
  if (sign == 0x2d) offsetMinutes = -offsetMinutes;
  return p + 6;
}
