import {
  type Contract,
  type ContractField,
  type ContractType,
  type ContractValue,
  type InstantSpelling,
  keyOf,
} from "./contract.ts";
import { type JsonNode, parseJsonTree, writeJsonTree } from "../json/tree.ts";
import { ALWAYS_CHECKED } from "./schema/format_check.ts";
import { conditionsOf } from "./schema/used_definitions.ts";

type Entry = readonly [string, JsonNode];

/** The canonical JSON Schema text of a contract: see `Contract.text`. */
export function contractText(contract: Omit<Contract, "text">): string {
  const { fields, schemas, definitions } = contract;
  const checks = schemas.length === 0 ? {} : { schemas };
  const struct = schemaOf({ type: { kind: "struct", fields }, nullable: false, checks });
  const title: Entry[] = contract.title === undefined ? [] : [["title", string(contract.title)]];
  const schema: Entry = ["$schema", string("https://json-schema.org/draft/2020-12/schema")];
  const named = Object.entries(definitions).map(([name, text]): Entry => [name, parseJsonTree(text)]);
  const defs: Entry[] = named.length === 0 ? [] : [["$defs", object(named)]];
  return writeJsonTree({ kind: "object", entries: [schema, ...title, ...runEntries(contract), ...struct, ...defs] });
}

/** What a run may ask for, so that the text alone says it. */
function runEntries(contract: Omit<Contract, "text">): Entry[] {
  const offset = assumedOffset(contract.fields);
  const asserted = hasAssertedFormat(contract);
  return [
    ...offset === undefined ? [] : [["x-assume-offset", string(offset)] as const],
    ...asserted ? [["x-assert-formats", { kind: "boolean", value: true }] as const] : [],
  ];
}

function assumedOffset(fields: readonly ContractField[]): string | undefined {
  const find = ({ type }: ContractValue): string | undefined => {
    switch (type.kind) {
      case "timestamptz":
        return type.written?.as === "lenient" ? type.written.assumeOffset : undefined;
      case "struct":
        return assumedOffset(type.fields);
      case "list":
        return find(type.element);
      case "map":
        return find(type.value);
      default:
        return undefined;
    }
  };
  return fields.map(find).find((offset) => offset !== undefined);
}

/** Formats are in conditions alone; whichever stand there are to be checked. */
function hasAssertedFormat({ fields, schemas, definitions }: Omit<Contract, "text">): boolean {
  const texts = [...schemas, ...Object.values(definitions), ...fields.flatMap(conditionsOf)];
  return texts.some((text) => formatsOf(parseJsonTree(text)).some((format) => !ALWAYS_CHECKED.has(format)));
}

function formatsOf(node: JsonNode): string[] {
  if (node.kind === "array") return node.items.flatMap(formatsOf);
  if (node.kind !== "object") return [];
  return node.entries.flatMap(([keyword, value]) =>
    keyword === "format" && value.kind === "string" ? [value.value] : formatsOf(value)
  );
}

function schemaOf(value: ContractValue & { readonly doc?: string }): Entry[] {
  const { types, rest } = typeOf(value.type);
  const names = value.nullable ? [...types, "null"] : types;
  const entries: Entry[] = [];
  if (types.length > 0) entries.push(["type", names.length === 1 ? string(names[0]!) : strings(names)]);
  entries.push(...rest, ...checkEntries(value));
  if (value.coerce) entries.push(["x-coerce", { kind: "boolean", value: true }]);
  const { schemas = [] } = value.checks;
  if (schemas.length > 0) {
    entries.push(["x-also", {
      kind: "array",
      items: schemas.map((text) => parseJsonTree(text)),
    }]);
  }
  if (value.doc !== undefined) entries.push(["description", string(value.doc)]);
  return entries;
}

