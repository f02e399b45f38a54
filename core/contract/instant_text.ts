/**
 * Dates and instants as text: RFC 3339 in, UTC with microseconds out. Exact for the years 0001 to
 * 9999 in Iceberg's calendar (proleptic Gregorian). JavaScript's Date is not used: it has only
 * milliseconds, and reads years below 100 as 19xx.
 */

const DASH = 0x2d, COLON = 0x3a, DOT = 0x2e, PLUS = 0x2b;

/** The number in the `length` characters from `at`; -1 unless all are digits. */
function digits(text: string, at: number, length: number): number {
  let number = 0;
  for (let i = at; i < at + length; i++) {
    const digit = text.charCodeAt(i) - 0x30;
    if (!(digit >= 0 && digit <= 9)) return -1;
    number = number * 10 + digit;
  }
  return number;
}

function daysInMonth(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

/** Whether the first ten characters are an existing day of the years 0001 to 9999. */
function startsWithDate(text: string): boolean {
  const year = digits(text, 0, 4), month = digits(text, 5, 2), day = digits(text, 8, 2);
  return year >= 1 && month >= 1 && month <= 12 && day >= 1 && day <= daysInMonth(year, month) &&
    text.charCodeAt(4) === DASH && text.charCodeAt(7) === DASH;
}

/** Whether `text` is a full-date of RFC 3339, section 5.6, in years 0001 to 9999. */
export function isDate(text: string): boolean {
  return text.length === 10 && startsWithDate(text);
}

/**
 * An RFC 3339 date-time (section 5.6: `T` and `Z` in either case, offset required, no space for the
 * `T`) as `2026-03-01T12:00:00.000000Z`. Digits beyond microseconds are cut. Undefined if the text
 * is no date-time, if the instant lies outside the years 0001 to 9999 in UTC, or if it is a leap
 * second, which microseconds since 1970 cannot express.
 */
export function utcMicrosText(text: string): string | undefined {
  if (text.length < 20 || !startsWithDate(text) || (text.charCodeAt(10) | 0x20) !== 0x74) return undefined;
  const hour = digits(text, 11, 2), minute = digits(text, 14, 2), second = digits(text, 17, 2);
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59) return undefined;
  if (text.charCodeAt(13) !== COLON || text.charCodeAt(16) !== COLON) return undefined;
  let at = 19;
  if (text.charCodeAt(at) === DOT) {
    at++;
    while (digits(text, at, 1) >= 0) at++;
    if (at === 20) return undefined;
  }
  const offset = offsetMinutes(text, at);
  if (offset === undefined) return undefined;
  const fraction = at > 20 ? text.slice(20, Math.min(at, 26)).padEnd(6, "0") : "000000";
  if (offset === 0) return `${text.slice(0, 10)}T${text.slice(11, 19)}.${fraction}Z`;
  const minutes = hour * 60 + minute - offset;
  const day = shiftDay(text, Math.floor(minutes / 1440));
  if (day === undefined) return undefined;
  const ofDay = (minutes + 1440) % 1440;
  return `${day}T${two(Math.floor(ofDay / 60))}:${two(ofDay % 60)}:${text.slice(17, 19)}.${fraction}Z`;
}

/** The offset in the text from `at` to its end, in minutes east of UTC. */
function offsetMinutes(text: string, at: number): number | undefined {
  const sign = text.charCodeAt(at);
  if ((sign | 0x20) === 0x7a) return text.length === at + 1 ? 0 : undefined;
  if ((sign !== PLUS && sign !== DASH) || text.length !== at + 6 || text.charCodeAt(at + 3) !== COLON) return undefined;
  const hours = digits(text, at + 1, 2), minutes = digits(text, at + 4, 2);
  if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59) return undefined;
  return (sign === PLUS ? 1 : -1) * (hours * 60 + minutes);
}

/** The date that `text` starts with, `by` days (-1, 0 or 1) later. */
function shiftDay(text: string, by: number): string | undefined {
  if (by === 0) return text.slice(0, 10);
  let year = digits(text, 0, 4), month = digits(text, 5, 2), day = digits(text, 8, 2) + by;
  if (day === 0) {
    month--;
    if (month === 0) {
      month = 12;
      year--;
    }
    day = daysInMonth(year, month);
  } else if (day > daysInMonth(year, month)) {
    day = 1;
    month++;
    if (month === 13) {
      month = 1;
      year++;
    }
  }
  return year < 1 || year > 9999 ? undefined : `${String(year).padStart(4, "0")}-${two(month)}-${two(day)}`;
}

function two(number: number): string {
  return number < 10 ? `0${number}` : String(number);
}

/** Whether `text` is an offset of RFC 3339: `Z`, `+hh:mm` or `-hh:mm`. */
export function isUtcOffset(text: string): boolean {
  return offsetMinutes(text, 0) !== undefined;
}

/** A UUID in canonical layout (RFC 9562, section 4) and lower case; undefined if it is none. */
export function uuidText(text: string): string | undefined {
  if (text.length !== 36) return undefined;
  for (let i = 0; i < 36; i++) {
    const code = text.charCodeAt(i);
    if (i === 8 || i === 13 || i === 18 || i === 23) {
      if (code !== DASH) return undefined;
    } else {
      const lower = code | 0x20;
      if (!((code >= 0x30 && code <= 0x39) || (lower >= 0x61 && lower <= 0x66))) return undefined;
    }
  }
  return text.toLowerCase();
}
