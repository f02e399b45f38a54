import { mapParallel } from "../base/parallel.ts";
import { uriKey } from "../storage/uri.ts";
import type { JsonObject } from "./format/json_field.ts";
import type { ManifestFile } from "./format/manifest_file.ts";
import type { Snapshot } from "./format/snapshot.ts";
import type { TableMetadata } from "./format/table_metadata.ts";
import type { TableIo } from "./table_io.ts";

/** Files by what they are; URIs as they stand in metadata. */
export interface TableFiles {
  /** One for each snapshot. */
  manifestLists: Set<string>;
  /** Of data and of deletes. */
  manifests: Set<string>;
  /** Data files and delete files. */
  dataFiles: Set<string>;
  /** Statistics, partition statistics, and the log of earlier metadata files. */
  others: Set<string>;
}

/** Files that nothing names any more. */
export interface UnreachableFiles extends TableFiles {
  /** Of data files, delete files and manifests. */
  bytes: number;
}

/** What counts as named. */
export interface ReachOptions {
  /** A file is not named by being listed as deleted; default: it is. */
  liveOnly?: boolean;
}

/**
 * Every file that the metadata names, in any of its snapshots: what orphan removal must not touch.
 * The metadata file itself is not among them.
 */
export async function reachableFiles(
  io: TableIo,
  metadata: TableMetadata,
  options: ReachOptions = {},
): Promise<TableFiles> {
  const manifests = await manifestsOf(io, metadata.snapshots);
  const files: TableFiles = {
    manifestLists: new Set(metadata.snapshots.flatMap((snapshot) => snapshot.manifestList ?? [])),
    manifests: new Set(manifests.keys()),
    dataFiles: new Set((await filesOf(io, metadata, [...manifests.values()], options.liveOnly ?? false)).keys()),
    others: new Set([
      ...metadata.statistics.flatMap(statisticsPath),
      ...metadata.partitionStatistics.flatMap(statisticsPath),
      ...metadata.metadataLog.map((entry) => entry.metadataFile),
    ]),
  };
  return files;
}

/**
 * The files that `before` names and `after`, the same table with fewer snapshots, does not: what
 * may be deleted once no reader is on an expired snapshot any more. `before` is what the removal
 * was committed on. Where history is one line, looking at the oldest and the newest snapshot that
 * stay is enough: what the oldest does not name only comes back in its descendants by being added
 * again.
 */
export async function unreachableFiles(
  io: TableIo,
  before: TableMetadata,
  after: TableMetadata,
): Promise<UnreachableFiles> {
  const keptIds = new Set(after.snapshots.map((snapshot) => snapshot.snapshotId));
  const expired = before.snapshots.filter((snapshot) => !keptIds.has(snapshot.snapshotId));
  const kept = endsOfLine(before, keptIds) ?? after.snapshots;
  const [expiredManifests, keptManifests] = await Promise.all([manifestsOf(io, expired), manifestsOf(io, kept)]);
  const gone = [...expiredManifests.values()].filter((manifest) => !keptManifests.has(manifest.path));
  const [candidates, live] = await Promise.all([
    filesOf(io, before, gone, false),
    filesOf(io, before, [...keptManifests.values()], true),
  ]);
  // Under any spelling, and as whatever it is named.
  const stays = new Set([
    ...live.keys(),
    ...keptManifests.keys(),
    ...after.snapshots.flatMap((snapshot) => snapshot.manifestList ?? []),
    ...[...after.statistics, ...after.partitionStatistics].flatMap(statisticsPath),
    ...after.metadataLog.map((entry) => entry.metadataFile),
  ].map(uriKey));
  const without = (uris: Iterable<string>) => new Set([...uris].filter((uri) => !stays.has(uriKey(uri))));
  const manifests = without(gone.map((manifest) => manifest.path));
  const dataFiles = without(candidates.keys());
  return {
    manifestLists: without(expired.flatMap((snapshot) => snapshot.manifestList ?? [])),
    manifests,
    dataFiles,
    others: without([...before.statistics, ...before.partitionStatistics].flatMap(statisticsPath)),
    bytes: gone.reduce((sum, { path, length }) => sum + (manifests.has(path) ? length : 0), 0) +
      [...dataFiles].reduce((sum, path) => sum + candidates.get(path)!, 0),
  };
}

/**
 * The oldest and the newest snapshot that stay, where those that stay are the end of one line
 * without branches or rollbacks.
 */
function endsOfLine(metadata: TableMetadata, keptIds: Set<bigint>): Snapshot[] | undefined {
  const { snapshots } = metadata;
  const isLine = snapshots.every((snapshot, i) =>
    i === 0 || snapshot.parentSnapshotId === snapshots[i - 1]!.snapshotId
  );
  const first = snapshots.findIndex((snapshot) => keptIds.has(snapshot.snapshotId));
  if (!isLine || first < 0 || snapshots.length - first !== keptIds.size) return undefined;
  return [snapshots[first]!, snapshots[snapshots.length - 1]!];
}

async function manifestsOf(io: TableIo, snapshots: Snapshot[]): Promise<Map<string, ManifestFile>> {
  const lists = await mapParallel(snapshots, 16, (snapshot) => io.readManifestList(snapshot));
  return new Map(lists.flat().map((manifest) => [manifest.path, manifest]));
}

/** By path, with their sizes in bytes. */
async function filesOf(
  io: TableIo,
  metadata: TableMetadata,
  manifests: ManifestFile[],
  liveOnly: boolean,
): Promise<Map<string, number>> {
  const files = new Map<string, number>();
  await mapParallel(manifests, 16, async (manifest) => {
    for (const { status, dataFile } of await io.readManifest(manifest, metadata)) {
      if (!liveOnly || status !== "deleted") files.set(dataFile.path, dataFile.fileSizeBytes);
    }
  });
  return files;
}

function statisticsPath(statistics: JsonObject): string[] {
  const path = statistics["statistics-path"];
  return typeof path === "string" ? [path] : [];
}