function typeOf(type: ContractType): { types: string[]; rest: Entry[] } {
  const formatted = (name: string, format: string) => ({ types: [name], rest: [["format", string(format)] as const] });
  switch (type.kind) {
    case "json":
      return { types: [], rest: [["x-json", { kind: "boolean", value: true }]] };
    case "string": {
      const { numbers, booleans, nested } = type.accepts;
      const types = ["string", ...numbers ? ["number"] : [], ...booleans ? ["boolean"] : []];
      return { types: nested ? [...types, "object", "array"] : types, rest: [] };
    }
    case "int":
      return formatted("integer", "int32");
    case "long":
      return { types: ["integer"], rest: [] };
    case "float":
      return formatted("number", "float");
    case "double":
      return { types: ["number"], rest: [] };
    case "decimal":
      return { types: ["number"], rest: [["multipleOf", number(`1e-${type.scale}`)]] };
    case "boolean":
      return { types: ["boolean"], rest: [] };
    case "timestamptz":
      return instantEntries(type.written, formatted);
    case "timestamp":
      return formatted("string", "date-time-local");
    case "date":
    case "uuid":
      return formatted("string", type.kind);
    case "struct":
      return { types: ["object"], rest: structEntries(type.fields) };
    case "map":
      return { types: ["object"], rest: mapEntries(type) };
    case "list":
      return { types: ["array"], rest: [["items", object(schemaOf(type.element))]] };
  }
}

function instantEntries<T>(written: InstantSpelling | undefined, formatted: (type: string, format: string) => T): T {
  if (written === undefined) return formatted("string", "date-time");
  if (written.as === "lenient") return formatted("string", "date-time-lenient");
  return formatted(written.fraction ? "number" : "integer", `epoch-${written.unit}`);
}

function structEntries(fields: readonly ContractField[]): Entry[] {
  const required = fields.filter((field) => field.required).map(keyOf);
  return [
    ["properties", object(fields.map((field): Entry => [keyOf(field), object(fieldEntries(field))]))],
    ...required.length === 0 ? [] : [["required", strings(required)] as const],
    ["additionalProperties", { kind: "boolean", value: false }],
  ];
}

function fieldEntries(field: ContractField): Entry[] {
  const column: Entry[] = field.key === undefined ? [] : [["x-column", string(field.name)]];
  const loose: Entry[] = field.loose ? [["x-loose", { kind: "boolean", value: true }]] : [];
  return [...schemaOf(field), ...column, ...loose];
}

function mapEntries(type: ContractType & { kind: "map" }): Entry[] {
  const keys = checkEntries({ type: { kind: "uuid" }, nullable: false, checks: type.keys });
  return [
    ...keys.length === 0 ? [] : [["propertyNames", object(keys)] as const],
    ["additionalProperties", object(schemaOf(type.value))],
  ];
}

function checkEntries({ type, nullable, checks }: ContractValue): Entry[] {
  const entries: Entry[] = [];
  if (checks.enum !== undefined) {
    const items = checks.enum.map((text) => enumNode(type, text));
    entries.push(["enum", { kind: "array", items: nullable ? [...items, { kind: "null" }] : items }]);
  }
  for (const name of ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"] as const) {
    const bound = checks[name];
    if (bound !== undefined) entries.push([name, number(bound)]);
  }
  for (const name of ["minLength", "maxLength"] as const) {
    const length = checks[name];
    if (length !== undefined) entries.push([name, number(String(length))]);
  }
  if (checks.pattern !== undefined) entries.push(["pattern", string(checks.pattern)]);
  return entries;
}

function enumNode(type: ContractType, text: string): JsonNode {
  switch (type.kind) {
    case "boolean":
      return { kind: "boolean", value: text === "true" };
    case "int":
    case "long":
    case "float":
    case "double":
    case "decimal":
      return number(text);
    case "timestamptz":
      return type.written?.as === "epoch" ? number(text) : string(text);
    default:
      return string(text);
  }
}

const string = (value: string): JsonNode => ({ kind: "string", value });
const strings = (values: readonly string[]): JsonNode => ({ kind: "array", items: values.map(string) });
const number = (text: string): JsonNode => ({ kind: "number", text });
const object = (entries: readonly Entry[]): JsonNode => ({ kind: "object", entries });
