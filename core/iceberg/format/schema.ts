import { StreamlabError } from "../../base/errors.ts";
import type { Json } from "../../base/json.ts";
import { type JsonObject, readArray, readInteger, readObject } from "./json_field.ts";
import { type Field, fieldsEqual, type StructType, type Type } from "./type.ts";
import { fieldFromJson, fieldToJson } from "./type_json.ts";

/** A table's columns at one time (specification: "Schemas and Data Types"). */
export interface Schema {
  /** Its number in the table. */
  schemaId: number;
  /** The columns. */
  fields: Field[];
  /** Columns that identify a row; required primitives. */
  identifierFieldIds?: number[];
}

/**
 * A field with its place in the schema. Elements, keys and values of lists and maps are fields
 * named `element`, `key` and `value`.
 */
export interface IndexedField {
  field: Field;
  /** Names from the top, joined by dots: `properties.key`. */
  path: string;
  parentId: number | undefined;
  /** True below a list or map, where a row may have many values. */
  repeated: boolean;
}

export function schemaToJson(schema: Schema): JsonObject {
  const json: JsonObject = { type: "struct", "schema-id": schema.schemaId, fields: schema.fields.map(fieldToJson) };
  if (schema.identifierFieldIds && schema.identifierFieldIds.length > 0) {
    json["identifier-field-ids"] = schema.identifierFieldIds;
  }
  return json;
}

/** Version 1 tables may leave the id out. Then it is `defaultId`. */
export function schemaFromJson(json: Json, defaultId = 0): Schema {
  const object = readObject(json, "schema");
  const schema: Schema = {
    schemaId: object["schema-id"] === undefined ? defaultId : readInteger(object, "schema-id"),
    fields: readArray(object, "fields").map(fieldFromJson),
  };
  const identifiers = object["identifier-field-ids"];
  if (Array.isArray(identifiers) && identifiers.length > 0) schema.identifierFieldIds = identifiers.map(Number);
  return schema;
}

const indexes = new WeakMap<Schema, Map<number, IndexedField>>();

/** All fields, nested ones included, by id. Computed once per schema object. */
export function fieldsById(schema: Schema): Map<number, IndexedField> {
  let index = indexes.get(schema);
  if (!index) {
    index = new Map();
    for (const field of schema.fields) addToIndex(index, field, "", undefined, false);
    indexes.set(schema, index);
  }
  return index;
}

/** At any depth. */
export function findField(schema: Schema, id: number): Field | undefined {
  return fieldsById(schema).get(id)?.field;
}

/** By dotted path and exact case: `address.city`, `tags.element`, `properties.value`. */
export function findFieldByPath(schema: Schema, path: string): Field | undefined {
  for (const indexed of fieldsById(schema).values()) if (indexed.path === path) return indexed.field;
  return undefined;
}

export function highestFieldId(schema: Schema): number {
  let highest = 0;
  for (const id of fieldsById(schema).keys()) highest = Math.max(highest, id);
  return highest;
}

/** Whether both have the same columns with the same ids. The schemas' own ids do not count. */
export function sameSchema(a: Schema, b: Schema): boolean {
  const identifiersA = a.identifierFieldIds ?? [];
  const identifiersB = b.identifierFieldIds ?? [];
  return a.fields.length === b.fields.length && a.fields.every((field, i) => fieldsEqual(field, b.fields[i]!)) &&
    identifiersA.length === identifiersB.length && identifiersA.every((id) => identifiersB.includes(id));
}

/**
 * Gives the fields new ids from `firstId` on, in the order of the reference implementation: all
 * fields of a struct first, then the fields nested in them. Also returns the next free id.
 */
export function assignFieldIds(fields: Field[], firstId: number): { fields: Field[]; nextId: number } {
  let nextId = firstId;
  const struct = (type: StructType): StructType => {
    const ids = type.fields.map(() => nextId++);
    return {
      type: "struct",
      fields: type.fields.map((field, i) => ({ ...field, id: ids[i]!, type: assign(field.type) })),
    };
  };
  const assign = (type: Type): Type => {
    if (type.type === "struct") return struct(type);
    if (type.type === "list") {
      const elementId = nextId++;
      return { ...type, elementId, element: assign(type.element) };
    }
    if (type.type === "map") {
      const keyId = nextId++, valueId = nextId++;
      return { ...type, keyId, valueId, key: assign(type.key), value: assign(type.value) };
    }
    return type;
  };
  const result = struct({ type: "struct", fields });
  return { fields: result.fields, nextId };
}

/** The same fields, nested ones included, with other ids. */
export function renumberFields(fields: readonly Field[], idOf: (id: number) => number): Field[] {
  const renumber = (type: Type): Type => {
    if (type.type === "struct") return { ...type, fields: renumberFields(type.fields, idOf) };
    if (type.type === "list") return { ...type, elementId: idOf(type.elementId), element: renumber(type.element) };
    if (type.type !== "map") return type;
    const { keyId, key, valueId, value } = type;
    return { ...type, keyId: idOf(keyId), key: renumber(key), valueId: idOf(valueId), value: renumber(value) };
  };
  return fields.map((field) => ({ ...field, id: idOf(field.id), type: renumber(field.type) }));
}

function addToIndex(
  index: Map<number, IndexedField>,
  field: Field,
  prefix: string,
  parentId: number | undefined,
  repeated: boolean,
): void {
  if (index.has(field.id)) {
    throw new StreamlabError("corrupt", `Cannot read a schema: field id ${field.id} appears twice`);
  }
  const path = prefix + field.name;
  index.set(field.id, { field, path, parentId, repeated });
  for (const child of childFields(field.type)) {
    addToIndex(index, child, path + ".", field.id, repeated || field.type.type !== "struct");
  }
}

/**
 * The fields nested in a type: a struct's fields, a list's `element`, a map's `key` and `value`.
 */
export function childFields(type: Type): Field[] {
  if (type.type === "struct") return type.fields;
  if (type.type === "list") {
    return [{ id: type.elementId, name: "element", required: type.elementRequired, type: type.element }];
  }
  if (type.type === "map") {
    return [
      { id: type.keyId, name: "key", required: true, type: type.key },
      { id: type.valueId, name: "value", required: type.valueRequired, type: type.value },
    ];
  }
  return [];
}
