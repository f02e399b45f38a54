import type { DataFile } from "./data_file.ts";

/** What the manifest's snapshot did to a file. */
export type EntryStatus = "existing" | "added" | "deleted";

/**
 * A line of a manifest (specification: "Manifest Entry Fields"); undefined numbers are inherited
 * from the manifest list.
 */
export interface ManifestEntry {
  /** What the manifest's snapshot did to the file. */
  status: EntryStatus;
  /** The snapshot that added the file, or deleted it. */
  snapshotId?: bigint;
  /** The data sequence number: deletes of a higher one apply. */
  sequenceNumber?: bigint;
  /** The sequence number of the snapshot that added the file. */
  fileSequenceNumber?: bigint;
  /** The file. */
  dataFile: DataFile;
}

/** An entry whose inherited numbers are filled in. */
export type ResolvedEntry = Required<ManifestEntry>;
