import { type JsonNode, parseJsonTree, writeJsonTree } from "../../json/tree.ts";
import type { Checks, ContractField, ContractType, ContractValue } from "../contract.ts";
import { conditionOf } from "./conditions.ts";
import { definitionName, type Definitions } from "./schema_check.ts";

/** The definitions that a contract's schemas refer to, and those refer to in turn, as text. */
export function usedDefinitions(
  fields: readonly ContractField[],
  schemas: readonly string[],
  definitions: Definitions,
): Record<string, string> {
  const used = new Map<string, string>();
  const visit = (schema: JsonNode): void => {
    for (const name of refsOf(schema)) {
      const schema = definitions.get(name);
      if (schema === undefined || used.has(name)) continue;
      const definition = conditionOf(schema);
      used.set(name, writeJsonTree(definition));
      visit(definition);
    }
  };
  const texts = [...schemas, ...fields.flatMap(conditionsOf)];
  for (const text of new Set(texts)) visit(parseJsonTree(text));
  return Object.fromEntries([...used].sort(([a], [b]) => a < b ? -1 : 1));
}

/** The schemas that a value and all inside it must satisfy, wherever they stand. */
export function conditionsOf(value: ContractValue): readonly string[] {
  return [...checkTexts(value.checks), ...innerTexts(value.type)];
}

function checkTexts({ schemas = [] }: Checks): readonly string[] {
  return schemas;
}

function innerTexts(type: ContractType): readonly string[] {
  switch (type.kind) {
    case "struct":
      return type.fields.flatMap(conditionsOf);
    case "list":
      return conditionsOf(type.element);
    case "map":
      return [...checkTexts(type.keys), ...conditionsOf(type.value)];
    default:
      return [];
  }
}

/** Names that `$ref` gives anywhere: a value of `enum` that looks like one does no harm. */
function refsOf(node: JsonNode): string[] {
  if (node.kind === "array") return node.items.flatMap(refsOf);
  if (node.kind !== "object") return [];
  return node.entries.flatMap(([keyword, value]) =>
    keyword === "$ref" && value.kind === "string" && value.value.startsWith("#/$defs/")
      ? [definitionName(value.value)]
      : refsOf(value)
  );
}
