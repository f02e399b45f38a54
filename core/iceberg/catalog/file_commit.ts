import type { Clock } from "../../base/clock.ts";
import { ifFound, isKind, StreamlabError } from "../../base/errors.ts";
import type { Random } from "../../base/random.ts";
import { backoffMs } from "../../base/retry.ts";
import { deleteMade } from "../../storage/deletion.ts";
import type { Store } from "../../storage/store.ts";
import type { TableMetadata } from "../format/table_metadata.ts";
import { readMetadata } from "./metadata_file.ts";
import { listVersions, type MetadataVersion, versionOf, versionPlace } from "./metadata_versions.ts";

/**
 * Attempts at one version whose outcome stays unknown; the store has already retried what it may.
 */
const CREATE_RETRY = { attemptsMax: 5, delayMsMin: 50, delayMsMax: 2000 };

/** Attempts to list versions, if the highest is removed before it is read. */
const LOOKS_MAX = 5;

/**
 * Creates a metadata file only if it is absent; true when it is there by us. What the store leaves
 * unknown (a time-out, an error after the bytes went out) is read back: the file is ours if it
 * carries our commit's id. While nothing can be read back the same bytes are sent again, because an
 * earlier attempt may still arrive.
 */
export async function createVersion(
  store: Store,
  path: string,
  bytes: Uint8Array,
  commitId: string,
  { clock, random }: { clock: Clock; random: Random },
): Promise<boolean> {
  for (let attempt = 1;; attempt++) {
    let failure: unknown;
    try {
      if (await store.create(path, bytes)) return true;
    } catch (error) {
      if (!isKind(error, "unavailable")) throw error;
      failure = error;
    }
    try {
      const found = await commitIdAt(store, path);
      if (found !== undefined) return found === commitId;
      // Taken when we asked and gone now: others have cleaned up that far. Whether it was ours
      // cannot be told.
      failure ??= unknownOutcome(path);
    } catch (error) {
      if (!isKind(error, "unavailable")) throw error;
      failure ??= error;
    }
    // The store's own error is clearer than "unknown outcome": a full disk, a wrong key.
    if (attempt === CREATE_RETRY.attemptsMax) throw failure;
    await clock.sleep(backoffMs(CREATE_RETRY, attempt, random));
  }
}

/**
 * Where a version that we created stands: nothing above it, the table built on it since, or a
 * number that was long taken.
 */
export type VersionStanding = "highest" | "built-on" | "late";

/**
 * Whether the version that we created is part of the table. Old metadata files are cleaned up, so a
 * writer that slept can create a number again that was taken long ago; then the listing shows
 * higher versions that do not descend from ours. Evidence, the strongest first: the metadata log of
 * the highest version holds our commit's id, or that version under another id; its snapshots hold
 * ours; by the store's clock our file is younger than a higher version. Throws `unavailable` when
 * none of it decides.
 */
export async function verifyHead(
  store: Store,
  folder: string,
  version: number,
  commitId: string,
  addedSnapshots: bigint[],
): Promise<{ standing: VersionStanding; etag: string | undefined }> {
  const { etag, higher, head: metadata } = await versionsAbove(store, folder, version);
  if (!metadata) return { standing: "highest", etag };
  const log = metadata.metadataLog;
  if (log.some((entry) => entry.commitId === commitId)) return { standing: "built-on", etag };
  if (addedSnapshots.some((id) => metadata.snapshots.some((snapshot) => snapshot.snapshotId === id))) {
    return { standing: "built-on", etag };
  }
  const other = log.find((entry) => versionOf(entry.metadataFile) === version && entry.commitId !== undefined);
  const path = `${folder}/metadata/v${version}.metadata.json`;
  if (other || await isYoungerThanAny(store, path, higher)) {
    await deleteMade(store, [path], [versionPlace(folder)]);
    return { standing: "late", etag };
  }
  throw unknownOutcome(path);
}

/**
 * The versions above that one, and the content of the highest; also its own etag, if the listing
 * has it. Lists again if the highest is cleaned up in between.
 */
async function versionsAbove(
  store: Store,
  folder: string,
  version: number,
): Promise<{ etag: string | undefined; higher: MetadataVersion[]; head: TableMetadata | undefined }> {
  for (let look = 1;; look++) {
    const listed = await listVersions(store, folder);
    const etag = listed.find((candidate) => candidate.version === version)?.etag;
    const higher = listed.filter((candidate) => candidate.version > version);
    const path = higher.at(-1)?.path;
    if (path === undefined) return { etag, higher, head: undefined };
    try {
      return { etag, higher, head: await readMetadata(store, path) };
    } catch (error) {
      if (!isKind(error, "not-found") || look === LOOKS_MAX) throw error;
    }
  }
}

/** Whether a higher version was there before this file: then this one came late. */
async function isYoungerThanAny(store: Store, path: string, higher: MetadataVersion[]): Promise<boolean> {
  const own = await store.stat(path);
  if (!own) return false;
  for (const candidate of higher) {
    const other = await store.stat(candidate.path);
    if (other && own.modifiedMs > other.modifiedMs) return true;
  }
  return false;
}

async function commitIdAt(store: Store, path: string): Promise<string | undefined> {
  const metadata = await ifFound(readMetadata(store, path));
  // A file of another engine has no such id: it is not ours.
  return metadata && (metadata.commitId ?? "");
}

function unknownOutcome(path: string): StreamlabError {
  return new StreamlabError("unavailable", `Cannot tell whether the commit of ${path} happened`, {
    hint: "Run again: what is there already is recognised",
  });
}
