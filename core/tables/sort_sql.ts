/** Iceberg's order of values in SQL (specification: "Sorting"). */
import type { Schema } from "../iceberg/format/schema.ts";
import type { SortField } from "../iceberg/format/sort_order.ts";
import { transformAccepts } from "../iceberg/format/transform.ts";
import { type OrderedColumn, orderedColumn, wholeNumber } from "./ordered_column.ts";

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
