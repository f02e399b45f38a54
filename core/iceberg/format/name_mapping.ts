import { parseJson } from "../../base/json.ts";
import { type JsonObject, readArray, readObject, readOptionalInteger } from "./json_field.ts";

/**
 * Field ids by name, for data files that were written without ids (specification: "Column
 * Projection").
 */
export interface NameMapping {
  /** The top-level fields. */
  fields: MappedField[];
}

/** A field id, and its names in files without ids. */
export interface MappedField {
  /** Names that the field has in data files; a dot in one is part of the name. */
  names: string[];
  /** Undefined for fields that are in files but not in the table. */
  fieldId: number | undefined;
  /** Of a struct; `element` of a list, `key` and `value` of a map. */
  fields: MappedField[];
}

/** The table's mapping from its property `schema.name-mapping.default`, if there is one. */
export function nameMapping(properties: Record<string, string>): NameMapping | undefined {
  const text = properties["schema.name-mapping.default"];
  return text === undefined ? undefined : { fields: fieldsFromJson({ fields: parseJson(text) }) };
}

/** The id of the field at a path of names in a file; undefined where the mapping has none. */
export function mappedFieldId(mapping: NameMapping, path: string[]): number | undefined {
  let fields = mapping.fields;
  let found: MappedField | undefined;
  for (const name of path) {
    found = fields.find((field) => field.names.includes(name));
    if (!found) return undefined;
    fields = found.fields;
  }
  return found?.fieldId;
}

function fieldsFromJson(parent: JsonObject): MappedField[] {
  if (parent.fields === undefined || parent.fields === null) return [];
  return readArray(parent, "fields").map((item) => {
    const field = readObject(item, "name mapping");
    return {
      names: readArray(field, "names").map(String),
      fieldId: readOptionalInteger(field, "field-id"),
      fields: fieldsFromJson(field),
    };
  });
}
