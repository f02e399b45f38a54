import type { Json } from "../../base/json.ts";

/**
 * A condition that all rows needed by a query meet: its WHERE, or a weaker one if this form cannot
 * express it. As in SQL, a comparison with null is not true.
 */
export type ColumnFilter =
  /** No condition. */
  | { op: "always" }
  /** One that this form cannot express: it may hold for any row, and for none. */
  | { op: "unknown" }
  | { op: "and" | "or"; of: ColumnFilter[] }
  | { op: SqlComparison; column: string[]; value: PlanConstant }
  | { op: "in" | "not-in"; column: string[]; values: PlanConstant[] }
  | { op: "is-null" | "not-null"; column: string[] };

export type SqlComparison = "<" | "<=" | ">" | ">=" | "=" | "<>";

/** A constant that is not null, as DuckDB writes it into a plan. Its type is the column's own. */
export interface PlanConstant {
  /** DuckDB's name of the type: `TIMESTAMP WITH TIME ZONE`. */
  type: string;
  value: Json;
}

export const ALWAYS: ColumnFilter = { op: "always" };
export const UNKNOWN: ColumnFilter = { op: "unknown" };

export function and(of: ColumnFilter[]): ColumnFilter {
  const parts = of.flatMap((part) => part.op === "always" ? [] : part.op === "and" ? part.of : [part]);
  return parts.length === 0 ? ALWAYS : parts.length === 1 ? parts[0]! : { op: "and", of: parts };
}

export function or(of: ColumnFilter[]): ColumnFilter {
  if (of.some((part) => part.op === "always")) return ALWAYS;
  const parts = of.flatMap((part) => part.op === "or" ? part.of : [part]);
  return parts.length === 1 ? parts[0]! : { op: "or", of: parts };
}

const OPPOSITES: Record<SqlComparison, SqlComparison> = {
  "<": ">=",
  "<=": ">",
  ">": "<=",
  ">=": "<",
  "=": "<>",
  "<>": "=",
};
const MIRRORED: Record<SqlComparison, SqlComparison> = {
  "<": ">",
  "<=": ">=",
  ">": "<",
  ">=": "<=",
  "=": "=",
  "<>": "<>",
};

/** The comparison that is true where this one is false. */
export function opposite(comparison: SqlComparison): SqlComparison {
  return OPPOSITES[comparison];
}

/** The same comparison with its sides exchanged. */
export function mirror(comparison: SqlComparison): SqlComparison {
  return MIRRORED[comparison];
}
