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
  /** 1 to 3; 2 is written. */
  formatVersion: number;
  /** Stays the same for the table's life. */
  tableUuid: string;
  /**
   * The table's base location as recorded, absolute, of other engines perhaps with a trailing
   * slash; the folder may have been moved since (`table_location.ts`).
   */
  location: string;
  /** The highest that was given to a snapshot. */
  lastSequenceNumber: bigint;
  /** When this version was made, in milliseconds since 1970. */
  lastUpdatedMs: number;
  /** The highest field id that was ever given. */
  lastColumnId: number;
  /** All that snapshots may refer to. */
  schemas: Schema[];
  /** Of the schema that new files are written by. */
  currentSchemaId: number;
  /** All that files may refer to. */
  partitionSpecs: PartitionSpec[];
  /** Of the spec that new files are written by. */
  defaultSpecId: number;
  /** The highest id of a partition field that was ever given. */
  lastPartitionId: number;
  /** All that files may refer to. */
  sortOrders: SortOrder[];
  /** Of the order that new files should have. */
  defaultSortOrderId: number;
  /** Settings, and what writers remember. */
  properties: Record<string, string>;
  /** Of `main`; undefined: the table is empty. */
  currentSnapshotId: bigint | undefined;
  /** Those that have not expired. */
  snapshots: Snapshot[];
  /** When `main` came to which snapshot, ascending. */
  snapshotLog: { snapshotId: bigint; timestampMs: number }[];
  /** Earlier metadata files, ascending. */
  metadataLog: MetadataLogEntry[];
  /** Branches and tags by name. */
  refs: Record<string, SnapshotRef>;
  /** Statistics files, kept as others wrote them. */
  statistics: JsonObject[];
  /** Partition statistics files, kept as others wrote them. */
  partitionStatistics: JsonObject[];
  /** Which commit of the file catalog wrote this version; undefined where another engine did. */
  commitId: string | undefined;
  /** The JSON it was read from: unknown fields and the order of all are kept from there. */
  source?: JsonObject;
}

/** An earlier metadata file. */
export interface MetadataLogEntry {
  /** Its URI. */
  metadataFile: string;
  /** When it was made, in milliseconds since 1970. */
  timestampMs: number;
  /** Of the commit that made it, where we did. */
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

/** The schema that new files are written by. */
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

/** Undefined where it has expired or never was. */
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
