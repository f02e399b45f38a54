import { StreamlabError } from "../../base/errors.ts";
import { fieldsById, type Schema } from "./schema.ts";
import type { Value } from "./single_value.ts";
import { isPrimitive, type PrimitiveType } from "./type.ts";

/** How a column is compared with a value. */
export type Comparison = "=" | "!=" | "<" | "<=" | ">" | ">=";

/**
 * A condition on rows that lets files be skipped. Columns are named by dotted path. Values have the
 * form of the column's type; a number for a long and a bigint for an int are accepted too. As in
 * SQL, a null makes comparisons, `in` and `starts-with` neither true nor false.
 */
export type Predicate =
  | { op: "always" }
  | { op: "never" }
  | { op: "and" | "or"; of: Predicate[] }
  | { op: "not"; of: Predicate }
  | { op: Comparison; column: string; value: Value }
  | { op: "in" | "not-in"; column: string; values: Value[] }
  | { op: "is-null" | "is-not-null"; column: string }
  | { op: "starts-with" | "not-starts-with"; column: string; prefix: string };

/** A predicate without `not`, whose columns are field ids. */
export type BoundPredicate =
  | { op: "always" }
  | { op: "never" }
  | { op: "and" | "or"; of: BoundPredicate[] }
  | BoundTerm;

export type BoundTerm =
  & { fieldId: number; type: PrimitiveType }
  & (
    | { op: Comparison; value: Value }
    | { op: "in" | "not-in"; values: Value[] }
    | { op: "is-null" | "is-not-null" }
    | { op: "starts-with" | "not-starts-with"; prefix: string }
  );

const NEGATIONS: Record<string, string> = {
  "=": "!=",
  "!=": "=",
  "<": ">=",
  ">=": "<",
  ">": "<=",
  "<=": ">",
  in: "not-in",
  "not-in": "in",
  "is-null": "is-not-null",
  "is-not-null": "is-null",
  "starts-with": "not-starts-with",
  "not-starts-with": "starts-with",
  always: "never",
  never: "always",
  and: "or",
  or: "and",
};

/**
 * Looks the columns up in the schema. A column that files cannot be skipped by (a struct, or below
 * a list or map) makes its term `always`. A missing column throws `usage`.
 */
export function bindPredicate(predicate: Predicate, schema: Schema): BoundPredicate {
  return bind(predicate, schema, false);
}

function bind(predicate: Predicate, schema: Schema, negated: boolean): BoundPredicate {
  if (predicate.op === "not") return bind(predicate.of as Predicate, schema, !negated);
  const op = negated ? NEGATIONS[predicate.op]! : predicate.op;
  if ("of" in predicate) {
    return { op: op as "and" | "or", of: (predicate.of as Predicate[]).map((part) => bind(part, schema, negated)) };
  }
  if (!("column" in predicate)) return { op: op as "always" | "never" };
  const field = findColumn(schema, predicate.column);
  if (!field) return { op: "always" };
  const base = { fieldId: field.id, type: field.type };
  if ("values" in predicate) {
    return { ...base, op: op as "in", values: predicate.values.map((value) => coerce(field.type, value)) };
  }
  if ("value" in predicate) return { ...base, op: op as Comparison, value: coerce(field.type, predicate.value) };
  if ("prefix" in predicate) return { ...base, op: op as "starts-with", prefix: predicate.prefix };
  return { ...base, op: op as "is-null" };
}

/** The term that is true where this one is false; both are neither for a null. */
export function negatedTerm(term: BoundTerm): BoundTerm {
  return { ...term, op: NEGATIONS[term.op] } as BoundTerm;
}

/** The columns that a predicate names. */
export function predicateFieldIds(predicate: BoundPredicate): Set<number> {
  if ("of" in predicate) return new Set(predicate.of.flatMap((part) => [...predicateFieldIds(part)]));
  return new Set("fieldId" in predicate ? [predicate.fieldId] : []);
}

function findColumn(schema: Schema, path: string): { id: number; type: PrimitiveType } | undefined {
  for (const indexed of fieldsById(schema).values()) {
    if (indexed.path !== path) continue;
    const { id, type } = indexed.field;
    return isPrimitive(type) && !indexed.repeated ? { id, type } : undefined;
  }
  throw new StreamlabError("usage", `Cannot look for rows by "${path}": there is no such column`);
}

function coerce(type: PrimitiveType, value: Value): Value {
  switch (type.type) {
    case "int":
    case "date":
    case "float":
    case "double":
      return typeof value === "bigint" ? Number(value) : value;
    case "long":
    case "time":
    case "timestamp":
    case "timestamptz":
    case "decimal":
      return typeof value === "number" && Number.isInteger(value) ? BigInt(value) : value;
    default:
      return value;
  }
}
