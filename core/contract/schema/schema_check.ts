import { canonicalText } from "../../json/equality.ts";
import { clip, type JsonPath } from "../../json/pointer.ts";
import { type JsonNode, writeJsonTree } from "../../json/tree.ts";
import { Pattern } from "../pattern/pattern.ts";
import { codePoints } from "../text_length.ts";
import { AllowedValues } from "./allowed_values.ts";
import { Evaluated } from "./evaluated.ts";
import { expectedOfFormat } from "./format_check.ts";
import {
  countOf,
  isOfType,
  type Keywords,
  listText,
  meantBy,
  type Mismatch,
  mismatch,
  missingName,
  numberMismatch,
  oneOfText,
  sizeMismatch,
  stringOf,
} from "./keyword_check.ts";

/** Schemas by the names in `#/$defs/NAME`. */
export type Definitions = ReadonlyMap<string, JsonNode>;

type ObjectNode = JsonNode & { kind: "object" };
type ArrayNode = JsonNode & { kind: "array" };

/** Alternatives that a message shows. */
const SHOWN_MAX = 10;
/** Schemas within schemas, along the value and for the same value: the checks recurse. */
const DEPTH_MAX = 800;

/** Schema and value together go too deep to be looked through. */
export class CheckTooDeepError extends Error {
  constructor() {
    super(`that their schemas follow through more than ${DEPTH_MAX} steps`);
  }
}

/**
 * Checks values against schemas in the normal form of `normal_schema.ts`, by JSON Schema 2020-12
 * alone: for what no column's type says. It knows nothing of columns. Not to be used by two callers
 * at once.
 */
export class SchemaCheck {
  readonly #definitions: Definitions;
  readonly #byRef = new Map<string, JsonNode>();
  readonly #keywords = new WeakMap<JsonNode, Keywords>();
  readonly #patterns = new Map<string, Pattern>();
  readonly #allowed = new WeakMap<JsonNode, AllowedValues>();
  #depth = 0;
  /**
   * What definitions said of values: a schema that refers to itself in several places would be
   * tried as often as there are ways through them, which double with each level of a record.
   */
  #memory = new Map<string, Map<JsonNode, Mismatch | Evaluated>>();

  constructor(definitions: Definitions) {
    this.#definitions = definitions;
  }

  /**
   * The first mismatch, or undefined where the value satisfies the schema. Throws
   * `CheckTooDeepError`.
   */
  mismatch(schema: JsonNode, value: JsonNode): Mismatch | undefined {
    this.#memory = new Map();
    this.#depth = 0;
    return this.#check(schema, value, [], new Evaluated());
  }

  #check(schema: JsonNode, value: JsonNode, path: JsonPath, evaluated: Evaluated): Mismatch | undefined {
    if (++this.#depth > DEPTH_MAX) throw new CheckTooDeepError();
    const found = this.#checkAll(schema, value, path, evaluated);
    this.#depth--;
    return found;
  }

