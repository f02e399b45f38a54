/**
 * Decides what is ours to delete. All deletion from a store goes through here; a house test checks
 * it. Others write records, metadata and listings, too, and can name any file.
 */
import { LinkFinder } from "../disk/removal.ts";
import { mapParallel } from "../base/parallel.ts";
import { isPath } from "./path.ts";
import type { Store, UnfinishedWrite } from "./store.ts";

/** A folder for files of this program or of the table format, and the names of such files. */
export interface OwnPlace {
  /** Path in the store, without slashes around it; empty for the root. */
  readonly folder: string;
  /** Of the path below the folder. */
  isOwn(pathInFolder: string): boolean;
}

/** Why a file is left where it is. */
export type LeftReason =
  /** It is in no place of ours, or does not have a name of that place. */
  | "not ours"
  /** A symbolic link leads to it, so it may belong to someone else; or it is not a file. */
  | "linked";

export interface LeftFile {
  path: string;
  reason: LeftReason;
}

export interface Deletion {
  /** The deleted files, without missing ones if the store reports those. */
  deleted: string[];
  left: LeftFile[];
}

const LOOKS_PARALLEL = 16;
const DELETED_AT_ONCE = 1_000;

/**
 * Deletes those of the files that are ours: in one of the places, with a name that is made there,
 * and on disk reached through no link below the store's root.
 */
export async function deleteOwn(
  store: Store,
  paths: readonly string[],
  places: readonly OwnPlace[],
): Promise<Deletion> {
  const judged = await judgeOwn(store, paths, places);
  for (let at = 0; at < judged.deleted.length; at += DELETED_AT_ONCE) {
    await store.deletePaths(judged.deleted.slice(at, at + DELETED_AT_ONCE));
  }
  return judged;
}

/** What `deleteOwn` would do, and nothing done. */
export async function judgeOwn(
  store: Store,
  paths: readonly string[],
  places: readonly OwnPlace[],
): Promise<Deletion> {
  const own = paths.filter((path) => isOwnPath(path, places));
  const left = paths.filter((path) => !isOwnPath(path, places))
    .map((path): LeftFile => ({ path, reason: "not ours" }));
  const links = new LinkFinder(store.root);
  const standings = await mapParallel(own, LOOKS_PARALLEL, async (path) => {
    const local = store.localPath(path);
    return local === undefined ? "file" : await links.standing(local);
  });
  const deleted: string[] = [];
  for (const [index, path] of own.entries()) {
    const standing = standings[index]!;
    if (standing === "file") deleted.push(path);
    else if (standing !== "missing") left.push({ path, reason: "linked" });
  }
  return { deleted, left };
}

/**
 * Deletes files that this process has created under unique names: they are ours even if a link
 * leads to the folder. The names must still fit the places.
 */
export async function deleteMade(store: Store, paths: readonly string[], places: readonly OwnPlace[]): Promise<void> {
  const own = paths.filter((path) => isOwnPath(path, places));
  if (own.length > 0) await store.deletePaths(own);
}

/** Discards unfinished writes to files that would be ours. Returns how many. */
export async function discardOwn(
  store: Store,
  writes: readonly UnfinishedWrite[],
  places: readonly OwnPlace[],
  { dryRun }: { dryRun: boolean },
): Promise<number> {
  const { deleted } = await judgeOwn(store, writes.map(({ path }) => path), places);
  const paths = new Set(deleted);
  const own = writes.filter(({ path }) => paths.has(path));
  if (!dryRun && own.length > 0) await store.discardUnfinished(own);
  return own.length;
}

/** By name alone; `deleteOwn` also checks for links. */
export function isOwnPath(path: string, places: readonly OwnPlace[]): boolean {
  if (!isPath(path)) return false;
  return places.some(({ folder, isOwn }) => {
    if (folder === "") return isOwn(path);
    return path.startsWith(`${folder}/`) && isOwn(path.slice(folder.length + 1));
  });
}
