import type { SqlValue } from "../../engine/duckdb.ts";
import type { SqlType } from "../../engine/duckdb_stream.ts";
import { rfcOffset, zoneOffset } from "./time_zone.ts";
import { floatText, timestampText } from "./value_text.ts";

/**
 * A value as JSON text. Integers and decimals keep all their digits; instants are RFC 3339; bytes
 * are base64; a map is an object when its keys are text, else a list of pairs. NaN and the
 * infinities, which JSON lacks, are strings, so that they do not turn into null. `timeZone`: where
 * instants are told with its offset, the others in UTC.
 */
export function jsonOf(type: SqlType, value: SqlValue | undefined, timeZone?: string): string {
  if (value === null || value === undefined) return "null";
  switch (type.kind) {
    case "boolean":
    case "integer":
    case "bigint":
    case "decimal":
      return String(value);
    case "float":
    case "double":
      return numberJson(type, value as number);
    case "json":
      // Line ends in JSON text are only ever space between tokens; without them a record stays on
      // its line.
      return String(value).replaceAll(/[\r\n]/g, " ");
    case "blob":
      return JSON.stringify((value as unknown as { bytes: Uint8Array }).bytes.toBase64());
    case "timestamptz":
      return JSON.stringify(instantText(value, timeZone));
    case "timestamp":
      return JSON.stringify(timestampText(microsOf(value), "T"));
    case "list":
      return `[${itemsOf(value).map((item) => jsonOf(type.children[0]!.type, item, timeZone)).join(",")}]`;
    case "struct":
      return structJson(type, value, timeZone);
    case "map":
      return mapJson(type, value, timeZone);
    default:
      return JSON.stringify(String(value));
  }
}

function numberJson(type: SqlType, value: number): string {
  if (!Number.isFinite(value)) return JSON.stringify(String(value));
  if (Object.is(value, -0)) return "-0.0";
  return type.kind === "float" ? floatText(value) : String(value);
}

function instantText(value: SqlValue, timeZone: string | undefined): string {
  const micros = microsOf(value);
  const wanted = timeZone === undefined ? 0 : zoneOffset(timeZone, micros);
  // RFC 3339 cannot say the local mean times of old, which have seconds.
  const seconds = wanted % 60 === 0 ? wanted : 0;
  const text = timestampText(micros + BigInt(seconds) * 1_000_000n, "T");
  return text.includes("infinity") ? text : `${text}${rfcOffset(seconds)}`;
}

function microsOf(value: SqlValue): bigint {
  return (value as unknown as { micros: bigint }).micros;
}

function itemsOf(value: SqlValue): readonly SqlValue[] {
  return (value as unknown as { items: SqlValue[] }).items;
}

function structJson(type: SqlType, value: SqlValue, timeZone: string | undefined): string {
  const entries = (value as unknown as { entries: Record<string, SqlValue> }).entries;
  return `{${
    type.children.map(({ name, type }) => `${JSON.stringify(name)}:${jsonOf(type, entries[name], timeZone)}`).join(",")
  }}`;
}

function mapJson(type: SqlType, value: SqlValue, timeZone: string | undefined): string {
  const entries = (value as unknown as { entries: { key: SqlValue; value: SqlValue }[] }).entries;
  const [key, item] = type.children;
  if (key!.type.kind === "text") {
    return `{${
      entries.map((each) => `${JSON.stringify(each.key)}:${jsonOf(item!.type, each.value, timeZone)}`).join(",")
    }}`;
  }
  return `[${
    entries.map((each) => `[${jsonOf(key!.type, each.key, timeZone)},${jsonOf(item!.type, each.value, timeZone)}]`)
      .join(",")
  }]`;
}
