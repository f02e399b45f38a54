import { canonicalNumber, compareNumbers, exactNumber } from "./number.ts";
import type { JsonNode } from "./tree.ts";

/**
 * One text for all spellings of a value: two values are equal, as JSON Schema has it (core, section
 * 4.2.2), if their texts are. Numbers compare by value, objects without regard to order.
 */
export function canonicalText(node: JsonNode): string {
  switch (node.kind) {
    case "object": {
      const members = node.entries.map(([key, value]) => `${JSON.stringify(key)}:${canonicalText(value)}`);
      return `{${members.sort().join(",")}}`;
    }
    case "array":
      return `[${node.items.map(canonicalText).join(",")}]`;
    case "string":
      return JSON.stringify(node.value);
    case "number":
      return canonicalNumber(exactNumber(node.text));
    case "boolean":
      return String(node.value);
    case "null":
      return "null";
  }
}

/** Whether two values have one text: looks no further than to the first difference. */
export function equalValues(a: JsonNode, b: JsonNode): boolean {
  switch (a.kind) {
    case "object": {
      if (b.kind !== "object" || a.entries.length !== b.entries.length) return false;
      const others = new Map(b.entries);
      return a.entries.every(([key, value]) => others.has(key) && equalValues(value, others.get(key)!));
    }
    case "array":
      if (b.kind !== "array" || a.items.length !== b.items.length) return false;
      return a.items.every((item, index) => equalValues(item, b.items[index]!));
    case "number":
      return b.kind === "number" && compareNumbers(exactNumber(a.text), exactNumber(b.text)) === 0;
    case "string":
      return b.kind === "string" && a.value === b.value;
    case "boolean":
      return b.kind === "boolean" && a.value === b.value;
    case "null":
      return b.kind === "null";
  }
}
