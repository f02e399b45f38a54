import type { Json } from "../../base/json.ts";
import type { Predicate } from "../../iceberg/format/predicate.ts";
import type { Value } from "../../iceberg/format/single_value.ts";
import type { ColumnFilter, PlanConstant } from "./column_filter.ts";

/** A filter in the words of Iceberg's scan planning. */
export interface ScanPredicate {
  /** What those words cannot say is `always`. */
  predicate: Predicate;
  /** They say all of it. */
  isWhole: boolean;
}

export function scanPredicate(filter: ColumnFilter): ScanPredicate {
  let isWhole = true;
  const predicate = translate(filter, () => isWhole = false);
  return { predicate, isWhole };
}

/** `weaken` is told of each part that is left out. */
function translate(filter: ColumnFilter, weaken: () => void): Predicate {
  const weakened = (): Predicate => {
    weaken();
    return { op: "always" };
  };
  switch (filter.op) {
    case "always":
      return { op: "always" };
    case "unknown":
      return weakened();
    case "and":
    case "or":
      return { op: filter.op, of: filter.of.map((part) => translate(part, weaken)) };
    default:
      break;
  }
  // Iceberg joins names by dots: a name that holds one could be taken for another column.
  if (filter.column.some((name) => name.includes("."))) return weakened();
  const column = filter.column.join(".");
  switch (filter.op) {
    case "is-null":
      return { op: "is-null", column };
    case "not-null":
      return { op: "is-not-null", column };
    case "in":
    case "not-in": {
      const values = filter.values.map(valueOf);
      return values.every((value) => value !== undefined) ? { op: filter.op, column, values } : weakened();
    }
    default: {
      const value = valueOf(filter.value);
      return value === undefined ? weakened() : { op: filter.op === "<>" ? "!=" : filter.op, column, value };
    }
  }
}

/**
 * A plan's constant in the form of `spec/single_value.ts`; undefined for types that files are not
 * left out by.
 */
function valueOf({ type, value }: PlanConstant): Value | undefined {
  switch (type) {
    case "BOOLEAN":
      return typeof value === "boolean" ? value : undefined;
    case "INTEGER":
    case "DATE":
    case "FLOAT":
    case "DOUBLE":
      return typeof value === "number" ? value : undefined;
    case "BIGINT":
    case "TIME":
    case "TIMESTAMP":
    case "TIMESTAMP WITH TIME ZONE":
      return integer(value);
    case "DECIMAL":
      return integer(value) ?? hugeInteger(value);
    case "VARCHAR":
      return typeof value === "string" ? value : undefined;
    case "UUID":
      return uuid(hugeInteger(value));
    default:
      return undefined;
  }
}

function integer(value: Json): bigint | undefined {
  if (typeof value === "bigint") return value;
  return typeof value === "number" && Number.isSafeInteger(value) ? BigInt(value) : undefined;
}

/** 128 bits as `{ upper, lower }`. */
function hugeInteger(value: Json): bigint | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  const [upper, lower] = [integer(value.upper ?? null), integer(value.lower ?? null)];
  return upper === undefined || lower === undefined ? undefined : (upper << 64n) + lower;
}

/**
 * DuckDB keeps a UUID with its first bit flipped, so that signed order is the order of the text.
 */
function uuid(stored: bigint | undefined): string | undefined {
  if (stored === undefined) return undefined;
  const hex = (BigInt.asUintN(128, stored) ^ (1n << 127n)).toString(16).padStart(32, "0");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
