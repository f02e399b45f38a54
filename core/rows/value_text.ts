import { StreamlabError } from "../base/errors.ts";
import type { Value } from "../iceberg/spec/single_value.ts";
import type { PrimitiveType } from "../iceberg/spec/type.ts";

const INSTANT = /^(-?\d{4,6})-(\d\d)-(\d\d)(?:[ T](\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))?(?:\+00(?::00)?|Z)?)?( \(BC\))?$/;

/** A value that DuckDB printed, in the memory form of `Value`. Instants may be printed in UTC or as microseconds since 1970. */
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
    default:
      throw new StreamlabError("internal", `Cannot read a ${type.type} that was printed by SQL`);
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
