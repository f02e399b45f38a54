import type { FieldIdTree } from "../../engine/copy.ts";
import type { Field, Type } from "../../iceberg/format/type.ts";

/** The field ids of columns in the shape in which the engine takes them. */
export function fieldIdTrees(fields: readonly Field[]): Record<string, FieldIdTree> {
  return Object.fromEntries(fields.map((field) => [field.name, tree(field.id, field.type)]));
}

function tree(id: number, type: Type): FieldIdTree {
  switch (type.type) {
    case "struct":
      return { id, inner: fieldIdTrees(type.fields) };
    case "list":
      return { id, inner: { element: tree(type.elementId, type.element) } };
    case "map":
      return { id, inner: { key: tree(type.keyId, type.key), value: tree(type.valueId, type.value) } };
    default:
      return id;
  }
}
