import { StreamlabError } from "../../base/errors.ts";
import type { JsonObject } from "./json_field.ts";
import { FIRST_PARTITION_FIELD_ID, type PartitionSpec } from "./partition_spec.ts";
import type { Schema } from "./schema.ts";
import { MAIN_BRANCH, type Snapshot, type SnapshotRef } from "./snapshot.ts";
import type { SortOrder } from "./sort_order.ts";

/**
 * All that is known of a table but its files (specification: "Table Metadata Fields"). Never
 * changed in place.
 */
export interface TableMetadata {
  formatVersion: number;
  tableUuid: string;
  /**
   * The table's base location as recorded, absolute, of other engines perhaps with a trailing
   * slash; the folder may have been moved since (`table_location.ts`).
   */
  location: string;
  lastSequenceNumber: bigint;
  lastUpdatedMs: number;
  lastColumnId: number;
  schemas: Schema[];
  currentSchemaId: number;
  partitionSpecs: PartitionSpec[];
  defaultSpecId: number;
  lastPartitionId: number;
  sortOrders: SortOrder[];
  defaultSortOrderId: number;
  properties: Record<string, string>;
  currentSnapshotId: bigint | undefined;
  snapshots: Snapshot[];
  snapshotLog: { snapshotId: bigint; timestampMs: number }[];
  metadataLog: MetadataLogEntry[];
  refs: Record<string, SnapshotRef>;
  statistics: JsonObject[];
  partitionStatistics: JsonObject[];
  /** Which commit of the file catalog wrote this version; undefined where another engine did. */
  commitId: string | undefined;
  /** The JSON it was read from: unknown fields and the order of all are kept from there. */
  source?: JsonObject;
}

export interface MetadataLogEntry {
  metadataFile: string;
  timestampMs: number;
  commitId?: string;
}

/** What `assert-create` builds on: a table before its first update. */
export const emptyTableMetadata: TableMetadata = {
  formatVersion: 2,
  tableUuid: "",
  location: "",
  lastSequenceNumber: 0n,
  lastUpdatedMs: 0,
  lastColumnId: 0,
  schemas: [],
  currentSchemaId: -1,
  partitionSpecs: [],
  defaultSpecId: -1,
  lastPartitionId: FIRST_PARTITION_FIELD_ID - 1,
  sortOrders: [],
  defaultSortOrderId: -1,
  properties: {},
  currentSnapshotId: undefined,
  snapshots: [],
  snapshotLog: [],
  metadataLog: [],
  refs: {},
  statistics: [],
  partitionStatistics: [],
  commitId: undefined,
};

export function currentSchema(metadata: TableMetadata): Schema {
  return schemaById(metadata, metadata.currentSchemaId);
}

export function schemaById(metadata: TableMetadata, schemaId: number): Schema {
  const schema = metadata.schemas.find((candidate) => candidate.schemaId === schemaId);
  if (!schema) throw new StreamlabError("corrupt", `Cannot read table metadata: there is no schema ${schemaId}`);
  return schema;
}

export function defaultSpec(metadata: TableMetadata): PartitionSpec {
  return specById(metadata, metadata.defaultSpecId);
}

export function specById(metadata: TableMetadata, specId: number): PartitionSpec {
  const spec = metadata.partitionSpecs.find((candidate) => candidate.specId === specId);
  if (!spec) throw new StreamlabError("corrupt", `Cannot read table metadata: there is no partition spec ${specId}`);
  return spec;
}

export function defaultSortOrder(metadata: TableMetadata): SortOrder {
  const order = metadata.sortOrders.find((candidate) => candidate.orderId === metadata.defaultSortOrderId);
  if (!order) {
    throw new StreamlabError("corrupt", `Cannot read table metadata: no sort order ${metadata.defaultSortOrderId}`);
  }
  return order;
}

export function snapshotById(metadata: TableMetadata, snapshotId: bigint): Snapshot | undefined {
  // From the end: nearly always a recent one is asked for.
  return metadata.snapshots.findLast((snapshot) => snapshot.snapshotId === snapshotId);
}

/**
 * The head of a branch, or a tag; undefined when the reference, or a first snapshot, is missing.
 */
export function snapshotOfRef(metadata: TableMetadata, ref: string = MAIN_BRANCH): Snapshot | undefined {
  const snapshotId = ref === MAIN_BRANCH ? metadata.currentSnapshotId : metadata.refs[ref]?.snapshotId;
  return snapshotId === undefined ? undefined : snapshotById(metadata, snapshotId);
}

/**
 * The snapshot that was current at that time, by the snapshot log (specification: Appendix F,
 * "Point in Time Reads").
 */
export function snapshotAsOf(metadata: TableMetadata, timestampMs: number): Snapshot | undefined {
  const entry = metadata.snapshotLog.findLast((candidate) => candidate.timestampMs <= timestampMs);
  return entry === undefined ? undefined : snapshotById(metadata, entry.snapshotId);
}
