import { canonicalText } from "../../json/equality.ts";
import type { JsonNode } from "../../json/tree.ts";
import { contractError } from "../contract_error.ts";
import { conditionOf, conditionTexts } from "./conditions.ts";
import type { NormalSchema } from "./normal_schema.ts";
import { conjunctionOf, type Part, unionsOf } from "./parts.ts";

export interface FieldSchema {
  readonly schema: JsonNode;
  readonly pointer: string;
  /** Definitions that it lies in. */
  readonly open: ReadonlySet<string>;
  /** Whether an alternative that does not name the field allows it any value. */
  readonly isOpen: boolean;
}

/** The fields of an object by their keys. */
export interface FieldSchemas {
  readonly fields: ReadonlyMap<string, FieldSchema>;
  readonly required: ReadonlySet<string>;
  /** Conditions on what the object has besides. */
  readonly schemas: readonly string[];
}

/**
 * The fields that the parts of an object's schema name together, and those that only alternatives
 * name: these may be absent, and which of them belong together stays a condition.
 */
export function fieldSchemas(
  parts: readonly Part[],
  normal: NormalSchema,
  pointer: string,
  open: ReadonlySet<string>,
): FieldSchemas {
  const named = new Map<string, JsonNode[]>();
  const forbidden = new Set<string>();
  for (const part of parts) {
    for (const [name, schema] of propertiesOf(part)) {
      if (isFalse(schema)) forbidden.add(name);
      const known = named.get(name);
      if (known === undefined) named.set(name, [schema]);
      else known.push(schema);
    }
  }
  for (const name of forbidden) named.delete(name);
  for (const part of parts) refuseForbidden(part, named, normal, pointer);
  const at = (schema: JsonNode) => normal.places.get(schema) ?? pointer;
  const fields = new Map<string, FieldSchema>();
  for (const [name, schemas] of named) {
    const [schema, first] = together("allOf", schemas, normal, at(schemas[0]!));
    fields.set(name, { schema, pointer: at(first), open, isOpen: false });
  }
  for (const [name, found] of alternativeFields(parts, normal, open)) {
    if (named.has(name) || forbidden.has(name) || parts.some((part) => forbids(part, name))) continue;
    const [schema, first] = together("anyOf", found.schemas, normal, at(found.schemas[0]!));
    const closing = new Closing(name, normal);
    const isOpen = !parts.some((part) => closing.closes(part, open));
    fields.set(name, { schema, pointer: at(first), open: found.open, isOpen });
  }
  // Where no field has a name, a condition says which keys there must be.
  const required = fields.size === 0 ? new Set<string>() : requiredNames(parts, fields, normal, pointer);
  return { fields, required, schemas: parts.flatMap(ofOthers) };
}

/** A field that must not be there is no column, and as an extra one it is refused. */
function isFalse(schema: JsonNode): boolean {
  return schema.kind === "boolean" && !schema.value;
}

function propertiesOf({ keywords }: Part): ReadonlyMap<string, JsonNode> {
  const properties = keywords.get("properties");
  if (properties?.kind !== "object") return NO_PROPERTIES;
  let byName = propertiesByNode.get(properties);
  if (byName === undefined) propertiesByNode.set(properties, byName = new Map(properties.entries));
  return byName;
}

const NO_PROPERTIES: ReadonlyMap<string, JsonNode> = new Map();
/** Fields are looked up in them one by one. */
const propertiesByNode = new WeakMap<JsonNode, ReadonlyMap<string, JsonNode>>();

/** Different schemas as one, and the first of them. */
function together(
  keyword: "allOf" | "anyOf",
  schemas: readonly JsonNode[],
  normal: NormalSchema,
  pointer: string,
): [schema: JsonNode, first: JsonNode] {
  const distinct = new Map<string, JsonNode>();
  for (const schema of schemas.length > 1 ? schemas : []) {
    const text = canonicalText(schema);
    normal.budget.take(Math.ceil(text.length / CHARACTERS_PER_STEP), pointer);
    distinct.set(text, schema);
  }
  const [first = schemas[0]!, ...others] = distinct.values();
  if (others.length === 0) return [first, first];
  return [{ kind: "object", entries: [[keyword, { kind: "array", items: [first, ...others] }]] }, first];
}

/** Schemas are written faster than they are read. */
const CHARACTERS_PER_STEP = 64;

/** Whether a part allows no field of this name. */
function forbids(part: Part, name: string): boolean {
  const additional = part.keywords.get("additionalProperties");
  if (additional?.kind !== "boolean" || additional.value || part.keywords.has("patternProperties")) return false;
  return !propertiesOf(part).has(name);
}

function refuseForbidden(
  part: Part,
  named: ReadonlyMap<string, unknown>,
  normal: NormalSchema,
  pointer: string,
): void {
  const name = [...named.keys()].find((known) => forbids(part, known));
  if (name === undefined) return;
  throw contractError(
    normal.places.get(part.keywords.get("additionalProperties")!) ?? pointer,
    `false allows no ${JSON.stringify(name)}, which another part of "allOf" names`,
  );
}

