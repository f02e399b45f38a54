import type { JsonNode } from "../../json/tree.ts";
import type { ContractType } from "../contract.ts";
import { conjunctionOf, type Part, type Union, unionsOf } from "./parts.ts";
import type { NormalSchema } from "./normal_schema.ts";

/** The JSON types that a schema's values can have. */
export interface JsonTypes {
  readonly types: ReadonlySet<string>;
  /** Whether the schema says it itself: else it is told by what it says of its fields. */
  readonly explicit: boolean;
}

/**
 * The types of a schema that consists of these parts; undefined where it may be any. Whoever names
 * the fields of an object, or describes the items of an array, means one, with `type` or without.
 */
export function jsonTypes(
  parts: readonly Part[],
  constants: readonly (readonly JsonNode[])[],
  unions: readonly Union[],
  normal: NormalSchema,
): JsonTypes | undefined {
  const named = parts.flatMap(({ keywords }) => {
    const node = keywords.get("type");
    if (node === undefined) return [];
    return [(node.kind === "array" ? node.items : [node]).map((item) => item.kind === "string" ? item.value : "")];
  });
  const listed = parts.flatMap(({ keywords }) => {
    const list = keywords.get("enum"), single = keywords.get("const");
    return [...list?.kind === "array" ? [list.items] : [], ...single === undefined ? [] : [[single]]];
  });
  if (named.length > 0) {
    return { types: named.map((names) => new Set(names) as ReadonlySet<string>).reduce(common), explicit: true };
  }
  const values = [...listed, ...constants].map((list): ReadonlySet<string> => new Set(list.map(typeOf)));
  if (values.length > 0) return { types: values.reduce(common), explicit: true };
  const alternatives = unions.flatMap((union) => unionTypes(union, normal));
  if (alternatives.length > 0) return { types: alternatives.reduce(common), explicit: true };
  if (parts.some(({ keywords }) => keywords.has("properties"))) {
    return { types: new Set(["object"]), explicit: false };
  }
  if (parts.some(({ keywords }) => keywords.has("items"))) return { types: new Set(["array"]), explicit: false };
  return undefined;
}

function unionTypes({ alternatives }: Union, normal: NormalSchema): ReadonlySet<string>[] {
  const types = alternatives.map((schema) => alternativeTypes(schema, normal));
  if (types.some((known) => known === undefined)) return [];
  return [new Set(types.flatMap((known) => [...known!]))];
}

function alternativeTypes(schema: JsonNode, normal: NormalSchema): ReadonlySet<string> | undefined {
  if (typesOfAlternatives.has(schema)) return typesOfAlternatives.get(schema);
  const { parts, never } = conjunctionOf(schema, normal, new Set());
  const types = never ? new Set<string>() : jsonTypes(parts, [], parts.flatMap(unionsOf), normal)?.types;
  typesOfAlternatives.set(schema, types);
  return types;
}

/** Definitions may lead to one another in many ways. */
const typesOfAlternatives = new WeakMap<JsonNode, ReadonlySet<string> | undefined>();

function typeOf(value: JsonNode): string {
  return value.kind === "number" && /^-?[0-9]+$/.test(value.text) ? "integer" : value.kind;
}

/** An integer is a number. */
function common(a: ReadonlySet<string>, b: ReadonlySet<string>): ReadonlySet<string> {
  const both = [...a].filter((type) => b.has(type) || (type === "integer" && b.has("number")));
  const also = [...b].filter((type) => type === "integer" && a.has("number"));
  return new Set([...both, ...also]);
}

/**
 * Several types as text, where "string" is one of them and text can tell them apart well enough:
 * with numbers, booleans, or objects and arrays both. What it takes besides is for `schemas`.
 */
export function textUnion(types: readonly string[]): { type: ContractType; schemas: string[] } | undefined {
  const names = new Set(types);
  if (!names.has("string") || names.has("object") !== names.has("array")) return undefined;
  const wholeOnly = names.has("integer") && !names.has("number");
  const numbers = names.has("number") || names.has("integer");
  const accepts = { numbers, booleans: names.has("boolean"), nested: names.has("object") };
  const schemas = wholeOnly ? [`{"type":${JSON.stringify([...names].filter((name) => name !== "null"))}}`] : [];
  return { type: { kind: "string", accepts }, schemas };
}
