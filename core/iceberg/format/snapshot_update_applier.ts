import { StreamlabError } from "../../base/errors.ts";
import { readLong } from "./json_field.ts";
import { MAIN_BRANCH, type Snapshot, type SnapshotRef } from "./snapshot.ts";
import { snapshotById, type TableMetadata } from "./table_metadata.ts";
import type { TableUpdate } from "./table_update.ts";

/** The ids that earlier updates of the same list added, for `LAST_ADDED`. */
export interface AddedIds {
  schemaId?: number;
  specId?: number;
  sortOrderId?: number;
  snapshotIds: Set<bigint>;
}

type SnapshotUpdate = Extract<
  TableUpdate,
  { action: "add-snapshot" | "set-snapshot-ref" | "remove-snapshots" | "remove-snapshot-ref" }
>;

/** Applies updates of snapshots and references; see `applyUpdates`. */
export function applySnapshotUpdate(metadata: TableMetadata, update: SnapshotUpdate, added: AddedIds): TableMetadata {
  switch (update.action) {
    case "add-snapshot":
      return addSnapshot(metadata, update.snapshot, added);
    case "set-snapshot-ref":
      return setRef(metadata, update.refName, update.ref, added);
    case "remove-snapshot-ref":
      return removeRef(metadata, update.refName);
    case "remove-snapshots":
      return removeSnapshots(metadata, new Set(update.snapshotIds));
  }
}

function addSnapshot(metadata: TableMetadata, snapshot: Snapshot, added: AddedIds): TableMetadata {
  if (snapshotById(metadata, snapshot.snapshotId)) refuse(`snapshot ${snapshot.snapshotId} exists already`);
  const isStale = snapshot.sequenceNumber <= metadata.lastSequenceNumber;
  if (metadata.formatVersion > 1 && isStale && snapshot.parentSnapshotId !== undefined) {
    refuse(`sequence number ${snapshot.sequenceNumber} is not above the last one, ${metadata.lastSequenceNumber}`);
  }
  added.snapshotIds.add(snapshot.snapshotId);
  const isHigher = snapshot.sequenceNumber > metadata.lastSequenceNumber;
  return {
    ...metadata,
    snapshots: [...metadata.snapshots, snapshot],
    lastSequenceNumber: isHigher ? snapshot.sequenceNumber : metadata.lastSequenceNumber,
    lastUpdatedMs: Math.max(metadata.lastUpdatedMs, snapshot.timestampMs),
  };
}

function setRef(metadata: TableMetadata, name: string, ref: SnapshotRef, added: AddedIds): TableMetadata {
  const snapshot = snapshotById(metadata, ref.snapshotId);
  if (!snapshot) refuse(`reference "${name}" names snapshot ${ref.snapshotId}, which is not there`);
  const refs = { ...metadata.refs, [name]: ref };
  if (name !== MAIN_BRANCH) return { ...metadata, refs };
  if (ref.type !== "branch") refuse(`"${MAIN_BRANCH}" is a branch`);
  if (metadata.currentSnapshotId === ref.snapshotId) return { ...metadata, refs };
  // A rollback is logged with the time of the change, a new snapshot with its own time.
  const timestampMs = added.snapshotIds.has(ref.snapshotId) ? snapshot.timestampMs : metadata.lastUpdatedMs;
  return {
    ...metadata,
    refs,
    currentSnapshotId: ref.snapshotId,
    snapshotLog: [...metadata.snapshotLog, { snapshotId: ref.snapshotId, timestampMs }],
  };
}

function removeRef(metadata: TableMetadata, name: string): TableMetadata {
  const refs = { ...metadata.refs };
  delete refs[name];
  return name === MAIN_BRANCH ? { ...metadata, refs, currentSnapshotId: undefined } : { ...metadata, refs };
}

/**
 * Also removes references to the removed snapshots, and the log up to its last entry that names one
 * ("Table Metadata Fields").
 */
function removeSnapshots(metadata: TableMetadata, ids: Set<bigint>): TableMetadata {
  const refs: Record<string, SnapshotRef> = {};
  for (const [name, ref] of Object.entries(metadata.refs)) if (!ids.has(ref.snapshotId)) refs[name] = ref;
  const lastGap = metadata.snapshotLog.findLastIndex((entry) => ids.has(entry.snapshotId));
  const isCurrentRemoved = metadata.currentSnapshotId !== undefined && ids.has(metadata.currentSnapshotId);
  return {
    ...metadata,
    refs,
    currentSnapshotId: isCurrentRemoved ? undefined : metadata.currentSnapshotId,
    snapshots: metadata.snapshots.filter((snapshot) => !ids.has(snapshot.snapshotId)),
    snapshotLog: metadata.snapshotLog.slice(lastGap + 1),
    statistics: metadata.statistics.filter((item) => !ids.has(readLong(item, "snapshot-id"))),
    partitionStatistics: metadata.partitionStatistics.filter((item) => !ids.has(readLong(item, "snapshot-id"))),
  };
}

function refuse(reason: string): never {
  throw new StreamlabError("usage", `Cannot change the table: ${reason}`);
}
