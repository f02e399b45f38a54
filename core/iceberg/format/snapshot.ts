export type Operation = "append" | "replace" | "overwrite" | "delete";

/** The table's state at one time (specification: "Snapshots"). */
export interface Snapshot {
  snapshotId: bigint;
  parentSnapshotId?: bigint;
  sequenceNumber: bigint;
  timestampMs: number;
  /** Full URI; absent in version 1 tables that list manifests inline. */
  manifestList?: string;
  /** URIs of manifests, version 1 only. */
  manifests?: string[];
  /** `operation` always, the rest by `snapshot_summary.ts`. */
  summary: Record<string, string>;
  schemaId?: number;
}

/** A branch or a tag (specification: "Snapshot References"). */
export interface SnapshotRef {
  snapshotId: bigint;
  type: "branch" | "tag";
  minSnapshotsToKeep?: number;
  maxSnapshotAgeMs?: number;
  maxRefAgeMs?: number;
}

export const MAIN_BRANCH = "main";
