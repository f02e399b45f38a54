/** A row's values as a number, to detect changes. */
import { memberSql } from "../engine/duckdb.ts";
import type { Field, Type } from "../iceberg/format/type.ts";

/**
 * SQL for 64 bits of a row: against faults, not against forgers. DuckDB takes -0.0 and 0.0 for
 * equal, so that the signs of zeros count apart. `valueOf` gives SQL for a column.
 */
export function rowPrintSql(fields: readonly Field[], valueOf: (field: Field) => string): string {
  return `hash(${fields.flatMap((field) => printed(field, valueOf(field))).join(", ")})`;
}

/** The same of one value. */
export function columnPrintSql(field: Field, value: string): string {
  return `hash(${printed(field, value).join(", ")})`;
}

function printed({ type }: Field, value: string): string[] {
  return hasReals(type) ? [value, zeroSigns(value, type, 0)] : [value];
}

/** SQL for whether a row has a -0.0 anywhere; undefined where it can have none. */
export function negativeZeroSql(fields: readonly Field[], valueOf: (field: Field) => string): string | undefined {
  const parts = fields.flatMap((field) =>
    hasReals(field.type) ? [`coalesce(${anyNegativeZero(valueOf(field), field.type, 0)}, false)`] : []
  );
  return parts.length === 0 ? undefined : `(${parts.join(" OR ")})`;
}

function hasReals(type: Type): boolean {
  if (type.type === "float" || type.type === "double") return true;
  return partsOf("", type).some((part) => hasReals(part.type));
}

interface Part {
  /** SQL: the value of a struct's member, or the list of a list's elements. */
  sql: string;
  type: Type;
  isList: boolean;
}

function partsOf(value: string, type: Type): Part[] {
  switch (type.type) {
    case "struct":
      return type.fields.map((field) => ({
        sql: memberSql(value, field.name),
        type: field.type,
        isList: false,
      }));
    case "list":
      return [{ sql: value, type: type.element, isList: true }];
    case "map":
      return [
        { sql: `map_keys(${value})`, type: type.key, isList: true },
        { sql: `map_values(${value})`, type: type.value, isList: true },
      ];
    default:
      return [];
  }
}

/** `depth` tells the variables of nested lambdas apart. */
function zeroSigns(value: string, type: Type, depth: number): string {
  if (type.type === "float" || type.type === "double") return `(${value} = 0 AND signbit(${value}))`;
  const item = `z${depth}`;
  const parts = partsOf(value, type).filter((part) => hasReals(part.type)).map((part) =>
    part.isList
      ? `list_transform(${part.sql}, lambda ${item}: ${zeroSigns(item, part.type, depth + 1)})`
      : zeroSigns(part.sql, part.type, depth + 1)
  );
  return parts.length === 1 ? parts[0]! : `hash(${parts.join(", ")})`;
}

function anyNegativeZero(value: string, type: Type, depth: number): string {
  if (type.type === "float" || type.type === "double") return `(${value} = 0 AND signbit(${value}))`;
  const item = `z${depth}`;
  const parts = partsOf(value, type).filter((part) => hasReals(part.type)).map((part) => {
    const inner = anyNegativeZero(part.isList ? item : part.sql, part.type, depth + 1);
    return `coalesce(${part.isList ? `len(list_filter(${part.sql}, lambda ${item}: ${inner})) > 0` : inner}, false)`;
  });
  return `(${parts.join(" OR ")})`;
}
