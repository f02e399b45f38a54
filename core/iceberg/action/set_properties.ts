import type { TableChange } from "../catalog/catalog.ts";

/** Sets table properties; others stay. */
export function setProperties(updates: Record<string, string>): TableChange {
  return { requirements: [], updates: [{ action: "set-properties", updates }] };
}

/** Removes table properties; those that are not there are passed over. */
export function removeProperties(removals: string[]): TableChange {
  return { requirements: [], updates: [{ action: "remove-properties", removals }] };
}
