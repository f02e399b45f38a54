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
  if (day == NO_DATE || (load<u8>(p, 10) | 0x20) != 0x74) return 0;
  const clock = readClock(p + 11);
  if (clock == NO_CLOCK) return 0;
  p += 19;
  fraction = 0;
  if (load<u8>(p) == 0x2e) p = readFraction(p + 1);
  if (!p) return 0;
  p = readOffset(p);
  if (!p || load<u8>(p) != 0x22) return 0;
  const seconds = clock - offsetMinutes * 60;
  micros = <i64> day * MICROS_PER_DAY + <i64> seconds * 1000000 + <i64> fraction;
  return micros < MICROS_MIN || micros > MICROS_MAX ? 0 : p + 1;
}

const NO_CLOCK: i32 = -1;

/** The time read last: events come by their times, most often. */
let lastClock: u64 = 0;
let lastSeconds: i32 = NO_CLOCK;

/** The seconds of a day that the eight bytes at `p` write, or NO_CLOCK. */
@inline
function readClock(p: Pointer): i32 {
  const text = load<u64>(p);
  if (text == lastClock) return lastSeconds;
  const hour = twoDigits(p), minute = twoDigits(p + 3), second = twoDigits(p + 6);
  if (hour > 23 || minute > 59 || second > 59 || load<u8>(p, 2) != 0x3a || load<u8>(p, 5) != 0x3a) return NO_CLOCK;
  lastClock = text;
  lastSeconds = <i32> (hour * 3600 + minute * 60 + second);
  return lastSeconds;
}

const SIX_BYTES: u64 = 0xffffffffffff;
/** Of six digits: the high half of each byte, and what lifts a byte above 9 out of it. */
const SIX_HIGH: u64 = 0xf0f0f0f0f0f0;
const SIX_ZEROS: u64 = 0x303030303030;
const SIX_SIXES: u64 = 0x060606060606;

/** What `readFraction` read, in microseconds. */
let fraction: u32 = 0;

/** Reads a fraction of a second, whose first digit is at `p`; past its last, or 0. */
@inline
function readFraction(p: Pointer): Pointer {
  const text = load<u64>(p) & SIX_BYTES;
  if ((text & SIX_HIGH) == SIX_ZEROS && ((text + SIX_SIXES) & SIX_HIGH) == SIX_ZEROS && !isDigit(p + 6)) {
    const digits = text ^ SIX_ZEROS, pairs = digits * 10 + (digits >> 8);
    fraction = <u32> (pairs & 0xff) * 10000 + <u32> (pairs >> 16 & 0xff) * 100 + <u32> (pairs >> 32 & 0xff);
    return p + 6;
  }
  return readAnyFraction(p);
}

@inline
function isDigit(p: Pointer): bool {
  return <u32> load<u8>(p) - 0x30 <= 9;
}

/** Of any number of digits; those behind the sixth are cut. */
function readAnyFraction(p: Pointer): Pointer {
  const first = p;
  for (; isDigit(p); p++) {
    if (p - first < 6) fraction = fraction * 10 + <u32> load<u8>(p) - 0x30;
  }
  if (p == first) return 0;
  for (let digits = p - first; digits < 6; digits++) fraction *= 10;
  return p;
}

let offsetMinutes: i32 = 0;

/** `+00:00`, as most producers write it. */
const NO_OFFSET: u64 = 0x30303a30302b;

/** Reads `Z` or `+hh:mm` into `offsetMinutes`, east of UTC; past it, or 0. */
@inline
function readOffset(p: Pointer): Pointer {
  if ((load<u64>(p) & SIX_BYTES) == NO_OFFSET) {
    offsetMinutes = 0;
    return p + 6;
  }
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
