import { type JsonNode, writeJsonTree } from "../../json/tree.ts";
import { contractError } from "../contract_error.ts";
import { isSpelling } from "./column_formats.ts";
import { isCheckable } from "./format_check.ts";
import { KEYWORDS } from "./keywords.ts";
import type { Part } from "./parts.ts";

/** What only columns have, and of these what a column of JSON text has as well. */
const COLUMN_KEYWORDS = ["x-coerce", "x-column", "x-loose"];
const FIELD_KEYWORDS = ["x-column", "x-loose"];

/**
 * Schemas as `Checks.schemas` keeps them: without descriptions, and one for each part of an
 * `allOf` that stands alone.
 */
export function conditionTexts(schema: JsonNode, coerces = false): string[] {
  return partsOf(conditionOf(schema, coerces)).map(writeJsonTree);
}

/** Conditions that a contract's own text keeps apart from what makes the type. */
export function alsoOf({ keywords }: Part): string[] {
  const node = keywords.get("x-also");
  return node?.kind === "array" ? node.items.flatMap((schema) => conditionTexts(schema)) : [];
}

function partsOf(schema: JsonNode): JsonNode[] {
  if (schema.kind === "boolean") return schema.value ? [] : [schema];
  if (schema.kind !== "object" || schema.entries.length === 0) return [];
  const [[keyword, value]] = schema.entries as [[string, JsonNode]];
  if (schema.entries.length > 1 || keyword !== "allOf" || value.kind !== "array") return [schema];
  return value.items.flatMap(partsOf);
}

/**
 * A schema without what has a meaning for columns only. `x-coerce`, its own or of one around it
 * (`coerces`), is kept where it matters: at what is a number or a boolean.
 */
export function conditionOf(schema: JsonNode, coerces = false): JsonNode {
  if (schema.kind !== "object") return schema;
  const flag = schema.entries.find(([keyword]) => keyword === "x-coerce")?.[1];
  const coerced = coerces || (flag?.kind === "boolean" && flag.value);
  const entries = schema.entries.flatMap(([keyword, value]): [string, JsonNode][] => {
    if (keyword === "description" || keyword.startsWith("x-")) return [];
    if (keyword === "format" && !(value.kind === "string" && isCheckable(value.value))) return [];
    return [[keyword, mapSchemas(keyword, value, (inner) => conditionOf(inner, coerced))]];
  });
  if (coerced && entries.some(([keyword, value]) => keyword === "type" && isCoercible(value))) {
    entries.push(["x-coerce", { kind: "boolean", value: true }]);
  }
  return { kind: "object", entries };
}

function isCoercible(type: JsonNode): boolean {
  const names = (type.kind === "array" ? type.items : [type]).map((item) => item.kind === "string" ? item.value : "");
  return !names.includes("string") && ["number", "integer", "boolean"].some((name) => names.includes(name));
}

/** Refuses, in a schema whose value is kept as JSON text, what has a meaning for columns only. */
export function refuseColumnWords(schema: JsonNode, places: ReadonlyMap<JsonNode, string>, top = true): void {
  if (schema.kind !== "object") return;
  for (const [keyword, value] of schema.entries) {
    const word = keyword === "format" && value.kind === "string" && isSpelling(value.value)
      ? `the format ${value.value}`
      : COLUMN_KEYWORDS.includes(keyword) && !(top && FIELD_KEYWORDS.includes(keyword))
      ? `"${keyword}"`
      : undefined;
    if (word !== undefined) {
      throw contractError(places.get(value) ?? "", `${word} is for columns, and this value is kept as JSON text`);
    }
    mapSchemas(keyword, value, (inner) => {
      refuseColumnWords(inner, places, false);
      return inner;
    });
  }
}

/** A keyword's value with each schema in it changed. */
function mapSchemas(keyword: string, value: JsonNode, change: (schema: JsonNode) => JsonNode): JsonNode {
  switch (KEYWORDS[keyword]) {
    case "schema":
      return change(value);
    case "schemas":
      return value.kind === "array" ? { kind: "array", items: value.items.map(change) } : value;
    case "named schemas":
    case "matched schemas":
      if (value.kind !== "object") return value;
      return { kind: "object", entries: value.entries.map(([name, inner]) => [name, change(inner)]) };
    default:
      return value;
  }
}
