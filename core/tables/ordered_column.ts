import { memberSql, quoteName } from "../engine/duckdb.ts";
import type { Schema } from "../iceberg/format/schema.ts";
import { isPrimitive, type PrimitiveType } from "../iceberg/format/type.ts";

/** A column that rows can be sorted by, and its place in SQL. */
export interface OrderedColumn {
  sql: string;
  type: PrimitiveType;
}

/** Undefined where the schema has no such column, or rows have no single value of it. */
export function orderedColumn(schema: Schema, fieldId: number): OrderedColumn | undefined {
  const walk = (fields: Schema["fields"], struct?: string): OrderedColumn | undefined => {
    for (const { id, name, type } of fields) {
      const sql = struct === undefined ? quoteName(name) : memberSql(struct, name);
      if (id === fieldId) return isPrimitive(type) ? { sql, type } : undefined;
      const below = type.type === "struct" ? walk(type.fields, sql) : undefined;
      if (below !== undefined) return below;
    }
    return undefined;
  };
  return walk(schema.fields);
}

/** An integer, or the unscaled value of a decimal. */
export function wholeNumber({ sql, type }: OrderedColumn): string {
  return type.type === "decimal" ? `replace(${sql}::VARCHAR, '.', '')::HUGEINT` : `${sql}::HUGEINT`;
}
