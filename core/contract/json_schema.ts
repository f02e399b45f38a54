import type { StreamlabError } from "../base/errors.ts";
import {
  type Contract,
  type ContractField,
  type ContractType,
  type ContractValue,
  JSON_STRINGS_ONLY,
} from "./contract.ts";
import { contractError } from "./contract_error.ts";
import { contractText } from "./contract_text.ts";
import { checkFieldNames, checkFullNames } from "./field_names.ts";
import { JsonSyntaxError } from "../json/reader.ts";
import { CHECK_KEYWORDS, type CheckedType, decimalSize, enumAllowsNull, parseChecks } from "./json_schema_checks.ts";
import { type JsonNode, parseJsonTree } from "../json/tree.ts";

const DIALECT = /^https?:\/\/json-schema\.org\/draft\/2020-12\/schema#?$/;

/**
 * Keywords that do not affect validity (JSON Schema 2020-12, core section 8 and validation section
 * 9).
 */
const ANNOTATIONS = ["$schema", "$id", "$comment", "title", "description", "examples"];

const JSON_TYPES = ["string", "number", "integer", "boolean", "object", "array", "null"];

/** The keywords that each type understands besides annotations and `type`. */
const TYPE_KEYWORDS: Readonly<Record<string, readonly string[]>> = {
  string: ["format", ...CHECK_KEYWORDS.string],
  integer: ["format", ...CHECK_KEYWORDS.number],
  number: ["format", "multipleOf", ...CHECK_KEYWORDS.number],
  boolean: CHECK_KEYWORDS.boolean,
  object: ["properties", "required", "additionalProperties", "propertyNames"],
  array: ["items"],
  text: [],
};

/**
 * Parses a contract from the text of a JSON Schema (2020-12). Anything outside the subset in
 * docs/contract.md fails with `usage` and its JSON pointer.
 */
export function parseContract(text: string): Contract {
  const root = new SchemaNode(parseDocument(text), "");
  const dialect = root.keywords.get("$schema");
  if (dialect !== undefined && (dialect.kind !== "string" || !DIALECT.test(dialect.value))) {
    throw contractError("/$schema", "the dialect is not https://json-schema.org/draft/2020-12/schema");
  }
  const { type, nullable } = parseValue(root);
  if (type.kind !== "struct" || nullable) {
    throw contractError("", 'the schema must have "type": "object" and "properties"');
  }
  checkFieldNames(type.fields, "/properties", { underscoreIsOurs: true });
  checkFullNames(type.fields);
  const title = root.string("title");
  const parts = { fields: type.fields, ...(title === undefined ? {} : { title }) };
  return { ...parts, text: contractText(parts) };
}

function parseDocument(text: string): JsonNode {
  try {
    return parseJsonTree(text.startsWith("\ufeff") ? text.slice(1) : text);
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error;
    throw contractError("", `the text is not JSON: character ${error.offset + 1}: ${error.message}`);
  }
}

/** One schema object of the document: its keywords by name. */
class SchemaNode {
  readonly keywords: ReadonlyMap<string, JsonNode>;
  readonly pointer: string;

  constructor(node: JsonNode, pointer: string) {
    if (node.kind !== "object") throw contractError(pointer, "a schema must be a JSON object with a type");
    const keywords = new Map<string, JsonNode>();
    for (const [key, value] of node.entries) {
      if (keywords.has(key)) throw contractError(pointer, `the key ${JSON.stringify(key)} appears twice`);
      keywords.set(key, value);
    }
    this.keywords = keywords;
    this.pointer = pointer;
  }

  at(keyword: string): string {
    return `${this.pointer}/${keyword.replaceAll("~", "~0").replaceAll("/", "~1")}`;
  }

  string(keyword: string): string | undefined {
    const node = this.keywords.get(keyword);
    if (node === undefined) return undefined;
    if (node.kind !== "string") throw contractError(this.at(keyword), `"${keyword}" must be a string`);
    return node.value;
  }

  /** Refuses every keyword that is neither in `known` nor an annotation. */
  refuseOthers(known: readonly string[]): void {
    for (const keyword of this.keywords.keys()) {
      if (keyword === "type" || known.includes(keyword) || ANNOTATIONS.includes(keyword)) continue;
      const hint = known.length === 0 ? undefined : `What is known there: ${known.join(", ")}`;
      throw contractError(this.at(keyword), `the keyword "${keyword}" is not supported`, hint);
    }
  }
}

type ParsedValue = ContractValue & { readonly doc?: string };

