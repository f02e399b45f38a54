import { compareNumbers, exactNumber, isJsonNumber, isMultiple, scaleOf } from "../../json/number.ts";
import type { JsonPath } from "../../json/pointer.ts";
import type { JsonNode } from "../../json/tree.ts";

/** The keywords of one schema object by name. */
export type Keywords = ReadonlyMap<string, JsonNode>;

/** Why a value does not satisfy a schema. */
export interface Mismatch {
  /** From the value that was checked. */
  readonly path: JsonPath;
  /** After "expected ". */
  readonly expected: string;
  /**
   * Undefined where a field is missing. Not as text: most mismatches are of alternatives, and end
   * nowhere.
   */
  readonly found: JsonNode | undefined;
}

/** Alternatives that a message shows. */
const SHOWN_MAX = 10;

export function mismatch(path: JsonPath, expected: string, found: JsonNode): Mismatch {
  return { path, expected, found };
}

export function isOfType(value: JsonNode, name: string): boolean {
  if (name === "integer") return value.kind === "number" && scaleOf(exactNumber(value.text)) === 0;
  return value.kind === name;
}

/** The number or boolean that a text stands for where a schema has `x-coerce`. */
export function meantBy(keywords: Keywords, text: string): JsonNode | undefined {
  const type = keywords.get("type");
  const names = type?.kind === "array" ? type.items.map(stringOf) : type === undefined ? [] : [stringOf(type)];
  const isFlag = text === "true" || text === "false";
  if (isFlag && names.includes("boolean")) return { kind: "boolean", value: text === "true" };
  const isNumber = names.includes("number") || names.includes("integer");
  return isNumber && isJsonNumber(text) ? { kind: "number", text } : undefined;
}

export function numberMismatch(
  keywords: Keywords,
  value: JsonNode & { kind: "number" },
  path: JsonPath,
): Mismatch | undefined {
  const number = exactNumber(value.text);
  for (const [keyword, words, holds] of BOUNDS) {
    const bound = keywords.get(keyword);
    if (bound?.kind !== "number" || holds(compareNumbers(number, exactNumber(bound.text)))) continue;
    return mismatch(path, `number ${words} ${bound.text}`, value);
  }
  const factor = keywords.get("multipleOf");
  if (factor?.kind === "number" && !isMultiple(number, exactNumber(factor.text))) {
    return mismatch(path, `multiple of ${factor.text}`, value);
  }
  const format = keywords.get("format");
  return format?.kind === "string" && format.value === "int32" && !isInt32(value.text)
    ? mismatch(path, "integer of 32 bits", value)
    : undefined;
}

const BOUNDS: readonly (readonly [keyword: string, words: string, holds: (order: number) => boolean])[] = [
  ["minimum", "at least", (order) => order >= 0],
  ["maximum", "at most", (order) => order <= 0],
  ["exclusiveMinimum", "more than", (order) => order > 0],
  ["exclusiveMaximum", "less than", (order) => order < 0],
];

function isInt32(text: string): boolean {
  const value = Number(text);
  return Number.isInteger(value) && value >= -(2 ** 31) && value < 2 ** 31;
}

/** Such as "at least 2 items". */
export function sizeMismatch(
  keywords: Keywords,
  bounds: readonly [string, string],
  size: number,
  noun: string,
): string | undefined {
  const least = countOf(keywords, bounds[0]), most = countOf(keywords, bounds[1]);
  if (least !== undefined && size < least) return `at least ${least} ${noun}`;
  if (most !== undefined && size > most) return `at most ${most} ${noun}`;
  return undefined;
}

export function missingName(
  keywords: Keywords,
  names: ReadonlySet<string>,
): { name: string; expected: string } | undefined {
  const required = keywords.get("required"), dependent = keywords.get("dependentRequired");
  const wanted = required?.kind === "array" ? required.items.map(stringOf) : [];
  const name = wanted.find((candidate) => !names.has(candidate));
  if (name !== undefined) return { name, expected: "a field" };
  for (const [key, list] of dependent?.kind === "object" ? dependent.entries : []) {
    if (!names.has(key) || list.kind !== "array") continue;
    const missing = list.items.map(stringOf).find((candidate) => !names.has(candidate));
    if (missing !== undefined) return { name: missing, expected: `a field, since there is ${JSON.stringify(key)}` };
  }
  return undefined;
}

export function countOf(keywords: Keywords, keyword: string): number | undefined {
  const node = keywords.get(keyword);
  return node?.kind === "number" ? Number(node.text) : undefined;
}

export function stringOf(node: JsonNode): string {
  return node.kind === "string" ? node.value : "";
}

export function listText(names: readonly string[]): string {
  return names.length < 2 ? names.join() : `${names.slice(0, -1).join(", ")} or ${names.at(-1)}`;
}

export function oneOfText(texts: readonly string[]): string {
  if (texts.length === 1) return texts[0]!;
  const more = texts.length > SHOWN_MAX ? ` and ${texts.length - SHOWN_MAX} more` : "";
  return `one of ${texts.slice(0, SHOWN_MAX).join(", ")}${more}`;
}
