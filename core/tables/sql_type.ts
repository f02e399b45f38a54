import { quoteName } from "../engine/duckdb.ts";
import type { Type } from "../iceberg/format/type.ts";

/** The SQL type that holds every value of an Iceberg type. */
export function sqlTypeOf(type: Type): string {
  switch (type.type) {
    case "boolean":
    case "float":
    case "double":
    case "date":
    case "time":
    case "timestamp":
    case "timestamptz":
    case "uuid":
      return type.type.toUpperCase();
    case "int":
      return "INTEGER";
    case "long":
      return "BIGINT";
    case "string":
      return "VARCHAR";
    case "binary":
    case "fixed":
      return "BLOB";
    case "decimal":
      return `DECIMAL(${type.precision}, ${type.scale})`;
    case "list":
      return `${sqlTypeOf(type.element)}[]`;
    case "map":
      return `MAP(${sqlTypeOf(type.key)}, ${sqlTypeOf(type.value)})`;
    case "struct":
      return `STRUCT(${type.fields.map((field) => `${quoteName(field.name)} ${sqlTypeOf(field.type)}`).join(", ")})`;
  }
}
