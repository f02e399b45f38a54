import { mapParallel } from "../base/parallel.ts";
import { StreamlabError } from "../base/errors.ts";
import { identifierText, type LoadedTable } from "../iceberg/catalog.ts";
import { versionOf } from "../iceberg/metadata_versions.ts";
import { reachableFiles } from "../iceberg/reachable_files.ts";
import { streamlabKey } from "../iceberg/spec/streamlab_keys.ts";
import type { TableMetadata } from "../iceberg/spec/table_metadata.ts";
import { announcerOf, Claims } from "./claims.ts";
import { withNewest } from "./newest.ts";
import { findStaleIntents, settleIntent } from "./stale_intents.ts";
import { storeNowMs } from "./store_clock.ts";
import type { Surroundings } from "./surroundings.ts";

export interface OrphansOptions {
  /** Younger files stay. */
  olderThanMs: number;
  dryRun: boolean;
}

export interface OrphansReport {
  /** Paths in the lake. */
  paths: string[];
  bytes: number;
  /** Temporary files and unfinished uploads of writers that died. */
  unfinished: number;
  /** Rewrites that were given up, and what they left behind. */
  givenUpRewrites: number;
}

/**
 * What nobody announces before it is written (manifests, files of other engines) is known by its age alone: however short the asked
 * age, younger files may belong to a commit under way.
 */
const UNANNOUNCED_MS_MIN = 3_600_000;
const STATS_PARALLEL = 16;
const DELETED_AT_ONCE = 1_000;

/**
 * Removes files in a table's folder that nothing names. The order is what makes it safe: first the files are listed, then intents, plans and
 * routed records are read, then the metadata; so a file that was listed and is about to be used is found in one of them.
 */
export async function removeOrphans(
  surroundings: Surroundings,
  { identifier, metadata, io: { location } }: LoadedTable,
  { olderThanMs, dryRun }: OrphansOptions,
): Promise<OrphansReport> {
  const { catalog, clock, random } = surroundings;
  const { store } = location;
  const isInLake = store === surroundings.store;
  const isFedHere = isInLake || await checkFeed(surroundings, metadata);
  const report: OrphansReport = { paths: [], bytes: 0, unfinished: 0, givenUpRewrites: 0 };
  // A look changes nothing, so it takes this machine's time for the store's.
  const lakeNowMs = dryRun ? clock.nowMs() : await storeNowMs(surroundings);
  const nowMs = dryRun || isInLake ? lakeNowMs : await storeNowMs({ store, random }, location.pathInStore("metadata"));
  // At an age of 0 this very instant is old enough.
  const stale = await findStaleIntents(surroundings, lakeNowMs - olderThanMs + 1, identifierText(identifier));
  report.givenUpRewrites = stale.length;
  if (!dryRun) { for (const intent of stale) report.paths.push(...await settleIntent(surroundings, intent)); }

  const listed: string[] = [];
  for (const folder of ["data/", "metadata/"]) {
    for await (const { path } of store.list(location.pathInStore(folder))) {
      if (isCandidate(path.slice(location.folder.length + 1))) listed.push(path);
    }
  }
  const claims = await Claims.read(surroundings.store, new Set(stale.map(({ id }) => id)));
  const candidates = await withNewest(catalog, identifier, async (table) => {
    const needed = await neededPaths(table);
    return listed.filter((path) =>
      !needed.has(sameSpelling(path)) && !claims.has(path.slice(location.folder.length + 1), path) &&
      !isNewVersion(table, path)
    );
  });
  const old = await mapParallel(candidates, STATS_PARALLEL, async (path) => {
    const info = await store.stat(path);
    // Whoever compacts a catalog's table may have announced it in another lake.
    const announcer = announcerOf(path);
    const isKnown = announcer === "batch" ? isFedHere : announcer === "rewrite" && isInLake;
    const ageMs = isKnown ? olderThanMs : Math.max(olderThanMs, UNANNOUNCED_MS_MIN);
    return info !== undefined && nowMs - info.modifiedMs >= ageMs ? info : undefined;
  });
  for (const info of old) {
    if (info === undefined) continue;
    report.paths.push(info.path);
    report.bytes += info.size;
  }
  if (!dryRun) {
    const paths = old.flatMap((info) => info === undefined ? [] : [info.path]);
    for (let at = 0; at < paths.length; at += DELETED_AT_ONCE) {
      await store.delete(paths.slice(at, at + DELETED_AT_ONCE));
    }
  }
  report.unfinished = await discardUnfinished(surroundings, `${location.folder}/`, nowMs - olderThanMs, dryRun);
  return report;
}

