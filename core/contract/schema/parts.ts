import { canonicalText } from "../../json/equality.ts";
import type { JsonNode } from "../../json/tree.ts";
import type { NormalSchema } from "./normal_schema.ts";
import { definitionName } from "./schema_check.ts";

/** One schema object without `$ref` and `allOf`. */
export interface Part {
  readonly keywords: ReadonlyMap<string, JsonNode>;
  /** What holds them: its place is the part's. */
  readonly node: JsonNode;
}

/** A schema as the parts that a value must satisfy all. */
export interface Conjunction {
  readonly parts: readonly Part[];
  /** Definitions that were entered on the way, the schema's own and those around it. */
  readonly open: ReadonlySet<string>;
  /** A definition that leads back to itself. */
  readonly recursive: string | undefined;
  /** Whether one of them is `false`. */
  readonly never: boolean;
}

/**
 * Follows references and `allOf`: `open` are the definitions that this schema lies in. What a
 * definition says twice of one value, it says once.
 */
export function conjunctionOf(schema: JsonNode, normal: NormalSchema, open: ReadonlySet<string>): Conjunction {
  const { definitions, places, budget } = normal;
  budget.take(Math.ceil(open.size / NAMES_PER_STEP), places.get(schema) ?? "");
  const parts: Part[] = [];
  const entered = new Set(open);
  let recursive: string | undefined;
  let never = false;
  const visit = (node: JsonNode): void => {
    budget.take(1, places.get(node) ?? "");
    if (node.kind === "boolean") never ||= !node.value;
    if (node.kind !== "object") return;
    const keywords = new Map(node.entries);
    const ref = keywords.get("$ref"), all = keywords.get("allOf");
    keywords.delete("$ref");
    keywords.delete("allOf");
    parts.push({ keywords, node });
    if (ref?.kind === "string") {
      const name = definitionName(ref.value);
      if (open.has(name)) {
        recursive ??= name;
      } else if (!entered.has(name)) {
        entered.add(name);
        visit(definitions.get(name)!);
      }
    }
    if (all?.kind === "array") all.items.forEach(visit);
  };
  visit(schema);
  return { parts, open: entered, recursive, never };
}

/** Names are copied faster than schemas are read. */
const NAMES_PER_STEP = 8;

/** What the first part with this keyword says. */
export function textOf(parts: readonly Part[], keyword: string): string | undefined {
  for (const { keywords } of parts) {
    const node = keywords.get(keyword);
    if (node?.kind === "string") return node.value;
  }
  return undefined;
}

/** Whether a part sets this flag. */
export function flagOf(parts: readonly Part[], keyword: string): boolean {
  return parts.some(({ keywords }) => {
    const node = keywords.get(keyword);
    return node?.kind === "boolean" && node.value;
  });
}

/** Whether a schema takes any value. */
export function saysNothing(schema: JsonNode): boolean {
  if (schema.kind !== "object") return schema.kind === "boolean" && schema.value;
  return schema.entries.every(([keyword]) => keyword === "description");
}

/** The alternatives of a schema's `anyOf` or `oneOf`. */
export interface Union {
  readonly keyword: "anyOf" | "oneOf";
  readonly alternatives: readonly JsonNode[];
}

export function unionsOf(part: Part): Union[] {
  return (["anyOf", "oneOf"] as const).flatMap((keyword) => {
    const node = part.keywords.get(keyword);
    return node?.kind === "array" ? [{ keyword, alternatives: node.items }] : [];
  });
}

/** Of `[X, null]`, in any order, X. */
export function besidesNull({ alternatives }: Union): JsonNode | undefined {
  const others = alternatives.filter((schema) => !isNullAlone(schema));
  return alternatives.length === 2 && others.length === 1 ? others[0] : undefined;
}

function isNullAlone(schema: JsonNode): boolean {
  if (schema.kind !== "object") return false;
  const keywords = new Map(schema.entries);
  keywords.delete("description");
  if (keywords.size !== 1) return false;
  const type = keywords.get("type"), only = keywords.get("const") ?? keywords.get("enum");
  const types = type?.kind === "array" ? type.items : type === undefined ? [] : [type];
  const values = only?.kind === "array" ? only.items : only === undefined ? [] : [only];
  return (types.length === 1 && types[0]!.kind === "string" && types[0]!.value === "null") ||
    (values.length === 1 && values[0]!.kind === "null");
}

const CONSTANT_KEYWORDS = ["enum", "const", "description"];

/** The values of a union of constants; undefined where it is none. */
export function constantsOf(union: Union, normal: NormalSchema): JsonNode[] | undefined {
  const values: JsonNode[] = [];
  for (const alternative of union.alternatives) {
    const { parts, recursive } = conjunctionOf(alternative, normal, new Set());
    const [part, ...others] = parts.filter(({ keywords }) => keywords.size > 0);
    if (part === undefined || others.length > 0 || recursive !== undefined) return undefined;
    const { keywords } = part;
    const list = keywords.get("enum"), single = keywords.get("const");
    if ((list === undefined) === (single === undefined)) return undefined;
    const own = list?.kind === "array" ? list.items : [single!];
    const type = keywords.get("type");
    if (type !== undefined && !own.every((value) => isOf(type, value))) return undefined;
    if ([...keywords.keys()].some((name) => name !== "type" && !CONSTANT_KEYWORDS.includes(name))) return undefined;
    normal.budget.take(own.length, normal.places.get(alternative) ?? "");
    for (const value of own) values.push(value);
  }
  // What two alternatives of "oneOf" describe is not valid.
  const distinct = new Set(values.map(canonicalText)).size === values.length;
  return union.keyword === "anyOf" || distinct ? values : undefined;
}

/** Whether a constant surely is of a type: a whole number may be written as one that is none. */
function isOf(type: JsonNode, value: JsonNode): boolean {
  const names = (type.kind === "array" ? type.items : [type]).map((item) => item.kind === "string" ? item.value : "");
  return names.includes(value.kind) ||
    (value.kind === "number" && names.includes("integer") && /^-?[0-9]+$/.test(value.text));
}
