import type { TableChange } from "../catalog/catalog.ts";

export function setProperties(updates: Record<string, string>): TableChange {
  return { requirements: [], updates: [{ action: "set-properties", updates }] };
}

export function removeProperties(removals: string[]): TableChange {
  return { requirements: [], updates: [{ action: "remove-properties", removals }] };
}