  #checkAll(schema: JsonNode, value: JsonNode, path: JsonPath, evaluated: Evaluated): Mismatch | undefined {
    if (schema.kind === "boolean") return schema.value ? undefined : mismatch(path, "no value here", value);
    const keywords = this.#keywordsOf(schema);
    if (value.kind === "string" && flagOf(keywords, "x-coerce")) {
      const meant = meantBy(keywords, value.value);
      if (meant !== undefined) return this.#check(schema, meant, path, evaluated);
    }
    return this.#checkAny(keywords, value, path) ??
      this.#checkKind(keywords, value, path, evaluated) ??
      this.#checkInPlace(keywords, value, path, evaluated) ??
      this.#checkUnevaluated(keywords, value, path, evaluated);
  }

  #keywordsOf(schema: JsonNode): Keywords {
    let keywords = this.#keywords.get(schema);
    if (keywords === undefined) {
      keywords = new Map(schema.kind === "object" ? schema.entries : []);
      this.#keywords.set(schema, keywords);
    }
    return keywords;
  }

  /** The keywords for values of any type. */
  #checkAny(keywords: Keywords, value: JsonNode, path: JsonPath): Mismatch | undefined {
    const type = keywords.get("type");
    if (type !== undefined) {
      const names = type.kind === "array" ? type.items.map(stringOf) : [stringOf(type)];
      if (!names.some((name) => isOfType(value, name))) return mismatch(path, listText(names), value);
    }
    for (const keyword of ["enum", "const"]) {
      const node = keywords.get(keyword);
      if (node === undefined || this.#allowedBy(node, keyword).has(value)) continue;
      const texts = (keyword === "enum" ? (node as ArrayNode).items : [node]).map((item) => clip(writeJsonTree(item)));
      return mismatch(path, oneOfText(texts), value);
    }
    return undefined;
  }

  #allowedBy(node: JsonNode, keyword: string): AllowedValues {
    let allowed = this.#allowed.get(node);
    if (allowed === undefined) {
      allowed = new AllowedValues(keyword === "enum" ? (node as ArrayNode).items : [node]);
      this.#allowed.set(node, allowed);
    }
    return allowed;
  }

  #checkKind(keywords: Keywords, value: JsonNode, path: JsonPath, evaluated: Evaluated): Mismatch | undefined {
    switch (value.kind) {
      case "number":
        return numberMismatch(keywords, value, path);
      case "string": {
        const expected = this.#expectedOfString(keywords, value.value);
        return expected === undefined ? undefined : mismatch(path, expected, value);
      }
      case "array":
        return this.#checkArray(keywords, value, path, evaluated);
      case "object":
        return this.#checkObject(keywords, value, path, evaluated);
      default:
        return undefined;
    }
  }

  #expectedOfString(keywords: Keywords, text: string): string | undefined {
    const shortest = countOf(keywords, "minLength"), longest = countOf(keywords, "maxLength");
    if (shortest !== undefined && codePoints(text) < shortest) return `string of at least ${shortest} characters`;
    if (longest !== undefined && codePoints(text) > longest) return `string of at most ${longest} characters`;
    const pattern = keywords.get("pattern");
    if (pattern !== undefined && this.#pattern(stringOf(pattern)).test(text) !== true) {
      return `string that matches ${stringOf(pattern)}`;
    }
    const format = keywords.get("format");
    return format === undefined ? undefined : expectedOfFormat(stringOf(format), text);
  }

  #pattern(source: string): Pattern {
    let pattern = this.#patterns.get(source);
    if (pattern === undefined) this.#patterns.set(source, pattern = new Pattern(source));
    return pattern;
  }

  #checkArray(keywords: Keywords, array: ArrayNode, path: JsonPath, evaluated: Evaluated): Mismatch | undefined {
    const { items } = array;
    const wrong = sizeMismatch(keywords, ["minItems", "maxItems"], items.length, "items");
    if (wrong !== undefined) return mismatch(path, `array of ${wrong}`, array);
    if (flagOf(keywords, "uniqueItems") && new Set(items.map(canonicalText)).size < items.length) {
      return mismatch(path, "array without equal items", array);
    }
    const first = keywords.get("prefixItems");
    const prefix = first?.kind === "array" ? first.items : [];
    const rest = keywords.get("items");
    for (const [index, item] of items.entries()) {
      const schema = prefix[index] ?? rest;
      if (schema === undefined) continue;
      const found = this.#check(schema, item, [...path, index], new Evaluated());
      if (found !== undefined) return found;
      evaluated.addItem(index);
    }
    return this.#checkContains(keywords, array, path, evaluated);
  }

  #checkContains(keywords: Keywords, array: ArrayNode, path: JsonPath, evaluated: Evaluated): Mismatch | undefined {
    const contains = keywords.get("contains");
    if (contains === undefined) return undefined;
    const least = countOf(keywords, "minContains") ?? 1, most = countOf(keywords, "maxContains") ?? Infinity;
    let count = 0;
    for (const [index, item] of array.items.entries()) {
      if (this.#check(contains, item, [...path, index], new Evaluated()) !== undefined) continue;
      evaluated.addItem(index);
      count++;
    }
    if (count >= least && count <= most) return undefined;
    const wanted = count < least ? `at least ${least}` : `at most ${most}`;
    return mismatch(path, `array with ${wanted} of what its "contains" describes`, array);
  }

  #checkObject(keywords: Keywords, object: ObjectNode, path: JsonPath, evaluated: Evaluated): Mismatch | undefined {
    const wrong = sizeMismatch(keywords, ["minProperties", "maxProperties"], object.entries.length, "fields");
    if (wrong !== undefined) return mismatch(path, `object of ${wrong}`, object);
    const names = new Set(object.entries.map(([name]) => name));
    const missing = missingName(keywords, names);
    if (missing !== undefined) return { path: [...path, missing.name], expected: missing.expected, found: undefined };
    const known = keywords.get("properties"), patterns = keywords.get("patternProperties");
    const additional = keywords.get("additionalProperties"), nameSchema = keywords.get("propertyNames");
    const schemas = known === undefined ? undefined : this.#keywordsOf(known);
    for (const [name, value] of object.entries) {
      const at = [...path, name];
      if (nameSchema !== undefined) {
        const found = this.#check(nameSchema, { kind: "string", value: name }, at, new Evaluated());
        if (found !== undefined) return { ...found, expected: `as key a ${found.expected}` };
      }
      const own = schemas?.get(name);
      const matched = patterns?.kind === "object"
        ? patterns.entries.filter(([source]) => this.#pattern(source).test(name) === true).map(([, schema]) => schema)
        : [];
      const applied = [...own === undefined ? [] : [own], ...matched];
      if (applied.length === 0 && additional !== undefined) applied.push(additional);
      for (const schema of applied) {
        const found = this.#check(schema, value, at, new Evaluated());
        if (found !== undefined) return found;
        evaluated.addName(name);
      }
    }
    return undefined;
  }

  /** The keywords whose schemas are for the very same value. */
  #checkInPlace(keywords: Keywords, value: JsonNode, path: JsonPath, evaluated: Evaluated): Mismatch | undefined {
    const ref = keywords.get("$ref");
    const referred = ref === undefined ? undefined : this.#checkDefinition(stringOf(ref), value, path, evaluated);
    if (referred !== undefined) return referred;
    for (const schema of schemasOf(keywords, "allOf")) {
      const found = this.#checkWithin(schema, value, path, evaluated);
      if (found !== undefined) return found;
    }
    for (const keyword of ["anyOf", "oneOf"] as const) {
      const found = this.#checkAlternatives(keywords, keyword, value, path, evaluated);
      if (found !== undefined) return found;
    }
    const not = keywords.get("not");
    if (not !== undefined && this.#check(not, value, path, new Evaluated()) === undefined) {
      return mismatch(path, 'a value that "not" does not describe', value);
    }
    return this.#checkConditions(keywords, value, path, evaluated);
  }

  /** A schema sees only what it has evaluated itself, and its parent what each of them has. */
  #checkWithin(schema: JsonNode, value: JsonNode, path: JsonPath, evaluated: Evaluated): Mismatch | undefined {
    const own = new Evaluated();
    const found = this.#check(schema, value, path, own);
    if (found === undefined) evaluated.addAll(own);
    return found;
  }

  #checkDefinition(ref: string, value: JsonNode, path: JsonPath, evaluated: Evaluated): Mismatch | undefined {
    let known = this.#memory.get(ref);
    if (known === undefined) this.#memory.set(ref, known = new Map());
    let answer = known.get(value);
    if (answer === undefined) {
      const own = new Evaluated();
      answer = this.#check(this.#definition(ref), value, path, own) ?? own;
      known.set(value, answer);
    }
    if (!(answer instanceof Evaluated)) return answer;
    evaluated.addAll(answer);
    return undefined;
  }

  #definition(ref: string): JsonNode {
    let definition = this.#byRef.get(ref);
    if (definition === undefined) this.#byRef.set(ref, definition = this.#definitions.get(definitionName(ref))!);
    return definition;
  }

  #checkAlternatives(
    keywords: Keywords,
    keyword: "anyOf" | "oneOf",
    value: JsonNode,
    path: JsonPath,
    evaluated: Evaluated,
  ): Mismatch | undefined {
    const schemas = schemasOf(keywords, keyword);
    if (schemas.length === 0) return undefined;
    let count = 0;
    const mismatches: Mismatch[] = [];
    for (const schema of schemas) {
      const own = new Evaluated();
      const found = this.#check(schema, value, path, own);
      if (found === undefined) {
        count++;
        evaluated.addAll(own);
      } else {
        mismatches.push(found);
      }
    }
    if (keyword === "anyOf" ? count > 0 : count === 1) return undefined;
    if (count > 1) return mismatch(path, `a value that one schema of "oneOf" describes, and no other`, value);
    // What went furthest into the value is most probably what was meant.
    const deepest = mismatches.reduce((best, next) => next.path.length > best.path.length ? next : best);
    if (deepest.path.length > path.length) return deepest;
    const words = [...new Set(mismatches.map(({ expected }) => expected))];
    const more = words.length > SHOWN_MAX ? `, or one of ${words.length - SHOWN_MAX} more` : "";
    return mismatch(path, `${words.slice(0, SHOWN_MAX).join(", or ")}${more}`, value);
  }

  #checkConditions(keywords: Keywords, value: JsonNode, path: JsonPath, evaluated: Evaluated): Mismatch | undefined {
    const condition = keywords.get("if");
    if (condition !== undefined) {
      const own = new Evaluated();
      const holds = this.#check(condition, value, path, own) === undefined;
      if (holds) evaluated.addAll(own);
      const schema = keywords.get(holds ? "then" : "else");
      const found = schema === undefined ? undefined : this.#checkWithin(schema, value, path, evaluated);
      if (found !== undefined) return found;
    }
    const dependent = keywords.get("dependentSchemas");
    if (dependent?.kind !== "object" || value.kind !== "object") return undefined;
    for (const [name, schema] of dependent.entries) {
      if (!value.entries.some(([key]) => key === name)) continue;
      const found = this.#checkWithin(schema, value, path, evaluated);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  #checkUnevaluated(keywords: Keywords, value: JsonNode, path: JsonPath, evaluated: Evaluated): Mismatch | undefined {
    const names = keywords.get("unevaluatedProperties"), items = keywords.get("unevaluatedItems");
    if (names !== undefined && value.kind === "object") {
      for (const [name, inner] of value.entries) {
        if (evaluated.hasName(name)) continue;
        const found = this.#check(names, inner, [...path, name], new Evaluated());
        if (found !== undefined) return found;
        evaluated.addName(name);
      }
    }
    if (items !== undefined && value.kind === "array") {
      for (const [index, inner] of value.items.entries()) {
        if (evaluated.hasItem(index)) continue;
        const found = this.#check(items, inner, [...path, index], new Evaluated());
        if (found !== undefined) return found;
        evaluated.addItem(index);
      }
    }
    return undefined;
  }
}

/** The name in `#/$defs/NAME`. */
export function definitionName(ref: string): string {
  const step = ref.slice(DEFINITION_PREFIX.length);
  return decodedUri(step).replaceAll("~1", "/").replaceAll("~0", "~");
}

/** What refers to a definition. */
export function definitionRef(name: string): string {
  const step = name.replaceAll("~", "~0").replaceAll("/", "~1");
  return DEFINITION_PREFIX + step.replaceAll(LOST_IN_URIS, encodeURIComponent);
}

/** What stands in a URI; a % that escapes nothing stands for itself. */
export function decodedUri(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** What a URI reads in another way, or drops. */
const LOST_IN_URIS = /[%#\p{Cc}]| $/gu;

const DEFINITION_PREFIX = "#/$defs/";

function schemasOf(keywords: Keywords, keyword: string): readonly JsonNode[] {
  const node = keywords.get(keyword);
  return node?.kind === "array" ? node.items : [];
}

function flagOf(keywords: Keywords, keyword: string): boolean {
  const node = keywords.get(keyword);
  return node?.kind === "boolean" && node.value;
}