function parseValue(node: SchemaNode): ParsedValue {
  const doc = node.string("description");
  const alternative = nonNullAlternative(node);
  if (alternative !== undefined) {
    return { ...parseValue(alternative), ...(doc === undefined ? {} : { doc }), nullable: true };
  }
  const types = typeNames(node);
  const scalar = types.filter((type) => type !== "null");
  const nullable = types.length > scalar.length && enumAllowsNull(node.keywords);
  const name = scalar.length === 1 ? scalar[0]! : "text";
  const known = TYPE_KEYWORDS[name]!;
  node.refuseOthers(known);
  const checked = name === "integer" ? "number" : name;
  const checks = parseChecks(node.keywords, node.pointer, checked as CheckedType);
  const type = name === "text" ? textType(scalar, node) : parseType(name, node, checks);
  return { type, nullable, checks, ...(doc === undefined ? {} : { doc }) };
}

/** X of `anyOf: [X, {"type": "null"}]`, the only supported form of `anyOf`. */
function nonNullAlternative(node: SchemaNode): SchemaNode | undefined {
  const anyOf = node.keywords.get("anyOf");
  if (anyOf === undefined) return undefined;
  node.refuseOthers(["anyOf"]);
  const pointer = node.at("anyOf");
  if (anyOf.kind !== "array" || node.keywords.has("type")) throw contractError(pointer, ANY_OF_REASON);
  const isNull = (item: JsonNode) =>
    item.kind === "object" && item.entries.length === 1 && item.entries[0]![0] === "type" &&
    item.entries[0]![1].kind === "string" && item.entries[0]![1].value === "null";
  const others = anyOf.items.flatMap((item, i) => isNull(item) ? [] : [new SchemaNode(item, `${pointer}/${i}`)]);
  if (anyOf.items.length !== 2 || others.length !== 1) throw contractError(pointer, ANY_OF_REASON);
  return others[0];
}

const ANY_OF_REASON = '"anyOf" is supported only as one schema and {"type": "null"}';

function typeNames(node: SchemaNode): string[] {
  const type = node.keywords.get("type");
  if (type === undefined) throw withoutType(node);
  const items = type.kind === "array" ? type.items : [type];
  const names = items.map((item) => item.kind === "string" ? item.value : "");
  const unknown = names.find((name) => !JSON_TYPES.includes(name));
  if (unknown !== undefined) throw contractError(node.at("type"), `${JSON.stringify(unknown)} is no type`);
  if (new Set(names).size < names.length) throw contractError(node.at("type"), "a type appears twice");
  if (names.every((name) => name === "null")) {
    throw contractError(node.at("type"), "a column of nothing but null is no use");
  }
  return names;
}

/** What people write instead of a type, and the type to suggest, if any. */
const INSTEAD_OF_TYPE: readonly (readonly [string, string | undefined])[] = [
  ["$ref", undefined],
  ["allOf", undefined],
  ["oneOf", undefined],
  ["not", undefined],
  ["if", undefined],
  ["properties", "object"],
  ["items", "array"],
  ["enum", "string"],
  ["const", "string"],
];

function withoutType(node: SchemaNode): StreamlabError {
  const [keyword, type] = INSTEAD_OF_TYPE.find(([name]) => node.keywords.has(name)) ?? [];
  if (keyword === undefined) return contractError(node.pointer, 'the schema has no "type"');
  return contractError(
    node.pointer,
    `the schema has "${keyword}" and no "type"`,
    type === undefined
      ? `"${keyword}" is not supported: write the type that it means`
      : `Add "type": "${type}", or what it is`,
  );
}

/** Several types are text if "string" is one of them. */
function textType(types: readonly string[], node: SchemaNode): ContractType {
  const nested = types.includes("object") && types.includes("array");
  const known = types.includes("string") && !types.includes("integer") &&
    types.includes("object") === types.includes("array");
  if (!known) {
    throw contractError(
      node.at("type"),
      `the union of ${types.join(", ")} is not supported`,
      'Supported are unions of "string" with "number", "boolean", or "object" and "array" together: all become text',
    );
  }
  return {
    kind: "string",
    accepts: { numbers: types.includes("number"), booleans: types.includes("boolean"), nested },
  };
}

