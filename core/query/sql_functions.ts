/**
 * DuckDB's functions, each with a verdict: those that a question may call compute from their
 * arguments and reach nothing else. sql_functions.json has them all; a test compares it with what
 * DuckDB has, and STREAMLAB_REFRESH=1 adds those that are new as refused.
 */
import verdicts from "./sql_functions.json" with { type: "json" };

/** Where a function stands: in an expression, or after FROM. */
export type FunctionPlace = "expression" | "from";

export interface FunctionVerdict {
  allowed: boolean;
  /** Continues "the function f …". */
  why: string;
}

/** By the kinds of `duckdb_functions()`; a pragma is a statement of its own. */
const PLACES: Readonly<Record<string, FunctionPlace>> = {
  scalar: "expression",
  aggregate: "expression",
  macro: "expression",
  table: "from",
  table_macro: "from",
};

/** Table functions that mean something else in an expression, of which DuckDB's list is silent. */
const ALSO_IN_EXPRESSIONS = ["unnest"];

const byPlace = new Map<string, FunctionVerdict>();
for (const { why, allowed, functions } of verdicts) {
  for (const text of functions) {
    const [kind, name] = text.split(" ") as [string, string];
    const places = [PLACES[kind], ALSO_IN_EXPRESSIONS.includes(name) ? "expression" : undefined];
    for (const place of places) {
      // If two have one name, the refused one decides: only DuckDB knows which is meant.
      if (place !== undefined && byPlace.get(`${place} ${name}`)?.allowed !== false) {
        byPlace.set(`${place} ${name}`, { allowed, why });
      }
    }
  }
}

/** By the name in any case; undefined where DuckDB has no such function there. */
export function functionVerdict(name: string, place: FunctionPlace): FunctionVerdict | undefined {
  return byPlace.get(`${place} ${name.toLowerCase()}`);
}

/** The names of the functions that may stand in that place. */
export function allowedFunctions(place: FunctionPlace): string[] {
  return [...byPlace].filter(([key, { allowed }]) => allowed && key.startsWith(`${place} `))
    .map(([key]) => key.slice(place.length + 1));
}
