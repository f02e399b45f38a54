import { StreamlabError } from "../../base/errors.ts";
import type { Json } from "../../base/json.ts";
import { type JsonObject, readArray, readBoolean, readInteger, readObject, readString } from "./json_field.ts";
import { type Field, PLAIN_TYPE_NAMES, type PlainTypeName, type Type } from "./type.ts";

/** Types as JSON (specification: Appendix C, "Schemas"). */
export function typeToJson(type: Type): Json {
  switch (type.type) {
    case "decimal":
      return `decimal(${type.precision}, ${type.scale})`;
    case "fixed":
      return `fixed[${type.length}]`;
    case "struct":
      return { type: "struct", fields: type.fields.map(fieldToJson) };
    case "list":
      return {
        type: "list",
        "element-id": type.elementId,
        element: typeToJson(type.element),
        "element-required": type.elementRequired,
      };
    case "map":
      return {
        type: "map",
        "key-id": type.keyId,
        key: typeToJson(type.key),
        "value-id": type.valueId,
        value: typeToJson(type.value),
        "value-required": type.valueRequired,
      };
    default:
      return type.type;
  }
}

export function fieldToJson(field: Field): JsonObject {
  const json: JsonObject = {
    id: field.id,
    name: field.name,
    required: field.required,
    type: typeToJson(field.type),
  };
  if (field.doc !== undefined) json.doc = field.doc;
  return json;
}

/**
 * Throws `corrupt` for anything that is no type, and for types of later format versions, by name.
 */
export function typeFromJson(json: Json): Type {
  if (typeof json === "string") return primitiveFromText(json);
  const object = readObject(json, "type");
  switch (object.type) {
    case "struct":
      return { type: "struct", fields: readArray(object, "fields").map(fieldFromJson) };
    case "list":
      return {
        type: "list",
        elementId: readInteger(object, "element-id"),
        elementRequired: readBoolean(object, "element-required"),
        element: typeFromJson(object.element ?? null),
      };
    case "map":
      return {
        type: "map",
        keyId: readInteger(object, "key-id"),
        key: typeFromJson(object.key ?? null),
        valueId: readInteger(object, "value-id"),
        valueRequired: readBoolean(object, "value-required"),
        value: typeFromJson(object.value ?? null),
      };
    default:
      // Some writers spell a primitive as {"type": "long"}.
      if (typeof object.type === "string") return primitiveFromText(object.type);
      throw new StreamlabError("corrupt", `Cannot read a schema: unknown type ${JSON.stringify(object.type)}`);
  }
}

export function fieldFromJson(json: Json): Field {
  const object = readObject(json, "field");
  for (const key of ["initial-default", "write-default"]) {
    if (object[key] !== undefined && object[key] !== null) {
      throw new StreamlabError(
        "corrupt",
        `Cannot read column "${object.name}": it has an ${key}, which belongs to version 3 of the table format`,
        { hint: "Read this table with an engine that knows version 3" },
      );
    }
  }
  const field: Field = {
    id: readInteger(object, "id"),
    name: readString(object, "name"),
    required: readBoolean(object, "required"),
    type: typeFromJson(object.type ?? null),
  };
  if (typeof object.doc === "string") field.doc = object.doc;
  return field;
}

function primitiveFromText(text: string): Type {
  if ((PLAIN_TYPE_NAMES as readonly string[]).includes(text)) return { type: text as PlainTypeName };
  // "decimal(9,2)" and "decimal( 9 , 2 )" are the same: readers accept white space around
  // parameters.
  const decimal = /^decimal\(\s*(\d+)\s*,\s*(\d+)\s*\)$/.exec(text);
  if (decimal) return { type: "decimal", precision: Number(decimal[1]), scale: Number(decimal[2]) };
  const fixed = /^fixed\[\s*(\d+)\s*\]$/.exec(text);
  if (fixed) return { type: "fixed", length: Number(fixed[1]) };
  if (/^(timestamp_ns|timestamptz_ns|unknown|variant|geometry|geography)\b/.test(text)) {
    throw new StreamlabError("corrupt", `Cannot read a schema: type ${text} belongs to version 3 of the table format`, {
      hint: "Read this table with an engine that knows version 3",
    });
  }
  throw new StreamlabError("corrupt", `Cannot read a schema: unknown type "${text}"`);
}
