import { quoteName, quotePath, quoteText } from "../../../core/engine/duckdb.ts";
import type { Value } from "../../../core/iceberg/format/single_value.ts";
import { type Field, isPrimitive, type PrimitiveType, type Type } from "../../../core/iceberg/format/type.ts";
import { sqlTypeOf } from "../../../core/tables/sql_type.ts";
import type { TableRow, Tree } from "./random_table.ts";

/** Writes rows to a file, and gives a query that reads these very rows from it. */
export async function jsonRows(path: string, fields: readonly Field[], rows: readonly TableRow[]): Promise<string> {
  const lines = rows.map((row) => {
    return JSON.stringify(Object.fromEntries(fields.map(({ name, type }) => [name, jsonOf(type, row[name]!)])));
  });
  await Deno.writeTextFile(path, lines.join("\n"));
  const columns = fields.map(({ name, type }) => `${quoteText(name)}: ${quoteText(textTypeOf(type))}`).join(", ");
  return `SELECT * FROM read_json(${quotePath(path)}, format = 'newline_delimited', columns = {${columns}})`;
}

/** A query's columns, bytes as text: JSON has no others. */
export function withTextualBytes(fields: readonly Field[], query: string): string {
  const columns = fields.map(({ name, type }) =>
    `CAST(${quoteName(name)} AS ${textTypeOf(type)}) AS ${quoteName(name)}`
  );
  return `SELECT ${columns.join(", ")} FROM (${query})`;
}

function textTypeOf(type: Type): string {
  return sqlTypeOf(type).replaceAll("BLOB", "VARCHAR");
}

type JsonTree = null | string | boolean | { [name: string]: JsonTree } | JsonTree[];

function jsonOf(type: Type, value: Tree): JsonTree {
  if (value === null) return null;
  if (isPrimitive(type)) return textOf(type, value as Value);
  if (type.type === "list") return (value as Tree[]).map((item) => jsonOf(type.element, item));
  if (type.type === "map") {
    return Object.fromEntries((value as [string, Tree][]).map(([key, item]) => [key, jsonOf(type.value, item)]));
  }
  const struct = value as Record<string, Tree>;
  return Object.fromEntries(type.fields.map((field) => [field.name, jsonOf(field.type, struct[field.name]!)]));
}

/** As DuckDB casts it. */
function textOf(type: PrimitiveType, value: Value): string {
  switch (type.type) {
    case "binary":
    case "fixed":
      return Array.from(value as Uint8Array, byteText).join("");
    case "date":
      return new Date((value as number) * 86_400_000).toISOString().slice(0, 10);
    case "timestamp":
    case "timestamptz": {
      const micros = value as bigint;
      const rest = ((micros % 1_000_000n) + 1_000_000n) % 1_000_000n;
      const seconds = new Date(Number((micros - rest) / 1000n)).toISOString().replace(/\.000Z$/, "");
      return `${seconds}.${String(rest).padStart(6, "0")}${type.type === "timestamptz" ? "+00" : ""}`;
    }
    case "decimal":
      return decimalText(value as bigint, type.scale);
    default:
      return Object.is(value, -0) ? "-0.0" : String(value);
  }
}

function byteText(byte: number): string {
  const text = String.fromCharCode(byte);
  return /^[ -~]$/.test(text) && !/[\\'"]/.test(text) ? text : `\\x${Uint8Array.of(byte).toHex().toUpperCase()}`;
}

function decimalText(unscaled: bigint, scale: number): string {
  const digits = (unscaled < 0n ? -unscaled : unscaled).toString().padStart(scale + 1, "0");
  const point = digits.length - scale;
  return `${unscaled < 0n ? "-" : ""}${digits.slice(0, point)}.${digits.slice(point)}`;
}
