import { offsetText, zoneOffset } from "./time_zone.ts";
import { civilFromDay, floorDivide } from "../../base/calendar.ts";
import type { SqlValue } from "../../engine/duckdb.ts";
import type { SqlType } from "../../engine/duckdb_stream.ts";

/**
 * A single value as a table, CSV or Markdown shows it: the text that DuckDB would cast it to. Null
 * is the caller's to show.
 */
export function textOf(type: SqlType, value: Exclude<SqlValue, null>, timeZone?: string): string {
  switch (type.kind) {
    case "float":
      return floatText(value as number);
    case "double":
      return numberText(value as number);
    case "timestamptz":
      return instantText((value as unknown as { micros: bigint }).micros, timeZone);
    case "timestamp":
      return timestampText((value as unknown as { micros: bigint }).micros, " ");
    default:
      return String(value);
  }
}

function instantText(micros: bigint, timeZone: string | undefined): string {
  const seconds = timeZone === undefined ? 0 : zoneOffset(timeZone, micros);
  return `${timestampText(micros + BigInt(seconds) * 1_000_000n, " ")}${offsetText(seconds)}`;
}

function numberText(value: number): string {
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  if (Object.is(value, -0)) return "-0.0";
  const [digits, exponent] = value.toExponential().split("e") as [string, string];
  const size = Number(exponent);
  if (value !== 0 && (size < -4 || size >= 16)) {
    return `${digits}e${size < 0 ? "-" : "+"}${String(Math.abs(size)).padStart(2, "0")}`;
  }
  return Number.isInteger(value) ? `${value}.0` : String(value);
}

/** The shortest digits that read back as the same 32-bit number: 0.1, not 0.10000000149011612. */
export function floatText(value: number): string {
  if (!Number.isFinite(value)) return numberText(value);
  for (let digits = 1; digits < 9; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return numberText(short);
  }
  return numberText(value);
}

const POSITIVE_INFINITY = 9223372036854775807n;

/** Microseconds since 1970 as `2026-03-01 12:00:00.5`, without zone. */
export function timestampText(micros: bigint, separator: string): string {
  if (micros === POSITIVE_INFINITY) return "infinity";
  if (micros === -POSITIVE_INFINITY) return "-infinity";
  const days = floorDivide(micros, 86_400_000_000n);
  const rest = micros - days * 86_400_000_000n;
  const seconds = Number(rest / 1_000_000n);
  const fraction = rest % 1_000_000n;
  const part = (number: number) => String(number).padStart(2, "0");
  const time = `${part(Math.floor(seconds / 3_600))}:${part(Math.floor(seconds / 60) % 60)}:${part(seconds % 60)}`;
  const digits = fraction === 0n ? "" : `.${String(fraction).padStart(6, "0").replace(/0+$/, "")}`;
  return `${dateText(Number(days))}${separator}${time}${digits}`;
}

/**
 * Days since 1970 in the proleptic Gregorian calendar; years before 1 as `(BC)`, as DuckDB does.
 */
export function dateText(days: number): string {
  const { year, month, day } = civilFromDay(days);
  const part = (number: number, length: number) => String(number).padStart(length, "0");
  const text = `${part(year > 0 ? year : 1 - year, 4)}-${part(month, 2)}-${part(day, 2)}`;
  return year > 0 ? text : `${text} (BC)`;
}
