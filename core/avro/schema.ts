import type avro from "avsc";
import type { Json } from "../base/json.ts";
import { Type } from "./avsc.ts";
import { exactLongType } from "./long_type.ts";

export type AvroSchema = Json;

export interface LongFields {
  /**
   * Longs with one of these ids (`field-id`, or `element-id` for the items of an array) are
   * numbers, within 2^52 (avsc 5.7.9 writes negative ones beyond that wrongly). All others are
   * bigints.
   */
  numberFieldIds: ReadonlySet<number>;
}

/** Marks a long that is to be exact; never written into a file. */
const EXACT_MARK = "streamlab-exact";

/**
 * Writes values of a schema. avsc accepts unknown attributes such as `field-id`, but forgets them.
 */
export function compileSchema(schema: AvroSchema, longs: LongFields): avro.Type {
  return Type.forSchema(markLongs(schema, longs, false) as unknown as avro.Schema, {
    typeHook: (attributes: avro.Schema) =>
      typeof attributes === "object" && EXACT_MARK in attributes ? exactLongType : undefined,
  } as Partial<avro.ForSchemaOptions>);
}

function markLongs(schema: AvroSchema, longs: LongFields, asNumber: boolean): AvroSchema {
  if (schema === "long") return asNumber ? schema : { type: "long", [EXACT_MARK]: true };
  if (schema === null || typeof schema !== "object") return schema;
  if (Array.isArray(schema)) return schema.map((branch) => markLongs(branch, longs, asNumber));
  const { type, fields, items, values } = schema;
  if (type === "long") return asNumber ? "long" : { type: "long", [EXACT_MARK]: true };
  if (type === "record" && Array.isArray(fields)) {
    return { ...schema, fields: fields.map((field) => markField(field, longs)) };
  }
  if (type === "array" && items !== undefined) {
    return { ...schema, items: markLongs(items, longs, isNumberField(schema, "element-id", longs)) };
  }
  if (type === "map" && values !== undefined) {
    return { ...schema, values: markLongs(values, longs, isNumberField(schema, "value-id", longs)) };
  }
  return schema;
}

function markField(field: Json, longs: LongFields): Json {
  if (field === null || typeof field !== "object" || Array.isArray(field)) return field;
  // Defaults are for schema resolution, which is not used here. avsc would check them against the
  // marked type.
  const { default: _default, ...rest } = field;
  return { ...rest, type: markLongs(field.type ?? null, longs, isNumberField(field, "field-id", longs)) };
}

/** Whether the longs of a field, or of what is in an array or map, are numbers. */
export function isNumberField(node: { [key: string]: Json }, key: string, longs: LongFields): boolean {
  const id = node[key];
  return typeof id === "number" && longs.numberFieldIds.has(id);
}
