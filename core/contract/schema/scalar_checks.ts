import { canonicalText } from "../../json/equality.ts";
import { canonicalNumber, compareNumbers, exactNumber, integerDigits, scaleOf } from "../../json/number.ts";
import type { JsonNode } from "../../json/tree.ts";
import { type Checks, NO_CHECKS } from "../contract.ts";
import { contractError } from "../contract_error.ts";
import type { Part } from "./parts.ts";
import type { SchemaBudget } from "./schema_budget.ts";

/** The JSON type of a value, as far as checks on it differ. */
export type CheckedType = "string" | "number" | "boolean";

/** Parts of a schema, and what each has to say of its value. */
export interface ScalarSchema {
  readonly parts: readonly Part[];
  /** By part, the keywords that the column says: what is read here is added. */
  readonly said: ReadonlyMap<Part, Set<string>>;
  /** Lists of values from elsewhere, of each of which the value must be one. */
  readonly constants: readonly (readonly JsonNode[])[];
  readonly pointer: string;
  readonly places: ReadonlyMap<JsonNode, string>;
  readonly budget: SchemaBudget;
}

/** The checks that all parts together make. */
export function scalarChecks(schema: ScalarSchema, type: CheckedType): Checks {
  const allowed = allowedValues(schema, type);
  const checks: { -readonly [K in keyof Checks]: Checks[K] } = allowed === undefined ? {} : { enum: allowed };
  if (type === "number") {
    for (const keyword of ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"] as const) {
      const bound = tightest(schema, keyword);
      if (bound !== undefined) checks[keyword] = bound;
    }
  }
  if (type === "string") {
    const shortest = counts(schema, "minLength"), longest = counts(schema, "maxLength");
    if (shortest.length > 0) checks.minLength = shortest.reduce((a, b) => Math.max(a, b));
    if (longest.length > 0) checks.maxLength = longest.reduce((a, b) => Math.min(a, b));
    const pattern = firstPattern(schema);
    if (pattern !== undefined) {
      schema.budget.takePattern(pattern, schema.pointer);
      checks.pattern = pattern;
    }
  }
  return Object.keys(checks).length === 0 ? NO_CHECKS : checks;
}

function allowedValues(schema: ScalarSchema, type: CheckedType): string[] | undefined {
  const { parts, said, constants, places, pointer, budget } = schema;
  const lists: (readonly JsonNode[])[] = [...constants];
  for (const part of parts) {
    const list = part.keywords.get("enum"), single = part.keywords.get("const");
    if (list?.kind === "array") lists.push(list.items);
    if (single !== undefined) lists.push([single]);
    for (const keyword of ["enum", "const"]) said.get(part)!.add(keyword);
  }
  if (lists.length === 0) return undefined;
  const texts = lists.map((list) => {
    budget.take(list.length, pointer);
    const scalars = list.filter(({ kind }) => kind !== "null");
    const wrong = scalars.find(({ kind }) => kind !== type);
    if (wrong !== undefined) throw contractError(places.get(wrong) ?? pointer, notOfType(wrong, type));
    return new Set(scalars.map(scalarText));
  });
  const [first, ...others] = texts;
  const allowed = [...first!].filter((text) => others.every((other) => other.has(text)));
  if (allowed.length === 0) {
    throw contractError(pointer, '"enum" and "const" leave no value that could be valid');
  }
  return allowed;
}

function notOfType(value: JsonNode, type: CheckedType): string {
  return `the value ${canonicalText(value)} is no ${type}, as its "type" says`;
}

function scalarText(node: JsonNode): string {
  if (node.kind === "number") return canonicalNumber(exactNumber(node.text));
  return node.kind === "string" ? node.value : canonicalText(node);
}

function tightest({ parts, said }: ScalarSchema, keyword: string): string | undefined {
  const bounds = parts.flatMap((part) => {
    const node = part.keywords.get(keyword);
    said.get(part)!.add(keyword);
    return node?.kind === "number" ? [exactNumber(node.text)] : [];
  });
  if (bounds.length === 0) return undefined;
  const sign = keyword.toLowerCase().includes("min") ? 1 : -1;
  return canonicalNumber(bounds.reduce((best, next) => compareNumbers(next, best) * sign > 0 ? next : best));
}

function counts({ parts, said }: ScalarSchema, keyword: string): number[] {
  return parts.flatMap((part) => {
    const node = part.keywords.get(keyword);
    said.get(part)!.add(keyword);
    return node?.kind === "number" ? [Number(node.text)] : [];
  });
}

/** The others stay conditions. */
function firstPattern({ parts, said }: ScalarSchema): string | undefined {
  let pattern: string | undefined;
  for (const part of parts) {
    const node = part.keywords.get("pattern");
    if (node?.kind !== "string" || (pattern ?? node.value) !== node.value) continue;
    pattern = node.value;
    said.get(part)!.add("pattern");
  }
  return pattern;
}

/** Whether these make a decimal: `multipleOf` a power of ten, at most 1, and both bounds. */
export function isDecimal(multipleOf: JsonNode, checks: Checks): boolean {
  const step = multipleOf.kind === "number" ? exactNumber(multipleOf.text) : undefined;
  return step?.digits === "1" && step.exponent <= 0 &&
    (checks.minimum ?? checks.exclusiveMinimum) !== undefined &&
    (checks.maximum ?? checks.exclusiveMaximum) !== undefined;
}

/**
 * Precision and scale of a decimal: the scale from `multipleOf`, the precision from the larger of
 * the two bounds. At most 38 digits.
 */
export function decimalSize(
  multipleOf: JsonNode,
  checks: Checks,
  pointer: string,
): { precision: number; scale: number } {
  const scale = scaleOf(exactNumber((multipleOf as JsonNode & { kind: "number" }).text));
  const digits = Math.max(
    bound(checks.minimum, checks.exclusiveMinimum),
    bound(checks.maximum, checks.exclusiveMaximum),
  );
  const precision = Math.max(1, scale, digits + scale);
  if (precision > 38) {
    throw contractError(pointer, `the decimal needs ${precision} digits, and 38 is the most there can be`);
  }
  return { precision, scale };
}

/** Integer digits of the largest number that a bound lets through. */
function bound(inclusive: string | undefined, exclusive: string | undefined): number {
  if (inclusive !== undefined) return integerDigits(exactNumber(inclusive));
  const number = exactNumber(exclusive!);
  // 10^k itself is excluded, so that k digits do; any other bound has the digits that it has.
  const isPowerOfTen = number.digits === "1" && number.exponent >= 0;
  return integerDigits(number) - (isPowerOfTen ? 1 : 0);
}