function parseType(name: string, node: SchemaNode, checks: ContractValue["checks"]): ContractType {
  switch (name) {
    case "string": {
      const kind = format(node, STRING_FORMATS);
      return kind === undefined ? { kind: "string", accepts: JSON_STRINGS_ONLY } : { kind };
    }
    case "integer":
      return { kind: format(node, INTEGER_FORMATS) ?? "long" };
    case "number": {
      const multipleOf = node.keywords.get("multipleOf");
      if (multipleOf === undefined) return { kind: format(node, NUMBER_FORMATS) ?? "double" };
      if (node.keywords.has("format")) throw contractError(node.at("format"), 'a decimal ("multipleOf") has no format');
      return { kind: "decimal", ...decimalSize(multipleOf, checks, node.pointer) };
    }
    case "boolean":
      return { kind: "boolean" };
    case "object":
      return parseObject(node);
    default: {
      const items = node.keywords.get("items");
      if (items === undefined) throw contractError(node.pointer, 'an array needs "items"');
      const { type, nullable, checks } = parseValue(new SchemaNode(items, node.at("items")));
      return { kind: "list", element: { type, nullable, checks } };
    }
  }
}

const STRING_FORMATS = { date: "date", "date-time": "timestamptz", uuid: "uuid" } as const;
const INTEGER_FORMATS = { int32: "int", int64: "long" } as const;
const NUMBER_FORMATS = { float: "float", double: "double" } as const;

function format<T>(node: SchemaNode, formats: Readonly<Record<string, T>>): T | undefined {
  const name = node.string("format");
  if (name === undefined) return undefined;
  if (!Object.hasOwn(formats, name)) {
    const hint = `Formats known there: ${Object.keys(formats).join(", ")}`;
    throw contractError(node.at("format"), `the format ${JSON.stringify(name)} is not supported`, hint);
  }
  return formats[name];
}

function parseObject(node: SchemaNode): ContractType {
  const additional = node.keywords.get("additionalProperties");
  if (node.keywords.has("properties")) {
    if (additional !== undefined && !(additional.kind === "boolean" && !additional.value)) {
      throw contractError(
        node.at("additionalProperties"),
        'beside "properties" only false is supported',
        "What happens to fields that the contract does not name is for --on-extra-fields to say",
      );
    }
    if (node.keywords.has("propertyNames")) {
      throw contractError(node.at("propertyNames"), '"propertyNames" is supported for maps, not beside "properties"');
    }
    return { kind: "struct", fields: parseFields(node) };
  }
  if (node.keywords.has("required")) throw contractError(node.at("required"), "a map has no required fields");
  if (additional === undefined || additional.kind === "boolean") {
    throw contractError(node.pointer, 'an object needs "properties", or "additionalProperties" with a schema (a map)');
  }
  const value = parseValue(new SchemaNode(additional, node.at("additionalProperties")));
  return {
    kind: "map",
    keys: parseKeyChecks(node),
    value: { type: value.type, nullable: value.nullable, checks: value.checks },
  };
}

function parseKeyChecks(node: SchemaNode): ContractValue["checks"] {
  const names = node.keywords.get("propertyNames");
  if (names === undefined) return {};
  const schema = new SchemaNode(names, node.at("propertyNames"));
  if (schema.keywords.has("type") && typeNames(schema).join() !== "string") {
    throw contractError(schema.at("type"), "names are strings");
  }
  schema.refuseOthers(CHECK_KEYWORDS.string);
  return parseChecks(schema.keywords, schema.pointer, "string");
}

function parseFields(node: SchemaNode): ContractField[] {
  const properties = node.keywords.get("properties")!;
  const pointer = node.at("properties");
  if (properties.kind !== "object") throw contractError(pointer, '"properties" must be an object');
  if (properties.entries.length === 0) throw contractError(pointer, '"properties" names no field');
  const required = requiredNames(node);
  const map = new SchemaNode(properties, pointer);
  const fields = [...map.keywords].map(([name, schema]): ContractField => {
    const value = parseValue(new SchemaNode(schema, map.at(name)));
    return { name, required: required.delete(name), ...value };
  });
  for (const name of required) {
    throw contractError(node.at("required"), `${JSON.stringify(name)} is required, but "properties" does not have it`);
  }
  checkFieldNames(fields, pointer, { underscoreIsOurs: false });
  return fields;
}

function requiredNames(node: SchemaNode): Set<string> {
  const required = node.keywords.get("required");
  if (required === undefined) return new Set();
  const names = required.kind === "array"
    ? required.items.flatMap((item) => item.kind === "string" ? [item.value] : [])
    : [];
  if (required.kind !== "array" || names.length < required.items.length) {
    throw contractError(node.at("required"), '"required" must be an array of names');
  }
  return new Set(names);
}
