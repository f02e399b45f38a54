/**
 * Types of Iceberg tables, version 2 of the format (specification: "Schemas and Data Types"). Plain
 * data, never changed in place.
 */
export type PlainTypeName =
  | "boolean"
  | "int"
  | "long"
  | "float"
  | "double"
  | "date"
  | "time"
  | "timestamp"
  | "timestamptz"
  | "string"
  | "uuid"
  | "binary";

/** A type without fields. */
export type PrimitiveType =
  | { type: PlainTypeName }
  | { type: "decimal"; precision: number; scale: number }
  /** `length` in bytes. */
  | { type: "fixed"; length: number };

/** Fields with names. */
export interface StructType {
  /** The discriminator of the union. */
  type: "struct";
  /** In display order. */
  fields: Field[];
}

/** Any number of elements of one type. */
export interface ListType {
  /** Tells it from the others. */
  type: "list";
  /** The field id of its elements. */
  elementId: number;
  /** If false, an element may be null. */
  elementRequired: boolean;
  /** The type of its elements. */
  element: Type;
}

/** Values by keys. */
export interface MapType {
  /** Tells it from the others. */
  type: "map";
  /** The field id of its keys. */
  keyId: number;
  /** The type of its keys, which are never null. */
  key: Type;
  /** The field id of its values. */
  valueId: number;
  /** If false, a value may be null. */
  valueRequired: boolean;
  /** The type of its values. */
  value: Type;
}

/** Any type of a column. */
export type Type = PrimitiveType | StructType | ListType | MapType;

/** A column, or a field inside one. */
export interface Field {
  /** Stays the same when the field is renamed. */
  id: number;
  /** Unique among its siblings. */
  name: string;
  /** If false, it may be null. */
  required: boolean;
  /** The type of its values. */
  type: Type;
  /** Documentation for people. */
  doc?: string;
}

export const PLAIN_TYPE_NAMES: readonly PlainTypeName[] = [
  "boolean",
  "int",
  "long",
  "float",
  "double",
  "date",
  "time",
  "timestamp",
  "timestamptz",
  "string",
  "uuid",
  "binary",
];

export function isPrimitive(type: Type): type is PrimitiveType {
  return type.type !== "struct" && type.type !== "list" && type.type !== "map";
}

/** Structural equality, including field ids, names, optionality and documentation. */
export function typesEqual(a: Type, b: Type): boolean {
  if (a === b) return true;
  if (a.type === "decimal") return b.type === "decimal" && a.precision === b.precision && a.scale === b.scale;
  if (a.type === "fixed") return b.type === "fixed" && a.length === b.length;
  if (a.type === "struct") {
    return b.type === "struct" && a.fields.length === b.fields.length &&
      a.fields.every((field, i) => fieldsEqual(field, b.fields[i]!));
  }
  if (a.type === "list") {
    return b.type === "list" && a.elementId === b.elementId && a.elementRequired === b.elementRequired &&
      typesEqual(a.element, b.element);
  }
  if (a.type === "map") {
    return b.type === "map" && a.keyId === b.keyId && a.valueId === b.valueId && a.valueRequired === b.valueRequired &&
      typesEqual(a.key, b.key) && typesEqual(a.value, b.value);
  }
  return a.type === b.type;
}

export function fieldsEqual(a: Field, b: Field): boolean {
  return a.id === b.id && a.name === b.name && a.required === b.required && a.doc === b.doc &&
    typesEqual(a.type, b.type);
}

/**
 * Whether a column may change from one primitive type to another (specification: "Schema
 * Evolution", version 2): int to long, float to double, a decimal of the same scale to a wider one.
 */
export function isPromotion(from: PrimitiveType, to: PrimitiveType): boolean {
  if (from.type === "int") return to.type === "long";
  if (from.type === "float") return to.type === "double";
  if (from.type === "decimal") return to.type === "decimal" && from.scale === to.scale && from.precision < to.precision;
  return false;
}
