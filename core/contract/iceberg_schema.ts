import type { Field as IcebergField, Type } from "../iceberg/format/type.ts";
import { type ContractField, type ContractType, mayBeNull } from "./contract.ts";

/** The column of a contract's field. Field ids are 0: still to be assigned. */
export function icebergField(field: ContractField): IcebergField {
  return {
    id: 0,
    name: field.name,
    required: !mayBeNull(field),
    type: icebergType(field.type),
    ...(field.doc === undefined ? {} : { doc: field.doc }),
  };
}

/** The Iceberg type of a contract's type; ids inside it are 0. */
function icebergType(type: ContractType): Type {
  switch (type.kind) {
    case "decimal":
      return { type: "decimal", precision: type.precision, scale: type.scale };
    case "struct":
      return { type: "struct", fields: type.fields.map(icebergField) };
    case "map":
      return {
        type: "map",
        keyId: 0,
        key: { type: "string" },
        valueId: 0,
        valueRequired: !type.value.nullable,
        value: icebergType(type.value.type),
      };
    case "list":
      return {
        type: "list",
        elementId: 0,
        elementRequired: !type.element.nullable,
        element: icebergType(type.element.type),
      };
    case "json":
      return { type: "string" };
    default:
      return { type: type.kind };
  }
}
