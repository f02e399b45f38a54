import type { DataFile } from "../format/data_file.ts";
import type { EntryStatus } from "../format/manifest_entry.ts";
import { snapshotById, type TableMetadata } from "../format/table_metadata.ts";
import type { Snapshot } from "../format/snapshot.ts";
import type { TableIo } from "../table_io.ts";

/** Beyond so many snapshots it costs more to follow them than to read the table anew. */
const SNAPSHOTS_MAX = 64;

/**
 * The data files of all rows that came to the table since that snapshot, oldest first; they need
 * not be live any more. Undefined where that cannot be told by what was appended: the snapshot is
 * no ancestor that is still known, rows were changed or removed, or it is too long ago. Throws
 * `not-found` where files of an expired snapshot are gone.
 */
export async function appendedSince(
  io: TableIo,
  metadata: TableMetadata,
  snapshotId: bigint | undefined,
): Promise<DataFile[] | undefined> {
  const snapshots = snapshotsSince(metadata, snapshotId);
  if (snapshots === undefined) return undefined;
  const files: DataFile[] = [];
  for (const snapshot of snapshots) {
    const { operation } = snapshot.summary;
    // Specification, "Snapshots": replace changes files, never rows.
    if (operation === "replace") continue;
    if (operation !== "append") return undefined;
    const { added, removed, hasDeletes } = await changesOf(io, metadata, snapshot);
    if (hasDeletes || removed.length > 0) return undefined;
    files.push(...added);
  }
  return files;
}

/** What a snapshot did to data files: rows came with them, or moved from some to others. */
export interface FileMove {
  /** Added files. */
  added: DataFile[];
  /** Removed files: their rows are in the added ones; none where rows were appended. */
  removed: DataFile[];
}

/**
 * What has happened to data files since that snapshot, oldest first, where no row has gone or
 * changed; undefined where that is not sure. Throws as `appendedSince` does.
 */
export async function movesSince(
  io: TableIo,
  metadata: TableMetadata,
  snapshotId: bigint | undefined,
): Promise<FileMove[] | undefined> {
  const moves: FileMove[] = [];
  for (const snapshot of snapshotsSince(metadata, snapshotId) ?? [undefined]) {
    const operation = snapshot?.summary.operation;
    if (snapshot === undefined || (operation !== "append" && operation !== "replace")) return undefined;
    const { added, removed, hasDeletes } = await changesOf(io, metadata, snapshot);
    if (operation === "append" && (hasDeletes || removed.length > 0)) return undefined;
    moves.push({ added, removed });
  }
  return moves;
}

async function changesOf(
  io: TableIo,
  metadata: TableMetadata,
  snapshot: Snapshot,
): Promise<FileMove & { hasDeletes: boolean }> {
  const own = (await io.readManifestList(snapshot)).filter((each) => each.addedSnapshotId === snapshot.snapshotId);
  const data = own.filter(({ content }) => content === "data");
  // A manifest that was merged into a new one brings what it had before as existing.
  const entries = (await io.readManifests(data, metadata)).flat().filter((entry) => {
    return entry.snapshotId === snapshot.snapshotId;
  });
  const filesOf = (status: EntryStatus) =>
    entries.filter((entry) => entry.status === status).map((each) => each.dataFile);
  return { added: filesOf("added"), removed: filesOf("deleted"), hasDeletes: data.length < own.length };
}

/** `snapshotId` is undefined before there was any. */
function snapshotsSince(metadata: TableMetadata, snapshotId: bigint | undefined): Snapshot[] | undefined {
  const snapshots: Snapshot[] = [];
  for (let id = metadata.currentSnapshotId; id !== snapshotId;) {
    const snapshot = id === undefined ? undefined : snapshotById(metadata, id);
    // An expired one: what came with it is not known.
    if (snapshot === undefined || snapshots.length === SNAPSHOTS_MAX) return undefined;
    snapshots.unshift(snapshot);
    id = snapshot.parentSnapshotId;
  }
  return snapshots;
}
