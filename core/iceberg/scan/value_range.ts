import { type BoundTerm, negatedTerm } from "../format/predicate.ts";
import type { Value } from "../format/single_value.ts";
import { compareValues } from "../format/value_order.ts";

/** What is known about the values of a column in a file, or of a partition field in a manifest. */
export interface ValueRange {
  /** At most the lowest value, nulls and NaNs aside; undefined if unknown. */
  lower?: Value;
  /** At least the highest value, nulls and NaNs aside; undefined if unknown. */
  upper?: Value;
  mayBeNull: boolean;
  /** Whether values other than null are possible. */
  mayBeValue: boolean;
  mayBeNan: boolean;
  /** The bounds are values as they are, never cut. */
  isExact?: boolean;
}

/** Whether a row with a value in the range may satisfy the term; true when in doubt. */
export function rangeMayMatch(range: ValueRange, term: BoundTerm): boolean {
  if (term.op === "is-null") return range.mayBeNull;
  if (!range.mayBeValue) return false;
  switch (term.op) {
    case "is-not-null":
      return true;
    case "=":
      return mayHold(range, term.value);
    case "in":
      return term.values.some((value) => mayHold(range, value));
    case "!=":
      return !isOnly(range, [term.value]);
    case "not-in":
      return !isOnly(range, term.values);
    case "<":
    case "<=":
    case ">":
    case ">=":
      return mayCompare(range, term.op, term.value);
    case "starts-with":
      return mayStartWith(range, term.prefix);
    case "not-starts-with":
      return !allStartWith(range, term.prefix);
  }
}

/** Whether each row with a value in the range satisfies the term; false when in doubt. */
export function rangeMustMatch(range: ValueRange, term: BoundTerm): boolean {
  const isAboutNull = term.op === "is-null" || term.op === "is-not-null";
  return (isAboutNull || !range.mayBeNull) && !rangeMayMatch(range, negatedTerm(term));
}

/**
 * Engines differ on NaN: for some it is the largest number and equal to itself. So it may match `>`
 * and `>=`.
 */
function mayCompare(range: ValueRange, op: "<" | "<=" | ">" | ">=", value: Value): boolean {
  if (Number.isNaN(value)) return true;
  const { lower, upper } = range;
  if (op === "<") return lower === undefined || compare(lower, value) < 0;
  if (op === "<=") return lower === undefined || compare(lower, value) <= 0;
  if (range.mayBeNan || upper === undefined) return true;
  return op === ">" ? compare(upper, value) > 0 : compare(upper, value) >= 0;
}

function mayHold(range: ValueRange, value: Value): boolean {
  if (Number.isNaN(value)) return range.mayBeNan;
  if (range.lower !== undefined && compare(range.lower, value) > 0) return false;
  return range.upper === undefined || compare(range.upper, value) >= 0;
}

/** Whether all values except nulls are among these. */
function isOnly(range: ValueRange, values: Value[]): boolean {
  const { lower, upper } = range;
  if (range.mayBeNan || lower === undefined || upper === undefined || compareValues(lower, upper) !== 0) return false;
  // A string's bound may be cut and then covers more than itself. Cut bounds have at least sixteen
  // code points.
  const mayBeCut = (typeof lower === "string" || lower instanceof Uint8Array) && lower.length >= 16;
  if (mayBeCut && !range.isExact) return false;
  return values.some((value) => compare(value, lower) === 0);
}

function mayStartWith(range: ValueRange, prefix: string): boolean {
  const { lower, upper } = range;
  if (typeof lower === "string" && compareValues(lower, prefix) > 0 && !lower.startsWith(prefix)) return false;
  return typeof upper !== "string" || compareValues(upper, prefix) >= 0;
}

function allStartWith(range: ValueRange, prefix: string): boolean {
  const { lower, upper } = range;
  return typeof lower === "string" && typeof upper === "string" && lower.startsWith(prefix) && upper.startsWith(prefix);
}

/** Both zeros are equal here, as in SQL, although bounds distinguish them. */
function compare(a: Value, b: Value): number {
  return a === b ? 0 : compareValues(a, b);
}
