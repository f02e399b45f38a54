import { dayFromCivil } from "../base/calendar.ts";
import { StreamlabError } from "../base/errors.ts";
import { quoteText } from "../engine/duckdb.ts";
import type { Value } from "../iceberg/format/single_value.ts";
import type { PrimitiveType } from "../iceberg/format/type.ts";

const INSTANT = /^(\d{4,7})-(\d\d)-(\d\d)( \(BC\))?(?:[ T](\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))?(?:\+00(?::00)?|Z)?)?$/;

const COUNT = /^-?\d+$/;

/**
 * A value that DuckDB printed, in the memory form of `Value`. Instants may be printed in UTC or as
 * microseconds since 1970, dates as their days, bytes are printed in hexadecimal.
 */
export function valueFromSqlText(type: PrimitiveType, text: string): Value {
  switch (type.type) {
    case "boolean":
      return text === "true" || text === "1";
    case "int":
    case "float":
    case "double":
      return Number(text === "inf" ? "Infinity" : text === "-inf" ? "-Infinity" : text);
    case "long":
      return BigInt(text);
    case "date":
      return COUNT.test(text) ? Number(text) : Number(epochMicros(text) / 86_400_000_000n);
    case "timestamp":
    case "timestamptz":
      return COUNT.test(text) ? BigInt(text) : epochMicros(text);
    case "decimal":
      return unscaled(text, type.scale);
    case "string":
      return text;
    case "uuid":
      return text.toLowerCase();
    case "time":
      return COUNT.test(text) ? BigInt(text) : epochMicros(`1970-01-01 ${text}`);
    case "binary":
    case "fixed":
      return Uint8Array.fromHex(text);
  }
}

function epochMicros(text: string): bigint {
  const match = INSTANT.exec(text);
  if (match === null) throw new StreamlabError("internal", `Cannot read the instant "${text}"`);
  const [, year, month, day, bc, hour = "0", minute = "0", second = "0", fraction = ""] = match;
  const civilYear = bc === undefined ? Number(year) : 1 - Number(year);
  const days = dayFromCivil({ year: civilYear, month: Number(month), day: Number(day) });
  const seconds = BigInt(days) * 86_400n + BigInt(Number(hour) * 3_600 + Number(minute) * 60 + Number(second));
  return seconds * 1_000_000n + BigInt(fraction.padEnd(6, "0"));
}

function unscaled(text: string, scale: number): bigint {
  const [whole = "0", fraction = ""] = text.split(".");
  return BigInt(whole + fraction.padEnd(scale, "0").slice(0, scale));
}

/** SQL for a value, to be cast to its column's type. */
export function sqlLiteral(type: PrimitiveType, value: Value): string {
  switch (type.type) {
    case "date":
      return `DATE '1970-01-01' + ${value}`;
    case "time":
      return `TIME '00:00:00' + to_microseconds(${value})`;
    case "timestamp":
      return `make_timestamp(${value})`;
    case "timestamptz":
      return `make_timestamptz(${value})`;
    case "decimal":
      return decimalLiteral(value as bigint, type.scale);
    case "binary":
    case "fixed":
      return `from_hex('${(value as Uint8Array).toHex()}')`;
    case "string":
      return textLiteral(value as string);
    default:
      return quoteText(Object.is(value, -0) ? "-0.0" : String(value));
  }
}

/** With its point: DuckDB refuses 38 digits with an exponent. */
function decimalLiteral(value: bigint, scale: number): string {
  const digits = String(value < 0n ? -value : value).padStart(scale + 1, "0");
  const point = digits.length - scale;
  return quoteText(`${value < 0n ? "-" : ""}${digits.slice(0, point)}.${digits.slice(point)}`);
}

/** SQL ends at a NUL. */
function textLiteral(text: string): string {
  return text.includes("\0") ? `decode(from_hex('${new TextEncoder().encode(text).toHex()}'))` : quoteText(text);
}
