import type { JsonPath } from "../json/pointer.ts";
import { JsonSyntaxError } from "../json/reader.ts";
import { type JsonNode, parseJsonTree } from "../json/tree.ts";
import { foundText } from "./judgement.ts";
import type { SchemaCheck } from "./schema/schema_check.ts";

/** The first condition that a value, by its JSON text, does not satisfy; the path is inside it. */
export function unmetCondition(
  check: SchemaCheck,
  conditions: readonly JsonNode[],
  json: string,
): { path: JsonPath; words: string } | undefined {
  if (conditions.length === 0) return undefined;
  let value: JsonNode;
  try {
    value = parseJsonTree(json);
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error;
    // The text was read before, so that only its depth can be too much.
    return { path: [], words: `expected a value that conditions can look through, found one ${error.message}` };
  }
  for (const condition of conditions) {
    const wrong = check.mismatch(condition, value);
    if (wrong === undefined) continue;
    const found = wrong.found === undefined ? "no such field" : foundText(wrong.found);
    return { path: wrong.path, words: `expected ${wrong.expected}, found ${found}` };
  }
  return undefined;
}
