/**
 * SQL that turns a file's column, in the file's layout, into the table's column. Fields are found
 * by id at every level. Pure text.
 */
import { memberSql, quoteName } from "../../engine/duckdb.ts";
import { childFields } from "../../iceberg/format/schema.ts";
import type { Field, Type } from "../../iceberg/format/type.ts";
import type { FileColumn } from "./file_layout.ts";
import { sqlTypeOf } from "../sql_type.ts";

/**
 * Whether DuckDB reads the file's columns as the table's. It finds columns by id, and fields inside
 * them by name.
 */
export function readsAsIs(fields: readonly Field[], columns: readonly FileColumn[]): boolean {
  return fields.every((field) => {
    const column = columns.find(({ fieldId }) => fieldId === field.id);
    return column === undefined || valueFits(field.type, column);
  });
}

function valueFits(type: Type, column: FileColumn): boolean {
  if (column.isPlainBytes && type.type === "string") return false;
  const wanted = childFields(type);
  if (wanted.length === 0) return true;
  // DuckDB cannot cast a struct if no field keeps its name.
  const isPartly = wanted.some(({ id }) => column.children.some(({ fieldId }) => fieldId === id));
  return isPartly && wanted.every((field) => {
    const byId = column.children.find(({ fieldId }) => fieldId === field.id);
    if (byId === undefined) return !column.children.some(({ name }) => isSameName(name, field.name));
    return (type.type !== "struct" || byId.name === field.name) && valueFits(field.type, byId);
  });
}

/** DuckDB ignores the case of names. */
function isSameName(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}

/** SQL for the table's column. `missing` replaces a column that the file lacks. */
export function projectColumn(field: Field, columns: readonly FileColumn[], missing: string | undefined): string {
  const column = columns.find(({ fieldId }) => fieldId === field.id);
  const type = sqlTypeOf(field.type);
  if (column === undefined) return `CAST(${missing ?? "NULL"} AS ${type})`;
  return `CAST(${projectValue(quoteName(column.name), field.type, column, 0)} AS ${type})`;
}

function projectValue(value: string, type: Type, column: FileColumn, depth: number): string {
  if (valueFits(type, column)) return value;
  const item = `v${depth}`;
  const inner = (source: string, wanted: Field) => {
    const child = column.children.find(({ fieldId }) => fieldId === wanted.id);
    if (child === undefined) return `CAST(NULL AS ${sqlTypeOf(wanted.type)})`;
    return projectValue(source, wanted.type, child, depth + 1);
  };
  const fields = childFields(type);
  switch (type.type) {
    case "string":
      return `decode(${value})`;
    case "struct": {
      const parts = fields.map((field) => {
        const name = column.children.find(({ fieldId }) => fieldId === field.id)?.name ?? field.name;
        return `${quoteName(field.name)} := ${inner(memberSql(value, name), field)}`;
      });
      return `CASE WHEN ${value} IS NULL THEN NULL ELSE struct_pack(${parts.join(", ")}) END`;
    }
    case "list":
      return `list_transform(${value}, lambda ${item}: ${inner(item, fields[0]!)})`;
    case "map": {
      const [key, element] = [inner(memberSql(item, "key"), fields[0]!), inner(memberSql(item, "value"), fields[1]!)];
      return `map_from_entries(list_transform(map_entries(${value}), lambda ${item}: {'key': ${key}, 'value': ${element}}))`;
    }
    default:
      return value;
  }
}
