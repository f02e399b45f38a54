import { Buffer } from "node:buffer";
import type { Json } from "../../base/json.ts";
import type { JsonObject } from "../format/json_field.ts";
import {
  decimalBytesRequired,
  decimalFromBytes,
  decimalToFixedBytes,
  uuidFromBytes,
  uuidToBytes,
  type Value,
} from "../format/single_value.ts";
import type { PrimitiveType } from "../format/type.ts";

/**
 * Pieces of the Avro schemas of manifests and manifest lists (specification: Appendix A, "Avro").
 */
export function requiredField(id: number, name: string, type: Json): Json {
  return { name, type, "field-id": id };
}

export function optionalField(id: number, name: string, type: Json): Json {
  return { name, type: ["null", type], default: null, "field-id": id };
}

/** A map with int keys is an array of records with the logical type `map`. */
export function intKeyedMap(keyId: number, valueId: number, valueType: Json): Json {
  return {
    type: "array",
    items: {
      type: "record",
      name: `k${keyId}_v${valueId}`,
      fields: [requiredField(keyId, "key", "int"), requiredField(valueId, "value", valueType)],
    },
    logicalType: "map",
  };
}

export function listOf(elementId: number, type: Json): Json {
  return { type: "array", items: type, "element-id": elementId };
}

/**
 * The Avro type of partition values. `name` must be unique within the file, because Avro requires
 * names for some types.
 */
export function avroType(type: PrimitiveType, name: string): Json {
  switch (type.type) {
    case "date":
      return { type: "int", logicalType: "date" };
    case "time":
      return { type: "long", logicalType: "time-micros" };
    case "timestamp":
    case "timestamptz":
      return { type: "long", logicalType: "timestamp-micros", "adjust-to-utc": type.type === "timestamptz" };
    case "uuid":
      return { type: "fixed", name: `uuid_${name}`, size: 16, logicalType: "uuid" };
    case "fixed":
      return { type: "fixed", name: `fixed_${name}`, size: type.length };
    case "decimal": {
      const { precision, scale } = type;
      const size = decimalBytesRequired(precision);
      return { type: "fixed", name: `decimal_${name}`, size, logicalType: "decimal", precision, scale };
    }
    case "binary":
      return "bytes";
    default:
      return type.type;
  }
}

/** The reverse of `avroType`; undefined for what no partition value is written as. */
export function typeFromAvro(avro: Json | undefined): PrimitiveType | undefined {
  const branch = Array.isArray(avro) ? avro.find((each) => each !== "null") : avro;
  const { type = branch, logicalType, ...rest } =
    typeof branch === "object" && branch !== null && !Array.isArray(branch) ? branch : {} as JsonObject;
  switch (logicalType) {
    case "date":
      return { type: "date" };
    case "time-micros":
      return { type: "time" };
    case "timestamp-micros":
      return { type: rest["adjust-to-utc"] === true ? "timestamptz" : "timestamp" };
    case "uuid":
      return { type: "uuid" };
    case "decimal":
      return { type: "decimal", precision: Number(rest.precision), scale: Number(rest.scale ?? 0) };
  }
  if (type === "bytes") return { type: "binary" };
  if (type === "fixed") return { type: "fixed", length: Number(rest.size) };
  return plainTypes.find((plain) => plain.type === type);
}

const plainTypes = (["boolean", "int", "long", "float", "double", "string"] as const).map((type) => ({ type }));

/**
 * A value in the form that the codec of `avroType` expects. It may have been read when its column
 * was not widened yet.
 */
export function valueToAvro(type: PrimitiveType, value: Value): unknown {
  switch (type.type) {
    case "uuid":
      return toBuffer(uuidToBytes(value as string));
    case "decimal":
      return toBuffer(decimalToFixedBytes(value as bigint, decimalBytesRequired(type.precision)));
    case "fixed":
    case "binary":
      return toBuffer(value as Uint8Array);
    case "long":
      return BigInt(value as number | bigint);
    default:
      return value;
  }
}

/**
 * The reverse of `valueToAvro`. `type` decides between int and long, not the file, so that widened
 * columns are read correctly.
 */
export function valueFromAvro(type: PrimitiveType, value: unknown): Value {
  switch (type.type) {
    case "uuid":
      return typeof value === "string" ? value : uuidFromBytes(bytesIn(value));
    case "decimal":
      return decimalFromBytes(bytesIn(value));
    case "fixed":
    case "binary":
      return toBytes(bytesIn(value));
    case "long":
    case "time":
    case "timestamp":
    case "timestamptz":
      if (typeof value === "number" || typeof value === "bigint") return BigInt(value);
      break;
    case "int":
    case "date":
      if (typeof value === "number" || typeof value === "bigint") return Number(value);
      break;
    case "float":
    case "double":
      if (typeof value === "number") return value;
      break;
    case "boolean":
      if (typeof value === "boolean") return value;
      break;
    default:
      // Also values of any type whose column is gone: they are carried along.
      return value as Value;
  }
  throw new Error(`a partition value is no ${type.type}`);
}

function bytesIn(value: unknown): Uint8Array {
  if (value instanceof Uint8Array) return value;
  throw new Error("a partition value is no bytes");
}

export function toBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** The same bytes as a plain Uint8Array; node's Buffer has another `slice`. */
export function toBytes(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/**
 * A name that Avro allows, by the rule of the reference implementation: other characters become
 * `_x` and their code in hexadecimal.
 */
export function avroName(name: string): string {
  return Array.from(name, (char, i) => {
    if (/[A-Za-z_]/.test(char) || (i > 0 && /[0-9]/.test(char))) return char;
    if (/[0-9]/.test(char)) return `_${char}`;
    return `_x${char.codePointAt(0)!.toString(16).toUpperCase()}`;
  }).join("");
}

/**
 * The names in an Avro record schema by field id. `standard` has the names for writers that leave
 * the ids out.
 */
export function namesById(record: Json | undefined, standard: Record<number, string>): Map<number, string> {
  const names = new Map(Object.entries(standard).map(([id, name]) => [Number(id), name]));
  for (const field of recordFields(record)) {
    const id = field["field-id"];
    if (typeof id === "number") names.set(id, String(field.name));
  }
  return names;
}

export function recordFields(record: Json | undefined): JsonObject[] {
  const schema = Array.isArray(record) ? record.find((branch) => branch !== "null") : record;
  const fields = (schema as JsonObject | undefined)?.fields;
  return Array.isArray(fields) ? fields as JsonObject[] : [];
}
