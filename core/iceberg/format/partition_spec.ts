import { StreamlabError } from "../../base/errors.ts";
import type { Json } from "../../base/json.ts";
import { type JsonObject, readArray, readInteger, readObject, readString } from "./json_field.ts";
import type { Value } from "./single_value.ts";
import { fieldsById, type Schema } from "./schema.ts";
import {
  type Transform,
  transformAccepts,
  transformFromText,
  transformResultType,
  transformToText,
} from "./transform.ts";
import { isPrimitive, type PrimitiveType } from "./type.ts";

/** Partition field ids count from here, so that an unpartitioned table's last one is 999. */
export const FIRST_PARTITION_FIELD_ID = 1000;

/** One field of a partition. */
export interface PartitionField {
  /** The column that its values are computed from. */
  sourceId: number;
  /** Its own id, from 1000 on. */
  fieldId: number;
  /** Its name in folders and in metadata. */
  name: string;
  /** How its value is computed from the column's. */
  transform: Transform;
}

/** How rows are grouped into files (specification: "Partitioning"). */
export interface PartitionSpec {
  /** Its number in the table. */
  specId: number;
  /** In the order of a partition's values. Empty if the table is not partitioned. */
  fields: PartitionField[];
}

/**
 * One part of a partition tuple: its field with the types of its source column and of its values.
 */
export interface PartitionColumn {
  field: PartitionField;
  source: PrimitiveType;
  type: PrimitiveType;
}

export function partitionSpecToJson(spec: PartitionSpec): JsonObject {
  return { "spec-id": spec.specId, fields: partitionFieldsToJson(spec) };
}

export function partitionFieldsToJson(spec: PartitionSpec): Json[] {
  return spec.fields.map((field) => ({
    "source-id": field.sourceId,
    "field-id": field.fieldId,
    name: field.name,
    transform: transformToText(field.transform),
  }));
}

export function partitionSpecFromJson(json: Json): PartitionSpec {
  const object = readObject(json, "partition spec");
  return { specId: readInteger(object, "spec-id"), fields: partitionFieldsFromJson(readArray(object, "fields")) };
}

/**
 * Version 1 may leave field ids out. Then they count from 1000 (specification: Appendix C,
 * "Partition Specs").
 */
export function partitionFieldsFromJson(json: Json[]): PartitionField[] {
  return json.map((item, i) => {
    const field = readObject(item, "partition field");
    return {
      sourceId: readInteger(field, "source-id"),
      fieldId: field["field-id"] === undefined ? FIRST_PARTITION_FIELD_ID + i : readInteger(field, "field-id"),
      name: readString(field, "name"),
      transform: transformFromText(readString(field, "transform")),
    };
  });
}

/** Types of partition values by field id, as a manifest's own Avro schema has them. */
export type WrittenTypes = ReadonlyMap<number, PrimitiveType>;

/**
 * The spec's columns with their types. Where no given schema has the source column any more, or
 * nobody knows the transform, the values have the type that they were `written` with, else string:
 * they are carried along, and nothing is pruned by them.
 */
export function partitionColumns(spec: PartitionSpec, schemas: Schema[], written?: WrittenTypes): PartitionColumn[] {
  return spec.fields.map((field) => {
    const { transform, fieldId } = field;
    const known = sourceType(field, schemas), source = known ?? { type: "string" };
    const isOpen = transform.name === "unknown" || (known === undefined && keepsType(transform));
    const type = (isOpen ? written?.get(fieldId) : undefined) ?? transformResultType(transform, source);
    return { field, source: known === undefined && isOpen ? type : source, type };
  });
}

/** What their values are written as. */
export function writtenTypes(columns: readonly PartitionColumn[]): WrittenTypes {
  return new Map(columns.map(({ field, type }) => [field.fieldId, type]));
}

/** Whether its values are of the source column's type. */
function keepsType({ name }: Transform): boolean {
  return name === "identity" || name === "truncate" || name === "void";
}

function sourceType(field: PartitionField, schemas: Schema[]): PrimitiveType | undefined {
  for (let i = schemas.length - 1; i >= 0; i--) {
    const type = fieldsById(schemas[i]!).get(field.sourceId)?.field.type;
    if (type && isPrimitive(type)) return type;
  }
  return undefined;
}

/**
 * Throws `usage` if the source of a field is missing, is below a list or map, or has a type that
 * the transform does not accept.
 */
export function validatePartitionSpec(spec: PartitionSpec, schema: Schema): void {
  const names = new Set<string>();
  for (const field of spec.fields) {
    const where = `Cannot partition by ${transformToText(field.transform)} of column ${field.sourceId}`;
    const source = fieldsById(schema).get(field.sourceId);
    if (names.has(field.name)) {
      throw new StreamlabError("usage", `${where}: there are two partition fields "${field.name}"`);
    }
    names.add(field.name);
    if (field.transform.name === "void") continue;
    if (!source) throw new StreamlabError("usage", `${where}: there is no such column`);
    const type = source.field.type;
    if (source.repeated || !isPrimitive(type) || !transformAccepts(field.transform, type)) {
      throw new StreamlabError("usage", `${where}: "${source.path}" is a ${type.type}, which it does not take`);
    }
  }
}

/** The name that engines give a partition field by default. */
export function defaultPartitionFieldName(columnName: string, transform: Transform): string {
  switch (transform.name) {
    case "identity":
      return columnName;
    case "truncate":
      return `${columnName}_trunc`;
    case "void":
      return `${columnName}_null`;
    default:
      return `${columnName}_${transform.name}`;
  }
}

/** Whether both have the same fields in the same order, with the same ids and names. */
export function samePartitionFields(a: PartitionSpec, b: PartitionSpec): boolean {
  return a.fields.length === b.fields.length && a.fields.every((field, i) => {
    const other = b.fields[i]!;
    return field.sourceId === other.sourceId && field.fieldId === other.fieldId && field.name === other.name &&
      transformToText(field.transform) === transformToText(other.transform);
  });
}

/**
 * A text that is equal for equal partition tuples of one spec. An int is equal to the long of its
 * size: their column was widened in between.
 */
export function partitionKey(specId: number, partition: readonly (Value | null)[]): string {
  const parts = partition.map((value) => {
    if (value === null) return "null";
    if (value instanceof Uint8Array) return `x${Array.from(value).join(".")}`;
    return Object.is(value, -0) ? "-0" : JSON.stringify(String(value));
  });
  return `${specId}/${parts.join("/")}`;
}