/**
 * A table of a catalog may be fed through another lake than the one at hand, and then its batches under way are announced there: `conflict`.
 * A lake that feeds a table keeps records of its last batches. False for a table that no batch has reached so far.
 */
async function checkFeed(
  { store }: Pick<Surroundings, "store">,
  { properties }: TableMetadata,
): Promise<boolean> {
  const key = streamlabKey.batchId("");
  const targets = Object.keys(properties).flatMap((name) => name.startsWith(key) ? name.slice(key.length) : []);
  for (const target of targets) {
    let isFed = false;
    for await (const { path } of store.list(`checkpoints/${target}/`)) isFed ||= /\.plan\.json$/.test(path);
    if (isFed) continue;
    throw new StreamlabError(
      "conflict",
      `The batches of ${target} are not recorded in ${store.root}, so nobody knows which files they are about to use`,
      { hint: "Name the lake that consume writes its checkpoints to, with --source" },
    );
  }
  return targets.length > 0;
}

/** Removes what writers that died left below a folder and no listing shows. Returns how many there were. */
export async function discardUnfinished(
  { store }: Pick<Surroundings, "store">,
  prefix: string,
  beforeMs: number,
  dryRun: boolean,
): Promise<number> {
  const old = [];
  for await (const write of store.listUnfinished(prefix)) {
    if (write.startedMs < beforeMs - UNANNOUNCED_MS_MIN) old.push(write);
  }
  if (!dryRun && old.length > 0) await store.discardUnfinished(old);
  return old.length;
}

/** Whether a file in a table's folder is of a kind that may be an orphan. Never the hint, statistics, or what is hidden. */
function isCandidate(pathInTable: string): boolean {
  const name = pathInTable.slice(pathInTable.lastIndexOf("/") + 1);
  if (/^[._]/.test(name) || /\.(puffin|stats)$/.test(name)) return false;
  return pathInTable.startsWith("data/") || /\.avro$|\.metadata\.json(\.gz)?$/.test(name);
}

/** By `sameSpelling`; of every snapshot, with the log of metadata files and the current one. */
async function neededPaths({ io, metadata, metadataLocation }: LoadedTable): Promise<Set<string>> {
  const { dataFiles, manifestLists, manifests, others } = await reachableFiles(io, metadata);
  const needed = new Set<string>();
  for (const uris of [dataFiles, manifestLists, manifests, others, [metadataLocation]]) {
    for (const uri of uris) {
      const path = io.location.findPath(uri);
      if (path !== undefined) needed.add(sameSpelling(path));
    }
  }
  return needed;
}

/**
 * One spelling for paths that engines spell differently: some write `a%20b` into metadata for a file `a b`, some name the file `a%20b`
 * (apache/iceberg 4346). Two files that are spelled alike here keep each other: that costs a file, the other way would cost rows.
 */
function sameSpelling(path: string): string {
  const decoded = path.replaceAll(/(?:%[0-9A-Fa-f]{2})+/g, (text) => {
    try {
      return decodeURIComponent(text);
    } catch {
      return text;
    }
  });
  return decoded.replaceAll("+", " ").replaceAll(/\/+/g, "/").normalize("NFC");
}

/** A version of the metadata that was written after the one that was read. */
function isNewVersion({ metadataLocation }: LoadedTable, path: string): boolean {
  const current = versionOf(metadataLocation), version = versionOf(path);
  return current !== undefined && version !== undefined && version >= current;
}
