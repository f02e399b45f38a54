import type { JsonObject } from "./json_field.ts";
import type { PartitionSpec } from "./partition_spec.ts";
import type { Schema } from "./schema.ts";
import type { Snapshot, SnapshotRef } from "./snapshot.ts";
import type { SortOrder } from "./sort_order.ts";

/**
 * One change of a table (REST catalog specification: TableUpdate). An added schema, spec or order
 * gets a new id, or the id of an existing equal one. -1 in the `set-` updates means the one added
 * last in the same list.
 */
export type TableUpdate =
  | { action: "assign-uuid"; uuid: string }
  | { action: "upgrade-format-version"; formatVersion: number }
  | { action: "add-schema"; schema: Schema }
  | { action: "set-current-schema"; schemaId: number }
  | { action: "add-spec"; spec: PartitionSpec }
  | { action: "set-default-spec"; specId: number }
  | { action: "add-sort-order"; sortOrder: SortOrder }
  | { action: "set-default-sort-order"; sortOrderId: number }
  | { action: "add-snapshot"; snapshot: Snapshot }
  | { action: "set-snapshot-ref"; refName: string; ref: SnapshotRef }
  | { action: "remove-snapshots"; snapshotIds: bigint[] }
  | { action: "remove-snapshot-ref"; refName: string }
  | { action: "set-location"; location: string }
  | { action: "set-properties"; updates: Record<string, string> }
  | { action: "remove-properties"; removals: string[] }
  | { action: "set-statistics"; statistics: JsonObject }
  | { action: "remove-statistics"; snapshotId: bigint }
  | { action: "set-partition-statistics"; partitionStatistics: JsonObject }
  | { action: "remove-partition-statistics"; snapshotId: bigint }
  | { action: "remove-partition-specs"; specIds: number[] }
  | { action: "remove-schemas"; schemaIds: number[] };

/** The id for "the one added last in this list of updates". */
export const LAST_ADDED = -1;
