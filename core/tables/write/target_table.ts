import type { FieldIdTree } from "../../engine/copy.ts";
import { quoteName } from "../../engine/duckdb.ts";
import { type PartitionColumn, partitionColumns, type PartitionSpec } from "../../iceberg/format/partition_spec.ts";
import { fieldsById, type IndexedField, type Schema } from "../../iceberg/format/schema.ts";
import type { Field, Type } from "../../iceberg/format/type.ts";
import { fieldIdTrees } from "./field_ids.ts";
import { sqlTypeOf } from "../sql_type.ts";
import { type PartitionKey, sqlPartitionKey } from "./partition_key.ts";
import { partitionSql } from "./partition_sql.ts";

/** A table that rows are written for: what its files must look like, and where they go. */
export interface TargetTable {
  /**
   * The schema that the files are written with; the table may get it in the very commit that adds
   * them.
   */
  schema: Schema;
  /**
   * Its fields as far as rows have them, at any depth: a contract may name less than its table has.
   */
  written: readonly Field[];
  spec: PartitionSpec;
  /** Those of the table's properties that say how its Parquet files are written. */
  properties: Readonly<Record<string, string>>;
  /** The folder of data files: its path in the table's store. */
  dataFolder: string;
}

/** What `TargetTable` has of a table's properties. */
export function parquetProperties(properties: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(properties).filter(([key]) => key.startsWith("write.parquet.")));
}

function partitionOf(table: TargetTable): PartitionColumn[] {
  return partitionColumns(table.spec, [table.schema]);
}

/** What names a row's partition, where `written` are the names of the columns that rows have. */
export function partitionKeys(table: TargetTable, written: readonly string[]): PartitionKey[] {
  const fields = fieldsById(table.schema);
  return partitionOf(table).map((part, index) => {
    const path = namesTo(fields, part.field.sourceId);
    // A column that rows do not have (any more) is null in all of them, and typed: a function of it
    // is chosen by that.
    const has = path.length > 0 && written.includes(path[0]!) && hasPath(table.written, path);
    const value = has ? path.map(quoteName).join(".") : `CAST(NULL AS ${sqlTypeOf(part.source)})`;
    return sqlPartitionKey(`_streamlab_partition_${index}`, partitionSql(part, value), part.type.type === "string");
  });
}

/** The field ids of the columns that rows have. */
export function writtenFieldIds(table: TargetTable, written: readonly string[]): Record<string, FieldIdTree> {
  return fieldIdTrees(table.written.filter((field) => written.includes(field.name)));
}

/** The fields as far as `wanted` names them, at any depth. */
export function fieldsNamedIn(fields: readonly Field[], wanted: readonly Field[]): Field[] {
  return fields.flatMap((field) => {
    const found = wanted.find(({ name }) => name === field.name);
    return found === undefined ? [] : [{ ...field, type: typeNamedIn(field.type, found.type) }];
  });
}

function typeNamedIn(type: Type, wanted: Type): Type {
  if (type.type === "struct" && wanted.type === "struct") {
    return { ...type, fields: fieldsNamedIn(type.fields, wanted.fields) };
  }
  if (type.type === "list" && wanted.type === "list") {
    return { ...type, element: typeNamedIn(type.element, wanted.element) };
  }
  if (type.type === "map" && wanted.type === "map") return { ...type, value: typeNamedIn(type.value, wanted.value) };
  return type;
}

/** The names from the top down to a field, empty where it is not there; a name may hold dots. */
function namesTo(fields: ReadonlyMap<number, IndexedField>, id: number | undefined): string[] {
  const found = id === undefined ? undefined : fields.get(id);
  return found === undefined ? [] : [...namesTo(fields, found.parentId), found.field.name];
}

function hasPath(fields: readonly Field[], path: readonly string[]): boolean {
  const field = fields.find(({ name }) => name === path[0]);
  if (field === undefined || path.length === 1) return field !== undefined;
  return field.type.type === "struct" && hasPath(field.type.fields, path.slice(1));
}
