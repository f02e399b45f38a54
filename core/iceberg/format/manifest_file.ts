/** What the files of a manifest are. */
export type ManifestContent = "data" | "deletes";

/**
 * Files and rows of a manifest by the status of their entries; undefined where a version 1 list
 * leaves them out.
 */
export interface ManifestCounts {
  /** Entries that were added by the manifest's snapshot. */
  addedFilesCount?: number;
  /** Entries that were there before. */
  existingFilesCount?: number;
  /** Entries that were removed by the manifest's snapshot. */
  deletedFilesCount?: number;
  /** Rows in the files that were added. */
  addedRowsCount?: number;
  /** Rows in the files that were there before. */
  existingRowsCount?: number;
  /** Rows in the files that were removed. */
  deletedRowsCount?: number;
}

/** A manifest as the manifest list describes it (specification: "Manifest Lists"). */
export interface ManifestFile extends ManifestCounts {
  /** Full URI. */
  path: string;
  /** Bytes. */
  length: number;
  /** The partition spec of all its entries. */
  specId: number;
  /** Whether it lists data or deletes. */
  content: ManifestContent;
  /** From the snapshot that added the manifest. */
  sequenceNumber: bigint;
  /** The lowest data sequence number of its live files. */
  minSequenceNumber: bigint;
  /** Of the snapshot that added the manifest. */
  addedSnapshotId: bigint;
  /** One summary for each field of the spec. */
  partitions?: PartitionFieldSummary[];
  /** Key metadata of an encrypted manifest. */
  keyMetadata?: Uint8Array;
}

/** The range of a partition field's values. */
export interface PartitionFieldSummary {
  /** Whether one of them is null. */
  containsNull: boolean;
  /** Undefined if unknown. */
  containsNan?: boolean;
  /** Not greater than any value, in binary single-value form; absent if all are null or NaN. */
  lowerBound?: Uint8Array;
  /** Not less than any value. */
  upperBound?: Uint8Array;
}
