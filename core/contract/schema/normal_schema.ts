import { exactNumber, integerDigits, scaleOf } from "../../json/number.ts";
import { clip } from "../../json/pointer.ts";
import type { JsonNode } from "../../json/tree.ts";
import { contractError, type ContractProblem, type ContractProblems } from "../contract_error.ts";
import { PatternError } from "../pattern/parse_pattern.ts";
import { checkChains } from "./definition_chains.ts";
import { isCheckable } from "./format_check.ts";
import { ANNOTATIONS, KEYWORDS, type KeywordShape, TOLD_ANNOTATIONS } from "./keywords.ts";
import { modernKeywords } from "./older_dialects.ts";
import { definitionRef, type Definitions } from "./schema_check.ts";
import type { SchemaBudget } from "./schema_budget.ts";
import { type ContractNeighbours, SchemaIndex, type SchemaPlace } from "./schema_index.ts";

/** A keyword that is read over: what it is, and where it stands. */
export interface Unchecked {
  /** Such as `format email` or `default`. */
  readonly what: string;
  readonly pointer: string;
}

/**
 * A document of any dialect as schemas of 2020-12: without annotations (but `description`), each
 * reference to a definition by name. Every keyword that is left is one of `KEYWORDS` and well
 * formed.
 */
export interface NormalSchema {
  readonly root: JsonNode;
  readonly definitions: Definitions;
  /** Where each of its schemas, and each keyword's value, stands in the document. */
  readonly places: ReadonlyMap<JsonNode, string>;
  readonly unchecked: readonly Unchecked[];
  /** Shared by all who follow its references. */
  readonly budget: SchemaBudget;
}

export interface NormalSchemaOptions {
  /** Formats that no column has, and whose text could be checked, are. */
  readonly assertFormats: boolean;
  /** Formats that give a column its type. */
  readonly columnFormats: ReadonlySet<string>;
  /** Where references may lead beside the document itself. */
  readonly neighbours?: ContractNeighbours | undefined;
}

/** Reads a document; what is wrong with it is added to `problems`. */
export function normalSchema(
  document: JsonNode,
  options: NormalSchemaOptions,
  problems: ContractProblems,
  budget: SchemaBudget,
): NormalSchema {
  const reader = new NormalReader(document, options, problems, budget);
  return reader.read();
}

/** Bounds above this many digits are a mistake in the contract, not a wish. */
const BOUND_DIGITS_MAX = 400;

const JSON_TYPES = ["string", "number", "integer", "boolean", "object", "array", "null"];

const ANYTHING: JsonNode = { kind: "boolean", value: true };

class NormalReader {
  readonly #index: SchemaIndex;
  readonly #options: NormalSchemaOptions;
  readonly #problems: ContractProblems;
  readonly #budget: SchemaBudget;
  readonly #places = new Map<JsonNode, string>();
  readonly #unchecked: Unchecked[] = [];
  readonly #definitions = new Map<string, JsonNode>();
  /** By pointer, the names of what is referred to. */
  readonly #names = new Map<string, string>();
  readonly #waiting: { name: string; place: SchemaPlace }[] = [];
  /** References that depend on the way to them. */
  readonly #dynamic: { keyword: string; at: string }[] = [];

  constructor(
    document: JsonNode,
    options: NormalSchemaOptions,
    problems: ContractProblems,
    budget: SchemaBudget,
  ) {
    this.#index = new SchemaIndex(document, options.neighbours);
    this.#options = options;
    this.#problems = problems;
    this.#budget = budget;
  }

