import type { ContractType, TypeKind } from "./contract.ts";
import { epochMicrosText, lenientMicrosText, localMicrosText } from "./instant_spelling.ts";
import { isDate, utcMicrosText, uuidText } from "./instant_text.ts";
import {
  canonicalNumber,
  compareNumbers,
  type ExactNumber,
  exactNumber,
  integerDigits,
  isJsonNumber,
  plainText,
  scaleOf,
} from "../json/number.ts";
import { nearestFloat } from "./nearest_float.ts";
import type { ChecksPlan, ValuePlan } from "./judge_plan.ts";
import { codePoints } from "./text_length.ts";
import { whyNotInstant } from "./why_not_instant.ts";

/** The text of a JSON string in a column of `type`; undefined if the type does not accept it. */
export function textOfString(type: ContractType, value: string): string | undefined {
  switch (type.kind) {
    case "string":
      return value;
    case "timestamptz":
      if (type.written === undefined) return utcMicrosText(value);
      return type.written.as === "lenient" ? lenientMicrosText(value, type.written.assumeOffset) : undefined;
    case "timestamp":
      return localMicrosText(value);
    case "date":
      return isDate(value) ? value : undefined;
    case "uuid":
      return uuidText(value);
    default:
      return undefined;
  }
}

/**
 * The text of the JSON number `written` in a column of `type`; undefined if the type does not
 * accept it.
 */
export function textOfNumber(type: ContractType, written: string, plainInteger: boolean): string | undefined {
  switch (type.kind) {
    case "long":
      // A double is exact up to 15 digits.
      if (plainInteger && written.length <= 15) return written === "-0" ? "0" : written;
      return integerText(exactNumber(written), -(1n << 63n), (1n << 63n) - 1n);
    case "int":
      if (plainInteger && written.length <= 9) return written === "-0" ? "0" : written;
      return integerText(exactNumber(written), -(1n << 31n), (1n << 31n) - 1n);
    case "double":
      return doubleText(Number(written));
    case "float":
      return doubleText(nearestFloat(written));
    case "decimal": {
      const number = exactNumber(written);
      const fits = scaleOf(number) <= type.scale && integerDigits(number) <= type.precision - type.scale;
      return fits ? plainText(number) : undefined;
    }
    case "timestamptz":
      if (type.written?.as !== "epoch") return undefined;
      return epochMicrosText(written, type.written.unit, type.written.fraction);
    case "string":
      return type.accepts.numbers ? written : undefined;
    default:
      return undefined;
  }
}

/**
 * The text of `true` or `false` in a column of `type`; undefined if the type does not accept it.
 */
export function textOfBoolean(type: ContractType, written: string): string | undefined {
  const taken = type.kind === "boolean" || (type.kind === "string" && type.accepts.booleans);
  return taken ? written : undefined;
}

/** The number or boolean, as JSON, that a text stands for by `x-coerce`; undefined for none. */
export function jsonInText(type: ContractType, value: string): string | undefined {
  if (type.kind === "boolean") return value === "true" || value === "false" ? value : undefined;
  const isNumber = NUMBER_KINDS.has(type.kind) || (type.kind === "timestamptz" && type.written?.as === "epoch");
  return isNumber && isJsonNumber(value) ? value : undefined;
}

const NUMBER_KINDS: ReadonlySet<TypeKind> = new Set(["int", "long", "float", "double", "decimal"]);

/** A number without fraction within [min, max], both of at most 19 digits. */
function integerText(number: ExactNumber, min: bigint, max: bigint): string | undefined {
  if (scaleOf(number) > 0 || integerDigits(number) > 19) return undefined;
  const text = plainText(number);
  const value = BigInt(text);
  return value >= min && value <= max ? text : undefined;
}

/**
 * The shortest text that parses to exactly this double; -0 keeps its sign. Undefined if out of
 * range.
 */
function doubleText(value: number): string | undefined {
  if (!Number.isFinite(value)) return undefined;
  return value === 0 && Object.is(value, -0) ? "-0" : String(value);
}

/** The check that a string fails, as words for "expected …"; undefined if all checks hold. */
export function stringProblem(checks: ChecksPlan, value: string): string | undefined {
  const problem = enumProblem(checks, value, true);
  if (problem !== undefined) return problem;
  // A string has at least half as many code points as UTF-16 units, and at most as many.
  if (value.length < checks.minLength * 2 && codePoints(value) < checks.minLength) {
    return `string of at least ${checks.minLength} characters`;
  }
  if (value.length > checks.maxLength && codePoints(value) > checks.maxLength) {
    return `string of at most ${checks.maxLength} characters`;
  }
  const { pattern } = checks;
  const matches = pattern === undefined ? true : pattern.test(value);
  if (matches) return undefined;
  return `string ${matches === undefined ? "short enough to be matched with" : "that matches"} ${pattern!.source}`;
}

/** Like `stringProblem`, for a number as it was written. */
export function numberProblem(checks: ChecksPlan, written: string): string | undefined {
  const number = exactNumber(written);
  if (checks.enum !== undefined) {
    const problem = enumProblem(checks, canonicalNumber(number), false);
    if (problem !== undefined) return problem;
  }
  for (const { bound, holds, expected } of checks.bounds) {
    if (!holds(compareNumbers(number, bound))) return `number ${expected}`;
  }
  return undefined;
}

/** Like `stringProblem`, for true and false. */
export function enumProblem(checks: ChecksPlan, value: string, quoted: boolean): string | undefined {
  if (checks.enum === undefined || checks.enum.has(value)) return undefined;
  const values = [...checks.enum].slice(0, ENUM_SHOWN_MAX).map((text) => quoted ? JSON.stringify(text) : text);
  const more = checks.enum.size - values.length;
  const list = more > 0 ? `${values.join(", ")} and ${more} more` : values.join(", ");
  return checks.enum.size === 1 ? list : `one of ${list}`;
}

const ENUM_SHOWN_MAX = 10;

/** Why a text is no value of its type, where there is more to say than what was expected. */
export function textProblem(plan: ValuePlan, value: string, json: string | undefined): string | undefined {
  if (json !== undefined) return `${plan.expected}: it is written as text, which x-coerce takes`;
  if (plan.kind === "timestamp" && utcMicrosText(value) !== undefined) return `${plan.expected}: it has one`;
  return plan.kind === "timestamptz" ? instantProblem(plan, value, "string") : undefined;
}

/** Why a string or number is no instant. */
export function instantProblem(plan: ValuePlan, value: string, kind: "string" | "number"): string | undefined {
  const reason = plan.type.kind === "timestamptz" ? whyNotInstant(value, plan.type.written, kind) : undefined;
  return reason === undefined ? undefined : `${plan.expected}: ${reason}`;
}

/** Like `stringProblem`, for what a text stands for. */
export function problemOfJson(type: ContractType, checks: ChecksPlan, json: string): string | undefined {
  return type.kind === "boolean" ? enumProblem(checks, json, false) : numberProblem(checks, json);
}
