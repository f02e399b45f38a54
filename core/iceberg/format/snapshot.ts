export type Operation = "append" | "replace" | "overwrite" | "delete";

/** The table's state at one time (specification: "Snapshots"). */
export interface Snapshot {
  /** Unique in the table, 64 bits. */
  snapshotId: bigint;
  /** None of a table's first one. */
  parentSnapshotId?: bigint;
  /** Ascending with each commit. */
  sequenceNumber: bigint;
  /** When it was made, in milliseconds since 1970. */
  timestampMs: number;
  /** Full URI; absent in version 1 tables that list manifests inline. */
  manifestList?: string;
  /** URIs of manifests, version 1 only. */
  manifests?: string[];
  /** `operation` always, the rest by `snapshot_summary.ts`. */
  summary: Record<string, string>;
  /** Of the schema that was current when it was made. */
  schemaId?: number;
}

/** A branch or a tag (specification: "Snapshot References"). */
export interface SnapshotRef {
  /** What it points to. */
  snapshotId: bigint;
  /** A branch moves with commits, a tag stays. */
  type: "branch" | "tag";
  /** Of a branch: expiry keeps this many. */
  minSnapshotsToKeep?: number;
  /** Of a branch: expiry keeps younger ones. */
  maxSnapshotAgeMs?: number;
  /** Expiry removes the ref when its snapshot is older. */
  maxRefAgeMs?: number;
}

export const MAIN_BRANCH = "main";
