import { StreamlabError } from "../base/errors.ts";
import { quoteText } from "../engine/duckdb.ts";
import type { Value } from "../iceberg/spec/single_value.ts";
import type { PrimitiveType } from "../iceberg/spec/type.ts";

const INSTANT = /^(-?\d{4,6})-(\d\d)-(\d\d)(?:[ T](\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))?(?:\+00(?::00)?|Z)?)?( \(BC\))?$/;

/**
 * A value that DuckDB printed, in the memory form of `Value`. Instants may be printed in UTC or as microseconds since 1970, bytes
 * are printed in hexadecimal.
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
      return Number(epochMicros(text) / 86_400_000_000n);
    case "timestamp":
    case "timestamptz":
      return /^-?\d+$/.test(text) ? BigInt(text) : epochMicros(text);
    case "decimal":
      return unscaled(text, type.scale);
    case "string":
      return text;
    case "uuid":
      return text.toLowerCase();
    case "time":
      return /^-?\d+$/.test(text) ? BigInt(text) : epochMicros(`1970-01-01 ${text}`);
    case "binary":
    case "fixed":
      return Uint8Array.from({ length: text.length / 2 }, (_, i) => parseInt(text.slice(2 * i, 2 * i + 2), 16));
  }
}

function epochMicros(text: string): bigint {
  const match = INSTANT.exec(text);
  if (match === null) throw new StreamlabError("internal", `Cannot read the instant "${text}"`);
  const [, year, month, day, hour = "0", minute = "0", second = "0", fraction = "", bc] = match;
  const date = new Date(0);
  date.setUTCFullYear(bc === undefined ? Number(year) : 1 - Number(year), Number(month) - 1, Number(day));
  date.setUTCHours(Number(hour), Number(minute), Number(second));
  return BigInt(date.getTime()) * 1000n + BigInt(fraction.padEnd(6, "0"));
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
      return `'${value}e-${type.scale}'`;
    case "binary":
    case "fixed":
      return `from_hex('${Array.from(value as Uint8Array, (byte) => byte.toString(16).padStart(2, "0")).join("")}')`;
    default:
      return quoteText(String(value));
  }
}
