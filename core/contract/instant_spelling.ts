import { civilFromDay, floorDivide } from "../base/calendar.ts";
import { exactNumber, integerDigits, scaleOf } from "../json/number.ts";
import type { EpochUnit } from "./contract.ts";
import { utcMicrosText } from "./instant_text.ts";

/** RFC 3339, with all that `date-time-lenient` lets be written otherwise. */
const LENIENT =
  /^([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[Tt ]([0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?)(?: ?([Zz]|UTC|[+-][0-9]{2}(?::?[0-9]{2})?))?)?$/;

/**
 * An instant that is written leniently, as `utcMicrosText` has it: a space for the T, an offset
 * without its colon or minutes, `UTC` for Z, a date alone for its first moment. Without an offset
 * only if one is assumed; a date alone is in UTC then.
 */
export function lenientMicrosText(text: string, assumeOffset: string | undefined): string | undefined {
  const parts = LENIENT.exec(text);
  if (parts === null) return undefined;
  const [, date, time, offset] = parts;
  if (time === undefined) return utcMicrosText(`${date}T00:00:00${assumeOffset ?? "Z"}`);
  const zone = offset === undefined ? assumeOffset : fullOffset(offset);
  return zone === undefined ? undefined : utcMicrosText(`${date}T${time}${zone}`);
}

function fullOffset(offset: string): string {
  if (/^(?:[Zz]|UTC)$/.test(offset)) return "Z";
  const digits = offset.slice(1).replace(":", "");
  return `${offset[0]}${digits.slice(0, 2)}:${digits.length === 2 ? "00" : digits.slice(2)}`;
}

/** A date and a time of day without an offset, to microseconds; finer digits are cut. */
export function localMicrosText(text: string): string | undefined {
  // What has an offset has two now.
  return utcMicrosText(`${text}Z`)?.slice(0, -1);
}

const UNIT_DIGITS: Readonly<Record<EpochUnit, number>> = { seconds: 6, millis: 3, micros: 0 };
/** More digits lie outside the years that there are, whatever the unit. */
const EPOCH_DIGITS_MAX = 20;

/** A time since 1970 as `utcMicrosText` has it. What is finer than microseconds is cut. */
export function epochMicrosText(written: string, unit: EpochUnit, fraction: boolean): string | undefined {
  const number = exactNumber(written);
  if (integerDigits(number) > EPOCH_DIGITS_MAX || (!fraction && scaleOf(number) > 0)) return undefined;
  const exponent = number.exponent + UNIT_DIGITS[unit];
  const kept = number.digits.slice(0, Math.max(0, number.digits.length + Math.min(0, exponent)));
  const digits = kept === "" ? 0n : BigInt(kept);
  // The digits end with none that is zero.
  const cut = exponent < 0 && number.digits !== "";
  const whole = exponent > 0 ? digits * 10n ** BigInt(exponent) : digits;
  // A moment before 1970 is cut downwards, like its digits in text.
  return microsText(number.negative ? -whole - (cut ? 1n : 0n) : whole);
}

const MICROS_PER_DAY = 86_400_000_000n;

function microsText(micros: bigint): string | undefined {
  const day = floorDivide(micros, MICROS_PER_DAY);
  if (day < -1_000_000n || day > 3_000_000n) return undefined;
  const { year, month, day: ofMonth } = civilFromDay(Number(day));
  if (year < 1 || year > 9999) return undefined;
  const ofDay = micros - day * MICROS_PER_DAY;
  const seconds = Number(ofDay / 1_000_000n);
  const two = (value: number) => String(value).padStart(2, "0");
  const clock = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60].map(two).join(":");
  const date = `${String(year).padStart(4, "0")}-${two(month)}-${two(ofMonth)}`;
  return `${date}T${clock}.${String(ofDay % 1_000_000n).padStart(6, "0")}Z`;
}
