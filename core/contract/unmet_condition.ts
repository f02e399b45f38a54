import type { JsonPath } from "../json/pointer.ts";
import { JsonSyntaxError } from "../json/reader.ts";
import { type JsonNode, parseJsonTree, writeJsonTree } from "../json/tree.ts";
import { foundText } from "./judgement.ts";
import { CheckTooDeepError, type SchemaCheck } from "./schema/schema_check.ts";

/** The first condition that a value, by its JSON text, does not satisfy; the path is inside it. */
export function unmetCondition(
  check: SchemaCheck,
  conditions: readonly JsonNode[],
  json: string,
): { path: JsonPath; words: string } | undefined {
  if (conditions.length === 0) return undefined;
  try {
    const value = parseJsonTree(json);
    for (const condition of conditions) {
      const wrong = check.mismatch(condition, value);
      if (wrong === undefined) continue;
      const found = wrong.found === undefined ? "no such field" : foundText(writeJsonTree(wrong.found));
      return { path: wrong.path, words: `expected ${wrong.expected}, found ${found}` };
    }
    return undefined;
  } catch (error) {
    // The text was read before, so that only its depth can be too much.
    if (!(error instanceof JsonSyntaxError || error instanceof CheckTooDeepError)) throw error;
    return { path: [], words: `expected a value that conditions can look through, found one ${error.message}` };
  }
}
