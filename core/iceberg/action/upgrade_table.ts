import { type Random, uuidV4 } from "../../base/random.ts";
import type { TableChange } from "../catalog/catalog.ts";
import type { TableMetadata } from "../format/table_metadata.ts";

/**
 * Brings a table of version 1 to version 2, which is what is written here (specification: Appendix
 * E, "Version 2"); no updates for others.
 */
export function upgradeTable(metadata: TableMetadata, random: Random): TableChange {
  if (metadata.formatVersion !== 1) return { requirements: [], updates: [] };
  return {
    requirements: [],
    updates: [
      // Version 1 may do without one.
      ...(metadata.tableUuid === "" ? [{ action: "assign-uuid" as const, uuid: uuidV4(random) }] : []),
      { action: "upgrade-format-version", formatVersion: 2 },
    ],
  };
}