/** What alternatives and conditions name, at any depth of them. */
function alternativeFields(
  parts: readonly Part[],
  normal: NormalSchema,
  around: ReadonlySet<string>,
): Map<string, { schemas: JsonNode[]; open: ReadonlySet<string> }> {
  const found = new Map<string, { schemas: JsonNode[]; open: Set<string> }>();
  // Definitions may lead to one another in many ways.
  const visited = new Set<JsonNode>();
  const visit = (schema: JsonNode, outer: ReadonlySet<string>): void => {
    if (visited.has(schema)) return;
    visited.add(schema);
    const { parts, never, recursive, open } = conjunctionOf(schema, normal, outer);
    if (never || recursive !== undefined) return;
    for (const part of parts) {
      const properties = propertiesOf(part);
      normal.budget.take(properties.size, normal.places.get(part.node) ?? "");
      for (const [name, inner] of properties) {
        if (isFalse(inner)) continue;
        const known = found.get(name);
        if (known === undefined) found.set(name, { schemas: [inner], open: new Set(open) });
        else {
          known.schemas.push(inner);
          for (const definition of open) known.open.add(definition);
        }
      }
      alternativesOf(part).forEach((alternative) => visit(alternative, open));
    }
  };
  parts.flatMap(alternativesOf).forEach((alternative) => visit(alternative, around));
  return found;
}

/**
 * Whether alternatives say for every object what a field of this name may be. Saying no too often
 * does no harm: the alternatives stay a condition.
 */
class Closing {
  readonly #name: string;
  readonly #normal: NormalSchema;
  /** Definitions may lead to one another in many ways. */
  readonly #known = new Map<JsonNode, boolean>();

  constructor(name: string, normal: NormalSchema) {
    this.#name = name;
    this.#normal = normal;
  }

  closes(part: Part, around: ReadonlySet<string>): boolean {
    const { keywords } = part;
    const says = (schema: JsonNode | undefined) => schema !== undefined && this.#says(schema, around);
    const dependent = keywords.get("dependentSchemas");
    return unionsOf(part).some(({ alternatives }) => alternatives.every(says)) ||
      (keywords.has("if") && says(keywords.get("then")) && says(keywords.get("else"))) ||
      (dependent?.kind === "object" && says(dependent.entries.find(([key]) => key === this.#name)?.[1]));
  }

  /** Whether a schema itself says what the field may be, or that there is none. */
  #says(schema: JsonNode, around: ReadonlySet<string>): boolean {
    const known = this.#known.get(schema);
    if (known !== undefined) return known;
    const { parts, never, open } = conjunctionOf(schema, this.#normal, around);
    const says = never ||
      parts.some((part) =>
        propertiesOf(part).has(this.#name) || forbids(part, this.#name) || isForOthers(part) || this.closes(part, open)
      );
    this.#known.set(schema, says);
    return says;
  }
}

/** Whether no object is valid. */
function isForOthers({ keywords }: Part): boolean {
  const type = keywords.get("type");
  const names = type?.kind === "array" ? type.items : type === undefined ? [] : [type];
  return names.length > 0 && !names.some((item) => item.kind === "string" && item.value === "object");
}

function alternativesOf({ keywords }: Part): JsonNode[] {
  return ["anyOf", "oneOf", "then", "else", "dependentSchemas"].flatMap((keyword) => {
    const node = keywords.get(keyword);
    if (node === undefined) return [];
    if (keyword === "dependentSchemas") return node.kind === "object" ? node.entries.map(([, schema]) => schema) : [];
    return node.kind === "array" ? node.items : [node];
  });
}

function requiredNames(
  parts: readonly Part[],
  fields: ReadonlyMap<string, unknown>,
  normal: NormalSchema,
  pointer: string,
): Set<string> {
  const names = new Set<string>();
  for (const { keywords } of parts) {
    const required = keywords.get("required");
    for (const item of required?.kind === "array" ? required.items : []) {
      if (item.kind !== "string") continue;
      if (!fields.has(item.value)) {
        throw contractError(
          normal.places.get(required!) ?? pointer,
          `${JSON.stringify(item.value)} is required, but "properties" does not have it`,
          "{} as a field's schema takes any value",
        );
      }
      names.add(item.value);
    }
  }
  return names;
}

/** What a part asks of fields that it does not name. */
function ofOthers(part: Part): string[] {
  const forbidden = [...propertiesOf(part)].filter(([, schema]) => isFalse(schema));
  const never: string[] = forbidden.length === 0
    ? []
    : conditionTexts({ kind: "object", entries: [["properties", { kind: "object", entries: forbidden }]] });
  const additional = part.keywords.get("additionalProperties");
  if (additional === undefined || additional.kind === "boolean") return never;
  const patterns = part.keywords.get("patternProperties");
  const known = [...propertiesOf(part).keys()].map((
    name,
  ): [string, JsonNode] => [name, { kind: "boolean", value: true }]);
  if (conditionTexts(additional).length === 0) return never;
  const entries: [string, JsonNode][] = [
    ["properties", { kind: "object", entries: known }],
    ...patterns === undefined ? [] : [["patternProperties", patterns] as [string, JsonNode]],
    ["additionalProperties", additional],
  ];
  return [...never, ...conditionTexts(conditionOf({ kind: "object", entries }))];
}
