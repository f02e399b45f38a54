import type { JsonNode } from "../../json/tree.ts";
import { contractError } from "../contract_error.ts";
import { IN_PLACE } from "./keywords.ts";
import { definitionName, type Definitions } from "./schema_check.ts";

/** All that follows references recurses. */
const CHAIN_MAX = 200;

/**
 * Fails for a definition that comes back to itself without a step into the value, and for
 * definitions that lead through too many others to what they say.
 */
export function checkChains(definitions: Definitions, places: ReadonlyMap<JsonNode, string>): void {
  const chains = new Chains(definitions, places);
  for (const name of definitions.keys()) chains.lengthFrom(name, 0);
}

class Chains {
  readonly #definitions: Definitions;
  readonly #places: ReadonlyMap<JsonNode, string>;
  /** Of the longest chain from a definition on. */
  readonly #lengths = new Map<string, number>();
  readonly #open = new Set<string>();

  constructor(definitions: Definitions, places: ReadonlyMap<JsonNode, string>) {
    this.#definitions = definitions;
    this.#places = places;
  }

  lengthFrom(name: string, before: number): number {
    const definition = this.#definitions.get(name)!;
    if (this.#open.has(name)) throw this.#problem(name, "the schema refers to itself for the same value, without end");
    let length = this.#lengths.get(name);
    if (length === undefined) {
      this.#open.add(name);
      length = this.#lengthOf(definition, before);
      this.#open.delete(name);
      this.#lengths.set(name, length);
    }
    if (before + length <= CHAIN_MAX) return length;
    throw this.#problem(name, `schemas of the same value lead to each other through more than ${CHAIN_MAX} steps`);
  }

  #lengthOf(schema: JsonNode, before: number): number {
    if (before > CHAIN_MAX) return 0;
    let longest = 0;
    for (const inner of schemasInPlace(schema)) {
      const rest = typeof inner === "string" ? this.lengthFrom(inner, before + 1) : this.#lengthOf(inner, before + 1);
      longest = Math.max(longest, rest + 1);
    }
    return longest;
  }

  #problem(name: string, reason: string): Error {
    return contractError(this.#places.get(this.#definitions.get(name)!) ?? "", reason);
  }
}

/** The schemas within a schema that are for the same value; a definition by its name. */
function schemasInPlace(schema: JsonNode): (JsonNode | string)[] {
  if (schema.kind !== "object") return [];
  return schema.entries.flatMap(([keyword, value]): (JsonNode | string)[] => {
    if (keyword === "$ref") return value.kind === "string" ? [definitionName(value.value)] : [];
    if (!IN_PLACE.includes(keyword)) return [];
    if (value.kind === "array") return [...value.items];
    return keyword === "dependentSchemas" && value.kind === "object"
      ? value.entries.map(([, inner]) => inner)
      : [value];
  });
}
