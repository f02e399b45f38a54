import { type Checks, NO_CHECKS } from "./contract.ts";
import { contractError } from "./contract_error.ts";
import { canonicalNumber, exactNumber, integerDigits, scaleOf } from "../json/number.ts";
import { clip } from "../json/pointer.ts";
import { PatternError } from "./pattern/parse_pattern.ts";
import { Pattern } from "./pattern/pattern.ts";
import type { JsonNode } from "../json/tree.ts";

/**
 * The supported keywords of one schema object, by name. The caller removes those that were read.
 */
export type Keywords = ReadonlyMap<string, JsonNode>;

const STRING_CHECKS = ["enum", "const", "minLength", "maxLength", "pattern"];
const NUMBER_CHECKS = ["enum", "const", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"];

/** The JSON types that have checks of their own. */
export type CheckedType = "string" | "number" | "boolean";

/** The check keywords that a type may carry. */
export const CHECK_KEYWORDS: Readonly<Record<CheckedType, readonly string[]>> = {
  string: STRING_CHECKS,
  number: NUMBER_CHECKS,
  boolean: ["enum", "const"],
};

/** A bound with more digits is a mistake in the contract. */
const BOUND_DIGITS_MAX = 400;

/** Reads the checks on a value of `type` from the keywords of the schema at `pointer`. */
export function parseChecks(keywords: Keywords, pointer: string, type: CheckedType): Checks {
  const allowed = allowedValues(keywords, pointer, type);
  const bounds = Object.fromEntries(
    ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"]
      .filter((name) => keywords.has(name))
      .map((name) => [name, numberText(keywords.get(name)!, `${pointer}/${name}`)]),
  );
  const lengths = Object.fromEntries(
    ["minLength", "maxLength"]
      .filter((name) => keywords.has(name))
      .map((name) => [name, length(keywords.get(name)!, `${pointer}/${name}`)]),
  );
  const pattern = keywords.get("pattern");
  const checks = {
    ...(allowed === undefined ? {} : { enum: allowed }),
    ...bounds,
    ...lengths,
    ...(pattern === undefined ? {} : { pattern: patternText(pattern, `${pointer}/pattern`) }),
  };
  return Object.keys(checks).length === 0 ? NO_CHECKS : checks;
}

/** Whether `enum` and `const`, if present, allow null. */
export function enumAllowsNull(keywords: Keywords): boolean {
  const list = keywords.get("enum");
  if (list?.kind === "array" && !list.items.some((item) => item.kind === "null")) return false;
  return !keywords.has("const");
}

function allowedValues(keywords: Keywords, pointer: string, type: CheckedType): string[] | undefined {
  const list = keywords.get("enum");
  const single = keywords.get("const");
  let allowed: string[] | undefined;
  if (list !== undefined) {
    if (list.kind !== "array" || list.items.length === 0) {
      throw contractError(`${pointer}/enum`, '"enum" must be an array with at least one value');
    }
    allowed = list.items.flatMap((item, i) =>
      item.kind === "null" ? [] : [scalarText(item, `${pointer}/enum/${i}`, type)]
    );
    allowed = [...new Set(allowed)];
  }
  if (single !== undefined) {
    const text = scalarText(single, `${pointer}/const`, type);
    allowed = allowed === undefined || allowed.includes(text) ? [text] : [];
  }
  if (allowed?.length === 0) throw contractError(pointer, '"enum" and "const" leave no value that could be valid');
  return allowed;
}

function scalarText(node: JsonNode, pointer: string, type: CheckedType): string {
  if (node.kind !== type) throw contractError(pointer, `the value is no ${type}, as its "type" says`);
  switch (node.kind) {
    case "string":
      return node.value;
    case "number":
      return numberText(node, pointer);
    default:
      return String((node as { value: boolean }).value);
  }
}

function numberText(node: JsonNode, pointer: string): string {
  if (node.kind !== "number") throw contractError(pointer, "the value must be a number");
  const number = exactNumber(node.text);
  if (integerDigits(number) > BOUND_DIGITS_MAX || scaleOf(number) > BOUND_DIGITS_MAX) {
    throw contractError(pointer, `the number has more than ${BOUND_DIGITS_MAX} digits`);
  }
  return canonicalNumber(number);
}

function length(node: JsonNode, pointer: string): number {
  const value = node.kind === "number" ? Number(node.text) : NaN;
  if (!Number.isSafeInteger(value) || value < 0) throw contractError(pointer, "the value must be an integer from 0");
  return value;
}

function patternText(node: JsonNode, pointer: string): string {
  if (node.kind !== "string") throw contractError(pointer, "the value must be a string");
  try {
    new Pattern(node.value);
  } catch (error) {
    if (!(error instanceof PatternError)) throw error;
    const { message, offset, isSyntax } = error;
    const what = isSyntax ? "is no regular expression of ECMAScript with the u flag" : "cannot be used";
    const place = offset === undefined ? "" : `, at character ${offset + 1} (${clip(node.value.slice(offset))})`;
    throw contractError(pointer, `the pattern ${what}: ${message}${place}`);
  }
  return node.value;
}

/**
 * Precision and scale of a decimal: the scale from `multipleOf` (a power of ten, at most 1), the
 * precision from the larger of the two bounds. At most 38 digits.
 */
export function decimalSize(
  multipleOf: JsonNode,
  checks: Checks,
  pointer: string,
): { precision: number; scale: number } {
  const step = multipleOf.kind === "number" ? exactNumber(multipleOf.text) : undefined;
  if (step === undefined || step.negative || step.digits !== "1" || step.exponent > 0) {
    throw contractError(`${pointer}/multipleOf`, '"multipleOf" must be 1, 0.1, 0.01 or another such power of ten');
  }
  const scale = scaleOf(step);
  const low = bound(checks.minimum, checks.exclusiveMinimum);
  const high = bound(checks.maximum, checks.exclusiveMaximum);
  if (low === undefined || high === undefined) {
    throw contractError(pointer, 'a decimal ("multipleOf") needs a lower and an upper bound, which give its precision');
  }
  const digits = Math.max(low, high);
  const precision = Math.max(1, scale, digits + scale);
  if (precision > 38) {
    throw contractError(pointer, `the decimal needs ${precision} digits, and 38 is the most there can be`);
  }
  return { precision, scale };
}

/** The integer digits of the largest number that a bound allows; undefined without a bound. */
function bound(inclusive: string | undefined, exclusive: string | undefined): number | undefined {
  if (inclusive !== undefined) return integerDigits(exactNumber(inclusive));
  if (exclusive === undefined) return undefined;
  const number = exactNumber(exclusive);
  // An exclusive bound of 10^k needs only k digits. Any other bound needs as many as it has.
  const isPowerOfTen = number.digits === "1" && number.exponent >= 0;
  return integerDigits(number) - (isPowerOfTen ? 1 : 0);
}
