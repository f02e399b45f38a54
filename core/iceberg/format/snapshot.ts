export type Operation = "append" | "replace" | "overwrite" | "delete";

/** The table's state at one time (specification: "Snapshots"). */
export interface Snapshot {
  /** Unique in the table, 64 bits. */
  snapshotId: bigint;
  /** Absent in a table's first snapshot. */
  parentSnapshotId?: bigint;
  /** Grows with each commit. */
  sequenceNumber: bigint;
  /** When it was made, in milliseconds since 1970. */
  timestampMs: number;
  /** Full URI. Absent in version 1 tables that list manifests inline. */
  manifestList?: string;
  /** URIs of manifests, version 1 only. */
  manifests?: string[];
  /** Always has `operation`; `snapshot_summary.ts` writes the rest. */
  summary: Record<string, string>;
  /** The schema that was current at that time. */
  schemaId?: number;
}

/** A branch or a tag (specification: "Snapshot References"). */
export interface SnapshotRef {
  /** The snapshot it points to. */
  snapshotId: bigint;
  /** A branch moves with commits, a tag stays. */
  type: "branch" | "tag";
  /** For a branch: expiry keeps at least this many. */
  minSnapshotsToKeep?: number;
  /** For a branch: expiry keeps younger snapshots. */
  maxSnapshotAgeMs?: number;
  /** Expiry removes the ref when its snapshot is older. */
  maxRefAgeMs?: number;
}

export const MAIN_BRANCH = "main";
