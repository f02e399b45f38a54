import type { JsonNode } from "../../json/tree.ts";
import { contractError } from "../contract_error.ts";

interface Keyword {
  readonly value: JsonNode;
  /** JSON pointer. */
  readonly at: string;
}

/** Whether nothing counts beside a reference: so it was up to draft-07. */
export function refsStandAlone(document: JsonNode): boolean {
  const dialect = document.kind === "object" ? document.entries.find(([key]) => key === "$schema")?.[1] : undefined;
  return dialect?.kind === "string" && /\/draft-0[3-7]\//.test(dialect.value);
}

/**
 * Keywords of draft-04 to 2019-09 as 2020-12 spells them, wherever a value's form tells which
 * spelling it is: whoever writes the older one means the same, whatever `$schema` says.
 */
export function modernKeywords(keywords: ReadonlyMap<string, Keyword>): Map<string, Keyword> {
  const modern = new Map(keywords);
  exclusiveBounds(modern, "minimum", "exclusiveMinimum");
  exclusiveBounds(modern, "maximum", "exclusiveMaximum");
  tuples(modern);
  dependencies(modern);
  for (const older of ["$recursiveRef", "$dynamicRef"]) {
    // In one document that is extended by none, both are plain references.
    respell(modern, older, "$ref", modern.get(older));
  }
  return modern;
}

/** Fails where the newer spelling stands beside the older one: one of them would be lost. */
function respell(keywords: Map<string, Keyword>, older: string, newer: string, keyword: Keyword | undefined): void {
  keywords.delete(older);
  if (keyword === undefined) return;
  if (keywords.has(newer)) {
    const hint = `Put one of them into "allOf"`;
    throw contractError(keyword.at, `"${older}" cannot stand beside "${newer}", as which it is read`, hint);
  }
  keywords.set(newer, keyword);
}

/** Up to draft-04 a flag beside the bound. */
function exclusiveBounds(keywords: Map<string, Keyword>, plain: string, exclusive: string): void {
  const flag = keywords.get(exclusive);
  if (flag?.value.kind !== "boolean") return;
  keywords.delete(exclusive);
  const bound = keywords.get(plain);
  if (!flag.value.value || bound === undefined) return;
  keywords.delete(plain);
  keywords.set(exclusive, bound);
}

/** Up to 2019-09 `items` may be an array, and `additionalItems` is for what follows. */
function tuples(keywords: Map<string, Keyword>): void {
  const items = keywords.get("items"), rest = keywords.get("additionalItems");
  keywords.delete("additionalItems");
  if (items?.value.kind !== "array") return;
  respell(keywords, "items", "prefixItems", items.value.items.length > 0 ? items : undefined);
  if (rest !== undefined) keywords.set("items", rest);
}

/** Up to draft-07 one keyword for names and schemas. */
function dependencies(keywords: Map<string, Keyword>): void {
  const older = keywords.get("dependencies");
  if (older?.value.kind !== "object") return;
  const { at } = older;
  const names = older.value.entries.filter(([, value]) => value.kind === "array");
  const schemas = older.value.entries.filter(([, value]) => value.kind !== "array");
  const part = (entries: typeof names): Keyword | undefined =>
    entries.length === 0 ? undefined : { value: { kind: "object", entries }, at };
  respell(keywords, "dependencies", "dependentRequired", part(names));
  respell(keywords, "dependencies", "dependentSchemas", part(schemas));
}
