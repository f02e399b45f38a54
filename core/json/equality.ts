import { canonicalNumber, exactNumber } from "./number.ts";
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
