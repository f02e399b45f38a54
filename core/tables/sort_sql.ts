/** Iceberg's order of values in SQL (specification: "Sorting"). */
import { quoteName } from "../engine/duckdb.ts";
import type { Schema } from "../iceberg/format/schema.ts";
import type { SortField } from "../iceberg/format/sort_order.ts";
import { transformAccepts } from "../iceberg/format/transform.ts";
import { isPrimitive, type PrimitiveType } from "../iceberg/format/type.ts";

/** A column and its place in SQL. */
interface OrderedColumn {
  sql: string;
  type: PrimitiveType;
}

/** Undefined where the schema has no such column, or where it is one of lists and structs. */
function orderedColumn(schema: Schema, fieldId: number): OrderedColumn | undefined {
  const walk = (fields: Schema["fields"], before: readonly string[]): OrderedColumn | undefined => {
    for (const { id, name, type } of fields) {
      const path = [...before, name];
      if (id === fieldId) return isPrimitive(type) ? { sql: path.map(quoteName).join("."), type } : undefined;
      const below = type.type === "struct" ? walk(type.fields, path) : undefined;
      if (below !== undefined) return below;
    }
    return undefined;
  };
  return walk(schema.fields, []);
}

/**
 * What stands in ORDER BY for a key of a sort order; nothing where all its values are equal.
 * Undefined where SQL does not have its transform.
 */
export function sortKeySql(
  schema: Schema,
  { sourceId, transform, direction, nullOrder }: SortField,
): string[] | undefined {
  if (transform.name === "void") return [];
  const column = orderedColumn(schema, sourceId);
  const keys = column && transformAccepts(transform, column.type) ? keysOf(column, transform) : undefined;
  const nulls = nullOrder === "nulls-first" ? "FIRST" : "LAST";
  return keys?.map((key) => `${key} ${direction.toUpperCase()} NULLS ${nulls}`);
}

function keysOf({ sql, type }: OrderedColumn, transform: SortField["transform"]): string[] | undefined {
  switch (transform.name) {
    case "identity": {
      // A bare column would be a key, and DuckDB hands out 0.0 for a key of -0.0.
      const value = `coalesce(${sql})`;
      // To DuckDB zeros are equal, and a NaN is larger than all numbers whatever its sign.
      const isReal = type.type === "float" || type.type === "double";
      return isReal ? [`NOT (isnan(${sql}) AND signbit(${sql}))`, value, `NOT signbit(${sql})`] : [value];
    }
    case "year":
    case "month":
    case "day":
    case "hour":
      return [`date_trunc('${transform.name}', ${sql})`];
    case "truncate":
      return [truncated({ sql, type }, transform.width)];
    default:
      return undefined;
  }
}

function truncated({ sql, type }: OrderedColumn, width: number): string {
  if (type.type === "string") return `left(${sql}, ${width})`;
  if (type.type === "binary") return `${sql}[1:${width}]`;
  const whole = wholeNumber({ sql, type });
  return `${whole} - ((${whole} % ${width}) + ${width}) % ${width}`;
}

/** An integer, or the unscaled value of a decimal. */
function wholeNumber({ sql, type }: OrderedColumn): string {
  return type.type === "decimal" ? `replace(${sql}::VARCHAR, '.', '')::HUGEINT` : `${sql}::HUGEINT`;
}
