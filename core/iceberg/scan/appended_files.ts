import type { DataFile } from "../format/data_file.ts";
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
    const own = (await io.readManifestList(snapshot)).filter((each) => each.addedSnapshotId === snapshot.snapshotId);
    if (own.some(({ content }) => content !== "data")) return undefined;
    for (const entry of (await io.readManifests(own, metadata)).flat()) {
      // A manifest that was merged into a new one brings what it had before as existing.
      if (entry.status === "added" && entry.snapshotId === snapshot.snapshotId) files.push(entry.dataFile);
      else if (entry.status === "deleted" && entry.snapshotId === snapshot.snapshotId) return undefined;
    }
  }
  return files;
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
