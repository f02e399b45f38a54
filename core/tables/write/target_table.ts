import type { PartitionSpec } from "../../iceberg/format/partition_spec.ts";
import type { Schema } from "../../iceberg/format/schema.ts";
import type { Field, Type } from "../../iceberg/format/type.ts";
import { isPositiveInteger, numberProperty } from "./number_property.ts";

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
  /** Those of the table's properties that say how its data files are written. */
  properties: Readonly<Record<string, string>>;
  /** The folder of data files: its path in the table's store. */
  dataFolder: string;
}

const FILE_BYTES = "write.target-file-size-bytes";
/** As large as `maintain --compact` makes them, whatever Iceberg's own writers do. */
const FILE_BYTES_DEFAULT = 128 << 20;

/** What `TargetTable` has of a table's properties. */
export function fileProperties(properties: Readonly<Record<string, string>>): Record<string, string> {
  const isOne = ([key]: [string, string]) => key.startsWith("write.parquet.") || key === FILE_BYTES;
  return Object.fromEntries(Object.entries(properties).filter(isOne));
}

/** A data file that has grown to so many bytes is full. */
export function fileBytesTarget({ properties }: TargetTable): number {
  return numberProperty(properties, FILE_BYTES, FILE_BYTES_DEFAULT, isPositiveInteger);
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
