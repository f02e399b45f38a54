export type ManifestContent = "data" | "deletes";

/**
 * Files and rows of a manifest by the status of their entries; undefined where a version 1 list
 * leaves them out.
 */
export interface ManifestCounts {
  addedFilesCount?: number;
  existingFilesCount?: number;
  deletedFilesCount?: number;
  addedRowsCount?: number;
  existingRowsCount?: number;
  deletedRowsCount?: number;
}

/** A manifest as the manifest list describes it (specification: "Manifest Lists"). */
export interface ManifestFile extends ManifestCounts {
  /** Full URI. */
  path: string;
  /** Bytes. */
  length: number;
  specId: number;
  content: ManifestContent;
  /** Of the snapshot that added the manifest. */
  sequenceNumber: bigint;
  /** The lowest data sequence number of its live files. */
  minSequenceNumber: bigint;
  addedSnapshotId: bigint;
  /** One for each field of the spec. */
  partitions?: PartitionFieldSummary[];
  keyMetadata?: Uint8Array;
}

export interface PartitionFieldSummary {
  containsNull: boolean;
  /** Undefined when it is not known. */
  containsNan?: boolean;
  /** Single values in their binary form; absent when all are null or NaN. */
  lowerBound?: Uint8Array;
  upperBound?: Uint8Array;
}
