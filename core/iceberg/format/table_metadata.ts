import { StreamlabError } from "../../base/errors.ts";
import type { JsonObject } from "./json_field.ts";
import { FIRST_PARTITION_FIELD_ID, type PartitionSpec } from "./partition_spec.ts";
import type { Schema } from "./schema.ts";
import { MAIN_BRANCH, type Snapshot, type SnapshotRef } from "./snapshot.ts";
import type { SortOrder } from "./sort_order.ts";

/**
 * Everything known about a table except its files (specification: "Table Metadata Fields"). Never
 * changed in place.
 */
export interface TableMetadata {
  /** 1 to 3. We write 2. */
  formatVersion: number;
  /** Stays the same for the table's life. */
  tableUuid: string;
  /**
   * The table's base location as recorded: absolute, with a trailing slash by some engines. The
   * folder may have moved since (`table_location.ts`).
   */
  location: string;
  /** The highest sequence number of any snapshot. */
  lastSequenceNumber: bigint;
  /** When this version was made, in milliseconds since 1970. */
  lastUpdatedMs: number;
  /** The highest field id ever assigned. */
  lastColumnId: number;
  /** All schemas that snapshots may refer to. */
  schemas: Schema[];
  /** The schema for new files. */
  currentSchemaId: number;
  /** All that files may refer to. */
  partitionSpecs: PartitionSpec[];
  /** The spec for new files. */
  defaultSpecId: number;
  /** The highest id ever assigned to a partition field. */
  lastPartitionId: number;
  /** All that files may refer to. */
  sortOrders: SortOrder[];
  /** The sort order for new files. */
  defaultSortOrderId: number;
  /** Settings, and state that writers keep. */
  properties: Record<string, string>;
  /** The head of `main`; undefined if the table is empty. */
  currentSnapshotId: bigint | undefined;
  /** The snapshots that have not expired. */
  snapshots: Snapshot[];
  /** Which snapshot `main` had from which time on, ascending. */
  snapshotLog: { snapshotId: bigint; timestampMs: number }[];
  /** Earlier metadata files, ascending. */
  metadataLog: MetadataLogEntry[];
  /** Branches and tags by name. */
  refs: Record<string, SnapshotRef>;
  /** Statistics files, kept as others wrote them. */
  statistics: JsonObject[];
  /** Partition statistics files, kept as others wrote them. */
  partitionStatistics: JsonObject[];
  /** The file catalog's commit that wrote this version; undefined if another engine did. */
  commitId: string | undefined;
  /** The JSON that it was read from, which keeps unknown fields and the order of all fields. */
  source?: JsonObject;
}

/** An earlier metadata file. */
export interface MetadataLogEntry {
  /** Its URI. */
  metadataFile: string;
  /** When it was made, in milliseconds since 1970. */
  timestampMs: number;
  /** The commit that made it, if it was ours. */
  commitId?: string;
}

/** A table before its first update, the base of `assert-create`. */
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

/** The schema for new files. */
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

/** Undefined if it has expired or never existed. */
export function snapshotById(metadata: TableMetadata, snapshotId: bigint): Snapshot | undefined {
  // From the end, because most look-ups are for recent snapshots.
  return metadata.snapshots.findLast((snapshot) => snapshot.snapshotId === snapshotId);
}

/** The head of a branch, or a tag; undefined if the reference or its first snapshot is missing. */
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
