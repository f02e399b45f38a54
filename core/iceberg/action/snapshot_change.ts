import type { Random } from "../../base/random.ts";
import { StreamlabError } from "../../base/errors.ts";
import type { TableChange } from "../catalog/catalog.ts";
import type { DataFile } from "../format/data_file.ts";
import type { ManifestFile } from "../format/manifest_file.ts";
import { MAIN_BRANCH, type Operation, type Snapshot } from "../format/snapshot.ts";
import { summarize } from "../format/snapshot_summary.ts";
import { snapshotById, snapshotOfRef, type TableMetadata } from "../format/table_metadata.ts";
import type { EncodedFile } from "../table_io.ts";
import type { Transaction } from "../transaction.ts";

/** The content of a new snapshot. */
export interface SnapshotChange {
  operation: Operation;
  snapshotId: bigint;
  /** All manifests of the new snapshot. */
  manifests: ManifestFile[];
  /** Manifests that are not written yet. */
  files: EncodedFile[];
  added: DataFile[];
  removed: DataFile[];
  /** More for the summary. */
  summary?: Record<string, string>;
  /** Default `main`. A branch that is not there is made. */
  branch?: string | undefined;
  /** See `AppendOptions`. */
  apart?: boolean | undefined;
}

/**
 * Writes manifests and manifest list, all at once, and returns the change that makes the snapshot
 * its branch's head.
 */
export async function stageSnapshot(transaction: Transaction, change: SnapshotChange): Promise<TableChange> {
  const { metadata, io } = transaction;
  const branch = change.branch ?? MAIN_BRANCH;
  const parent = parentSnapshot(metadata, branch, change.apart);
  const identity = {
    snapshotId: change.snapshotId,
    parentSnapshotId: parent?.snapshotId,
    sequenceNumber: nextSequenceNumber(metadata),
  };
  const list = io.encodeManifestList(change.manifests, identity);
  await transaction.writeFiles([...change.files, list.file]);
  const snapshot: Snapshot = {
    ...identity,
    // Never before the table's last change, so that the log stays in order of time.
    timestampMs: Math.max(transaction.nowMs, metadata.lastUpdatedMs),
    manifestList: list.uri,
    summary: summarize(change.operation, change.added, change.removed, parent?.summary, change.summary),
    schemaId: metadata.currentSchemaId,
  };
  const ref = metadata.refs[branch];
  return {
    requirements: [{ type: "assert-ref-snapshot-id", ref: branch, snapshotId: ref?.snapshotId }],
    updates: [
      { action: "add-snapshot", snapshot },
      {
        action: "set-snapshot-ref",
        refName: branch,
        ref: { ...(ref ?? (change.apart ? KEPT_BRANCH : { type: "branch" })), snapshotId: snapshot.snapshotId },
      },
    ],
  };
}

/** Only its head is needed, however long ago that was made. */
const KEPT_BRANCH = {
  type: "branch",
  minSnapshotsToKeep: 1,
  maxSnapshotAgeMs: 1,
  maxRefAgeMs: Number.MAX_SAFE_INTEGER,
} as const;

/** The head of the branch; a new branch grows from the current snapshot, unless it is apart. */
export function parentSnapshot(
  metadata: TableMetadata,
  branch: string = MAIN_BRANCH,
  apart = false,
): Snapshot | undefined {
  if (metadata.formatVersion !== 2) {
    throw new StreamlabError("usage", `Cannot write to a table of format version ${metadata.formatVersion}`, {
      hint: metadata.formatVersion === 1 ? "Upgrade it to version 2 first" : "Write to it with an engine that knows it",
    });
  }
  if (metadata.refs[branch]?.type === "tag") {
    throw new StreamlabError("usage", `Cannot write to "${branch}": it is a tag, which never moves`);
  }
  if (metadata.refs[branch] === undefined && apart) return undefined;
  return snapshotOfRef(metadata, metadata.refs[branch] ? branch : MAIN_BRANCH);
}

export function nextSequenceNumber(metadata: TableMetadata): bigint {
  return metadata.lastSequenceNumber + 1n;
}

/**
 * Positive, 63 random bits, unlike those that are there (specification: Appendix F, "Assignment of
 * Snapshot IDs").
 */
export function newSnapshotId(random: Random, metadata: TableMetadata): bigint {
  for (;;) {
    const bytes = random.bytes(8);
    const id = new DataView(bytes.buffer, bytes.byteOffset, 8).getBigInt64(0) & 0x7fffffffffffffffn;
    if (id > 0n && !snapshotById(metadata, id)) return id;
  }
}
