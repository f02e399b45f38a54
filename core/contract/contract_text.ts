import type { ContractField, ContractType, ContractValue } from "./contract.ts";
import { type JsonNode, writeJsonTree } from "../json/tree.ts";

type Entry = readonly [string, JsonNode];

/** The canonical JSON Schema text of a contract: see `Contract.text`. */
export function contractText(contract: { readonly title?: string; readonly fields: readonly ContractField[] }): string {
  const struct = schemaOf({ type: { kind: "struct", fields: contract.fields }, nullable: false, checks: {} });
  const title: Entry[] = contract.title === undefined ? [] : [["title", string(contract.title)]];
  const schema: Entry = ["$schema", string("https://json-schema.org/draft/2020-12/schema")];
  return writeJsonTree({ kind: "object", entries: [schema, ...title, ...struct] });
}

function schemaOf(value: ContractValue & { readonly doc?: string }): Entry[] {
  const { types, rest } = typeOf(value.type);
  const names = value.nullable ? [...types, "null"] : types;
  const entries: Entry[] = [["type", names.length === 1 ? string(names[0]!) : strings(names)], ...rest];
  entries.push(...checkEntries(value));
  if (value.doc !== undefined) entries.push(["description", string(value.doc)]);
  return entries;
}

function typeOf(type: ContractType): { types: string[]; rest: Entry[] } {
  switch (type.kind) {
    case "string": {
      const { numbers, booleans, nested } = type.accepts;
      const types = ["string", ...numbers ? ["number"] : [], ...booleans ? ["boolean"] : []];
      return { types: nested ? [...types, "object", "array"] : types, rest: [] };
    }
    case "int":
      return { types: ["integer"], rest: [["format", string("int32")]] };
    case "long":
      return { types: ["integer"], rest: [] };
    case "float":
      return { types: ["number"], rest: [["format", string("float")]] };
    case "double":
      return { types: ["number"], rest: [] };
    case "decimal":
      return { types: ["number"], rest: [["multipleOf", number(`1e-${type.scale}`)]] };
    case "boolean":
      return { types: ["boolean"], rest: [] };
    case "date":
      return { types: ["string"], rest: [["format", string("date")]] };
    case "timestamptz":
      return { types: ["string"], rest: [["format", string("date-time")]] };
    case "uuid":
      return { types: ["string"], rest: [["format", string("uuid")]] };
    case "struct":
      return { types: ["object"], rest: structEntries(type.fields) };
    case "map":
      return { types: ["object"], rest: mapEntries(type) };
    case "list":
      return { types: ["array"], rest: [["items", object(schemaOf(type.element))]] };
  }
}

function structEntries(fields: readonly ContractField[]): Entry[] {
  const required = fields.filter((field) => field.required).map((field) => field.name);
  return [
    ["properties", object(fields.map((field): Entry => [field.name, object(schemaOf(field))]))],
    ...required.length === 0 ? [] : [["required", strings(required)] as const],
    ["additionalProperties", { kind: "boolean", value: false }],
  ];
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
    default:
      return string(text);
  }
}

const string = (value: string): JsonNode => ({ kind: "string", value });
const strings = (values: readonly string[]): JsonNode => ({ kind: "array", items: values.map(string) });
const number = (text: string): JsonNode => ({ kind: "number", text });
const object = (entries: readonly Entry[]): JsonNode => ({ kind: "object", entries });
