import { JsonReader, JsonSyntaxError } from "./reader.ts";

/**
 * A JSON document with what `JSON.parse` loses: the text of numbers, the order and repetition of
 * keys.
 */
export type JsonNode =
  | { readonly kind: "object"; readonly entries: readonly (readonly [key: string, value: JsonNode])[] }
  | { readonly kind: "array"; readonly items: readonly JsonNode[] }
  | { readonly kind: "string"; readonly value: string }
  | { readonly kind: "number"; readonly text: string }
  | { readonly kind: "boolean"; readonly value: boolean }
  | { readonly kind: "null" };

/** The parser recurses, and a contract that is nested deeper is a mistake. */
const DEPTH_MAX = 200;

/**
 * Parses a document strictly. Throws `JsonSyntaxError`, also for more than 200 levels of nesting.
 */
export function parseJsonTree(text: string): JsonNode {
  const reader = new JsonReader();
  reader.start(text);
  const node = readNode(reader, 0);
  reader.end();
  return node;
}

function readNode(reader: JsonReader, depth: number): JsonNode {
  if (depth > DEPTH_MAX) throw new JsonSyntaxError(reader.pos, `nested deeper than ${DEPTH_MAX} levels`);
  const kind = reader.kind();
  switch (kind) {
    case "string":
      return { kind, value: reader.readString() };
    case "number":
      return { kind, text: reader.readNumber() };
    case "boolean":
      return { kind, value: reader.readLiteral() === "true" };
    case "null":
      reader.readLiteral();
      return { kind };
    case "array":
      return { kind, items: readItems(reader, depth) };
    case "object":
      return { kind, entries: readEntries(reader, depth) };
  }
}

function readItems(reader: JsonReader, depth: number): JsonNode[] {
  const items: JsonNode[] = [];
  reader.pos++;
  if (reader.peek() === 0x5d) {
    reader.pos++;
    return items;
  }
  for (;;) {
    items.push(readNode(reader, depth + 1));
    if (reader.peek() === 0x5d) break;
    reader.take(0x2c, "',' or ']'");
  }
  reader.pos++;
  return items;
}

function readEntries(reader: JsonReader, depth: number): [string, JsonNode][] {
  const entries: [string, JsonNode][] = [];
  reader.pos++;
  if (reader.peek() === 0x7d) {
    reader.pos++;
    return entries;
  }
  for (;;) {
    if (reader.peek() !== 0x22) reader.fail("a key");
    const key = reader.readString();
    reader.take(0x3a, "':'");
    entries.push([key, readNode(reader, depth + 1)]);
    if (reader.peek() === 0x7d) break;
    reader.take(0x2c, "',' or '}'");
  }
  reader.pos++;
  return entries;
}

/** Writes a document without white space; numbers keep their text. */
export function writeJsonTree(node: JsonNode): string {
  switch (node.kind) {
    case "object":
      return `{${node.entries.map(([key, value]) => `${JSON.stringify(key)}:${writeJsonTree(value)}`).join(",")}}`;
    case "array":
      return `[${node.items.map(writeJsonTree).join(",")}]`;
    case "string":
      return JSON.stringify(node.value);
    case "number":
      return node.text;
    case "boolean":
      return String(node.value);
    case "null":
      return "null";
  }
}
