import { StreamlabError } from "../../base/errors.ts";
import { quoteName } from "../../engine/duckdb.ts";
import { findFieldByPath, type Schema } from "../../iceberg/format/schema.ts";
import { isPrimitive } from "../../iceberg/format/type.ts";

/**
 * SQL for an order as people write it, `user_id, event_timestamp desc`; `usage` for a column that
 * is not there or has no order.
 */
export function orderSql(items: readonly string[], schema: Schema, table: string): string {
  return items.map((item) => {
    const match = /^(.+?)(?:\s+(asc|desc))?(?:\s+nulls\s+(first|last))?$/i.exec(item.trim());
    const path = match?.[1] ?? item;
    const field = findFieldByPath(schema, path) ?? findFieldByPath(schema, path.replace(/^"(.*)"$/, "$1"));
    if (field === undefined || !isPrimitive(field.type)) {
      const names = schema.fields.filter(({ type }) => isPrimitive(type)).map(({ name }) => name);
      throw new StreamlabError("usage", `Cannot sort ${table} by "${path}": there is no such column with an order`, {
        hint: `There are ${names.join(", ")}`,
      });
    }
    const column = pathOf(schema, field.id).map(quoteName).join(".");
    // A bare column would be a key, and DuckDB hands out 0.0 for a key of -0.0.
    return `coalesce(${column}) ${match?.[2] ?? "asc"} NULLS ${match?.[3] ?? "first"}`;
  }).join(", ");
}

function pathOf(schema: Schema, fieldId: number): string[] {
  const walk = (fields: Schema["fields"]): string[] | undefined => {
    for (const { id, name, type } of fields) {
      if (id === fieldId) return [name];
      const below = type.type === "struct" ? walk(type.fields) : undefined;
      if (below !== undefined) return [name, ...below];
    }
    return undefined;
  };
  return walk(schema.fields) ?? [];
}