  read(): NormalSchema {
    const root = this.#schema(this.#index.root());
    for (let next = this.#waiting.pop(); next !== undefined; next = this.#waiting.pop()) {
      this.#definitions.set(next.name, this.#schema(next.place));
    }
    for (const { keyword, at } of this.#index.hasParts() ? this.#dynamic : []) {
      const reason = `"${keyword}" depends on the way to it, as schemas in this file have a URI of their own`;
      this.#problems.add(contractError(at, reason));
    }
    const followed = this.#problems.attempt(() => {
      checkChains(this.#definitions, this.#places);
      return true;
    });
    // Nothing may follow such a reference.
    if (followed === undefined) this.#problems.refuse();
    return {
      root,
      definitions: this.#definitions,
      places: this.#places,
      unchecked: this.#unchecked,
      budget: this.#budget,
    };
  }

  #schema(found: SchemaPlace): JsonNode {
    const { node, pointer } = found;
    this.#budget.takeSchema(pointer);
    const place = { ...found, base: this.#index.baseOf(pointer) ?? found.base };
    if (node.kind === "boolean") return this.#placed({ kind: "boolean", value: node.value }, pointer);
    if (node.kind !== "object") {
      this.#problems.add(contractError(pointer, "a schema must be a JSON object, true or false"));
      return ANYTHING;
    }
    const keywords = new Map<string, { value: JsonNode; at: string }>();
    for (const [key, value] of node.entries) {
      const at = `${pointer}/${escaped(key)}`;
      if (keywords.has(key)) {
        this.#problems.add(contractError(pointer, `the key ${JSON.stringify(key)} appears twice`));
      }
      keywords.set(key, { value, at });
    }
    for (const keyword of ["$dynamicRef", "$recursiveRef"]) {
      if (keywords.has(keyword)) this.#dynamic.push({ keyword, at: keywords.get(keyword)!.at });
    }
    const alone = place.refsStandAlone && keywords.has("$ref");
    const entries: [string, JsonNode][] = [];
    const modern = this.#problems.attempt(() => modernKeywords(keywords)) ?? [];
    for (const [keyword, { value, at }] of modern) {
      if (alone && keyword !== "$ref" && keyword !== "description" && !keyword.startsWith("x-")) continue;
      const read = this.#problems.attempt(() => this.#keyword(keyword, value, { ...place, pointer: at }));
      if (read !== undefined) entries.push([keyword, this.#placed(read, at)]);
    }
    entries.sort(([a], [b]) => ORDER.indexOf(a) - ORDER.indexOf(b));
    const schema: JsonNode & { kind: "object" } = { kind: "object", entries };
    this.#places.set(schema, pointer);
    return this.#placed(this.#orNull(schema, keywords.get("nullable")?.value), pointer);
  }

  /** OpenAPI's `nullable`: null is valid as well. */
  #orNull(schema: JsonNode & { kind: "object" }, nullable: JsonNode | undefined): JsonNode {
    if (nullable?.kind !== "boolean" || !nullable.value) return schema;
    const at = schema.entries.findIndex(([keyword]) => keyword === "type");
    const type = schema.entries[at]?.[1];
    const nothing: JsonNode = { kind: "string", value: "null" };
    if (type === undefined) {
      return { kind: "object", entries: [["anyOf", { kind: "array", items: [schema, NULL_SCHEMA] }]] };
    }
    const names = type.kind === "array" ? type.items : [type];
    if (names.some((name) => name.kind === "string" && name.value === "null")) return schema;
    return { ...schema, entries: schema.entries.with(at, ["type", { kind: "array", items: [...names, nothing] }]) };
  }

  #keyword(keyword: string, value: JsonNode, at: SchemaPlace): JsonNode | undefined {
    const shape = Object.hasOwn(KEYWORDS, keyword) ? KEYWORDS[keyword]! : undefined;
    if (keyword === "$ref") return this.#reference(value, at);
    if (keyword === "format") return this.#format(value, at.pointer);
    if (shape !== undefined) return this.#shaped(keyword, shape, value, at);
    if (keyword === "nullable" || ANNOTATIONS.has(keyword) || keyword.startsWith("x-")) {
      if (TOLD_ANNOTATIONS.has(keyword)) this.#unchecked.push({ what: keyword, pointer: at.pointer });
      return undefined;
    }
    throw contractError(
      at.pointer,
      `the keyword "${keyword}" is not supported`,
      "A note may stand under a name with x-",
    );
  }

  #shaped(keyword: string, shape: KeywordShape, value: JsonNode, place: SchemaPlace): JsonNode {
    const at = place.pointer;
    switch (shape) {
      case "schema":
        return this.#schema({ ...place, node: value });
      case "schemas":
        if (value.kind !== "array" || value.items.length === 0) throw mustBe(at, keyword, "an array of schemas");
        return {
          kind: "array",
          items: value.items.map((node, index) => this.#schema({ ...place, node, pointer: `${at}/${index}` })),
        };
      case "named schemas":
      case "matched schemas":
        return this.#schemasByName(keyword, shape, value, place);
      case "named names":
        if (value.kind !== "object") throw mustBe(at, keyword, "an object of arrays of names");
        value.entries.forEach(([name, names]) => checkNames(keyword, names, `${at}/${escaped(name)}`));
        return value;
      default:
        if (shape === "pattern") this.#pattern(value, at);
        else checkValue(keyword, shape, value, at);
        if (value.kind === "array") this.#budget.take(value.items.length, at);
        if (value.kind === "array") value.items.forEach((item, index) => this.#placed(item, `${at}/${index}`));
        return value;
    }
  }

  #schemasByName(keyword: string, shape: KeywordShape, value: JsonNode, place: SchemaPlace): JsonNode {
    const at = place.pointer;
    if (value.kind !== "object") throw mustBe(at, keyword, "an object of schemas");
    const seen = new Set<string>();
    const entries = value.entries.map(([name, node]): [string, JsonNode] => {
      if (seen.has(name)) this.#problems.add(contractError(at, `the key ${JSON.stringify(name)} appears twice`));
      seen.add(name);
      const pointer = `${at}/${escaped(name)}`;
      if (shape === "matched schemas") {
        this.#problems.attempt(() => checkPattern(name, pointer, this.#budget));
      }
      return [name, this.#schema({ ...place, node, pointer })];
    });
    return { kind: "object", entries };
  }

  #reference(value: JsonNode, at: SchemaPlace): JsonNode {
    if (value.kind !== "string") throw mustBe(at.pointer, "$ref", "a string");
    const place = this.#index.resolve(value.value, at, at.pointer);
    let name = this.#names.get(place.pointer);
    if (name === undefined) {
      name = this.#nameFor(place.pointer);
      this.#names.set(place.pointer, name);
      this.#definitions.set(name, ANYTHING);
      this.#waiting.push({ name, place });
    }
    return { kind: "string", value: definitionRef(name) };
  }

  /** Of `/$defs/NAME` the name, so that a contract's own text gives the same again. */
  #nameFor(pointer: string): string {
    const parts = /^\/(?:\$defs|definitions)\/([^/]+)$/.exec(pointer);
    const name = parts === null ? pointer : parts[1]!.replaceAll("~1", "/").replaceAll("~0", "~");
    return name !== "" && !this.#definitions.has(name) ? name : `${pointer}#`;
  }

  #pattern(value: JsonNode, at: string): void {
    if (value.kind !== "string") throw contractError(at, "the value must be a string");
    checkPattern(value.value, at, this.#budget);
  }

  #format(value: JsonNode, at: string): JsonNode | undefined {
    if (value.kind !== "string") throw mustBe(at, "format", "a string");
    const { assertFormats, columnFormats } = this.#options;
    if (columnFormats.has(value.value)) return value;
    if (!assertFormats) {
      this.#unchecked.push({ what: `format ${value.value}`, pointer: at });
      return undefined;
    }
    if (isCheckable(value.value)) return value;
    throw contractError(at, `the format ${JSON.stringify(value.value)} cannot be checked`);
  }

  #placed(node: JsonNode, pointer: string): JsonNode {
    if (!this.#places.has(node)) this.#places.set(node, pointer);
    return node;
  }
}

