import { civilFromDay, floorDivide } from "../../base/calendar.ts";
import { StreamlabError } from "../../base/errors.ts";
import { cutString } from "./bound.ts";
import { bucketHash } from "./bucket_hash.ts";
import type { Value } from "./single_value.ts";
import type { PrimitiveType } from "./type.ts";

/**
 * How a partition or sort value is computed from a column's value (specification: "Partition
 * Transforms").
 */
export type Transform =
  | { name: "identity" | "year" | "month" | "day" | "hour" | "void" }
  | { name: "bucket"; buckets: number }
  | { name: "truncate"; width: number }
  /** An unknown transform: its text is kept, its values are never used. */
  | { name: "unknown"; text: string };

const MICROS_PER_HOUR = 3_600_000_000n;
const MICROS_PER_DAY = 86_400_000_000n;

export function transformToText(transform: Transform): string {
  switch (transform.name) {
    case "bucket":
      return `bucket[${transform.buckets}]`;
    case "truncate":
      return `truncate[${transform.width}]`;
    case "unknown":
      return transform.text;
    default:
      return transform.name;
  }
}

export function transformFromText(text: string): Transform {
  const lower = text.toLowerCase();
  if (["identity", "year", "month", "day", "hour", "void"].includes(lower)) {
    return { name: lower as "identity" };
  }
  const match = /^(bucket|truncate)\[\s*(\d+)\s*\]$/.exec(lower);
  const number = Number(match?.[2]);
  if (match && number > 0) {
    return match[1] === "bucket" ? { name: "bucket", buckets: number } : { name: "truncate", width: number };
  }
  return { name: "unknown", text };
}

/** Whether the transform accepts the source type. */
export function transformAccepts(transform: Transform, source: PrimitiveType): boolean {
  const type = source.type;
  switch (transform.name) {
    case "identity":
    case "void":
    case "unknown":
      return true;
    case "bucket":
      return type !== "boolean" && type !== "float" && type !== "double";
    case "truncate":
      return type === "int" || type === "long" || type === "decimal" || type === "string" || type === "binary";
    case "hour":
      return type === "timestamp" || type === "timestamptz";
    default:
      return type === "date" || type === "timestamp" || type === "timestamptz";
  }
}

/**
 * The type of the transform's values. `day` gives a date: the specification says int, all engines
 * write date, and both have the same bytes.
 */
export function transformResultType(transform: Transform, source: PrimitiveType): PrimitiveType {
  switch (transform.name) {
    case "identity":
    case "truncate":
    case "void":
      return source;
    case "day":
      return { type: "date" };
    case "unknown":
      return { type: "string" };
    default:
      return { type: "int" };
  }
}

/** The transform of a value; null gives null. `source` is the column's type. */
export function applyTransform(transform: Transform, source: PrimitiveType, value: Value | null): Value | null {
  if (value === null || transform.name === "void") return null;
  switch (transform.name) {
    case "identity":
      return value;
    case "bucket":
      return (bucketHash(source, value) & 0x7fffffff) % transform.buckets;
    case "truncate":
      return truncate(source, value, transform.width);
    case "hour":
      return Number(floorDivide(value as bigint, MICROS_PER_HOUR));
    case "day":
      return epochDay(source, value);
    case "month": {
      const { year, month } = civilFromDay(epochDay(source, value));
      return (year - 1970) * 12 + month - 1;
    }
    case "year":
      return civilFromDay(epochDay(source, value)).year - 1970;
    case "unknown":
      throw new StreamlabError("unavailable", `Cannot apply the transform "${transform.text}": it is not known here`);
  }
}

/**
 * True if a larger value never has a smaller transform, so that a range of values becomes a range
 * of transforms.
 */
export function preservesOrder(transform: Transform): boolean {
  return transform.name !== "bucket" && transform.name !== "void" && transform.name !== "unknown";
}

function truncate(source: PrimitiveType, value: Value, width: number): Value {
  switch (source.type) {
    case "int": {
      const number = value as number;
      // Wraps in 32 bits below the smallest int, as the reference implementation does.
      return (number - (((number % width) + width) % width)) | 0;
    }
    case "long": {
      const wide = BigInt(width);
      return BigInt.asIntN(64, (value as bigint) - ((((value as bigint) % wide) + wide) % wide));
    }
    case "decimal": {
      const wide = BigInt(width);
      return (value as bigint) - ((((value as bigint) % wide) + wide) % wide);
    }
    case "string":
      return cutString(value as string, width);
    default:
      return (value as Uint8Array).slice(0, width);
  }
}

function epochDay(source: PrimitiveType, value: Value): number {
  return source.type === "date" ? value as number : Number(floorDivide(value as bigint, MICROS_PER_DAY));
}
