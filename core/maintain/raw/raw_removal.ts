import { isKind } from "../../base/errors.ts";
import { mapParallel } from "../../base/parallel.ts";
import { eventFileKind } from "../../lake/event_file.ts";
import { archivePathOf } from "../../lake/raw_archive.ts";
import type { RawZone } from "../../lake/raw_zone.ts";
import { deleteOwn, judgeOwn, type OwnPlace } from "../../storage/deletion.ts";
import type { FileInfo, Store } from "../../storage/store.ts";
import type { IngestedFile } from "./ingested_files.ts";

/** What becomes of a raw file that is accounted for. */
export type AfterIngest = "archive" | "delete";

export interface RawRemoval {
  files: number;
  bytes: number;
  /** Files that stay, and why: continues after the name. */
  left: { path: string; reason: string }[];
}

const FILES_PARALLEL = 16;
const COMPARED_BYTES = 4 << 20;

/**
 * Takes these files out of the raw zone, if they are still the versions that were ingested. What is
 * archived has a durable copy before it goes, so that it is in one of the two places whenever this
 * is cut off, and done with when it is repeated.
 */
export async function removeRaw(
  lake: Store,
  zone: RawZone,
  ingested: readonly IngestedFile[],
  action: AfterIngest,
): Promise<RawRemoval> {
  const removal: RawRemoval = { files: 0, bytes: 0, left: [] };
  const place = rawPlace(zone, new Set(ingested.map(({ path }) => path)));
  const there = await stillThere(zone.store, ingested);
  const { deleted, left } = await judgeOwn(zone.store, there.map(({ path }) => path), [place]);
  for (const { path } of left) removal.left.push({ path, reason: "is reached through a link" });
  const own = new Set(deleted);
  const ready = await mapParallel(there.filter(({ path }) => own.has(path)), FILES_PARALLEL, async (file) => {
    if (action === "delete" || await isArchivedNow(lake, zone, file)) return [file];
    removal.left.push({ path: file.path, reason: "has another file of its name in the archive" });
    return [];
  });
  // Copying took its time.
  const unchanged = await stillThere(zone.store, ready.flat());
  const gone = new Set((await deleteOwn(zone.store, unchanged.map(({ path }) => path), [place])).deleted);
  for (const { path, size } of unchanged) {
    if (!gone.has(path)) continue;
    removal.files++;
    removal.bytes += size;
  }
  return removal;
}

/** Only what was named, and only event files of the zone. */
function rawPlace({ prefix, format }: RawZone, paths: ReadonlySet<string>): OwnPlace {
  return {
    folder: prefix.replace(/\/$/, ""),
    isOwn: (path) => paths.has(prefix + path) && eventFileKind(path, format) !== undefined,
  };
}

async function stillThere(store: Store, files: readonly IngestedFile[]): Promise<FileInfo[]> {
  const versions = Map.groupBy(files, ({ path }) => path);
  const infos = await mapParallel([...versions.keys()], FILES_PARALLEL, (path) => store.stat(path));
  return infos.filter((info) => info !== undefined)
    .filter(({ path, etag }) => versions.get(path)!.some((version) => version.etag === etag));
}

/** Whether the archive has it: from now on, or since a run that was cut off. */
async function isArchivedNow(lake: Store, zone: RawZone, { path, etag, size }: FileInfo): Promise<boolean> {
  const name = zone.nameBase + path, to = archivePathOf(name);
  if (to === undefined) return false;
  try {
    if (await lake.copy(name, to, etag)) return true;
  } catch (error) {
    // It is another file by now, or gone.
    if (isKind(error, "conflict", "not-found")) return false;
    throw error;
  }
  return (await lake.stat(to))?.size === size && await areEqual(lake, name, to, size);
}

/** Their etags can differ: those of a bucket say in which parts a file was uploaded. */
async function areEqual(lake: Store, path: string, other: string, size: number): Promise<boolean> {
  for (let at = 0; at < size; at += COMPARED_BYTES) {
    const [a, b] = await Promise.all([path, other].map((each) => lake.readRange(each, at, COMPARED_BYTES)));
    if (a!.length !== b!.length || a!.some((byte, index) => byte !== b![index])) return false;
  }
  return true;
}