const NULL_SCHEMA: JsonNode = { kind: "object", entries: [["type", { kind: "string", value: "null" }]] };

const ORDER = Object.keys(KEYWORDS);

function escaped(key: string): string {
  return key.replaceAll("~", "~0").replaceAll("/", "~1");
}

function mustBe(at: string, keyword: string, what: string): ContractProblem {
  return contractError(at, `"${keyword}" must be ${what}`);
}

function checkValue(keyword: string, shape: KeywordShape, value: JsonNode, at: string): void {
  switch (shape) {
    case "types":
      return checkTypes(value, at);
    case "values":
      if (value.kind !== "array" || value.items.length === 0) {
        throw mustBe(at, keyword, "an array with at least one value");
      }
      return;
    case "number":
      checkNumber(value, at);
      if (keyword === "multipleOf" && value.kind === "number" && !(Number(value.text) > 0)) {
        throw contractError(at, "the value must be above zero");
      }
      return;
    case "count":
      if (value.kind !== "number" || !Number.isSafeInteger(Number(value.text)) || Number(value.text) < 0) {
        throw contractError(at, "the value must be an integer from 0");
      }
      return;
    case "names":
      return checkNames(keyword, value, at);
    case "flag":
      if (value.kind !== "boolean") throw mustBe(at, keyword, "true or false");
      return;
    case "text":
      if (value.kind !== "string") throw mustBe(at, keyword, "a string");
  }
}

function checkTypes(value: JsonNode, at: string): void {
  const items = value.kind === "array" ? value.items : [value];
  const names = items.map((item) => item.kind === "string" ? item.value : "");
  const unknown = names.find((name) => !JSON_TYPES.includes(name));
  if (unknown !== undefined) throw contractError(at, `${JSON.stringify(unknown)} is no type`);
  if (new Set(names).size < names.length) throw contractError(at, "a type appears twice");
  if (names.length === 0) throw contractError(at, "there must be a type");
}

function checkNames(keyword: string, value: JsonNode, at: string): void {
  if (value.kind !== "array" || value.items.some((item) => item.kind !== "string")) {
    throw mustBe(at, keyword, "an array of names");
  }
}

function checkNumber(value: JsonNode, at: string): void {
  if (value.kind !== "number") throw contractError(at, "the value must be a number");
  const number = exactNumber(value.text);
  if (integerDigits(number) > BOUND_DIGITS_MAX || scaleOf(number) > BOUND_DIGITS_MAX) {
    throw contractError(at, `the number has more than ${BOUND_DIGITS_MAX} digits`);
  }
}

function checkPattern(source: string, at: string, budget: SchemaBudget): void {
  try {
    budget.takePattern(source, at);
  } catch (error) {
    if (!(error instanceof PatternError)) throw error;
    const { message, offset, isSyntax } = error;
    const what = isSyntax ? "is no regular expression of ECMAScript with the u flag" : "cannot be used";
    const place = offset === undefined ? "" : `, at character ${offset + 1} (${clip(source.slice(offset))})`;
    throw contractError(at, `the pattern ${what}: ${message}${place}`);
  }
}
