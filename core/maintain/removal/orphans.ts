import { mapParallel } from "../../base/parallel.ts";
import { StreamlabError } from "../../base/errors.ts";
import { identifierText, type LoadedTable, type TableIdentifier } from "../../iceberg/catalog/catalog.ts";
import { isOwnManifestName } from "../../iceberg/manifest/manifest_name.ts";
import { versionOf } from "../../iceberg/catalog/metadata_versions.ts";
import { reachableFiles } from "../../iceberg/reachable_files.ts";
import { streamlabKey, targetsOf } from "../../lake/keys.ts";
import type { TableMetadata } from "../../iceberg/format/table_metadata.ts";
import type { FileInfo, Store } from "../../storage/store.ts";
import { Claims } from "../../lake/claims.ts";
import { originOf } from "../../lake/data_file_name.ts";
import { hasRecords } from "../../lake/checkpoint.ts";
import { fenceCommits } from "../fence.ts";
import { discardUnfinished, isLeftover } from "./leftovers.ts";
import { withNewest } from "../../tables/read/newest.ts";
import { findStaleIntents, settleIntent } from "../stale_intents.ts";
import { storeNowMs } from "../store_clock.ts";
import type { Surroundings } from "../surroundings.ts";

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
  /** Abandoned rewrites, and what they left behind. */
  givenUpRewrites: number;
}

/**
 * Files of other engines are known by their age alone: however short the asked age, younger ones
 * may belong to a commit under way.
 */
const FOREIGN_MS_MIN = 3_600_000;
const STATS_PARALLEL = 16;
const DELETED_AT_ONCE = 1_000;

/**
 * Removes files in a table's folder that nothing names. The order is what makes it safe: first the
 * files are listed, then intents, plans and routed records are read, then lost commits are fenced,
 * then the metadata is read; so a file that was listed and is about to be used is found in one of
 * them, or never will be used.
 */
export async function removeOrphans(
  surroundings: Surroundings,
  table: LoadedTable,
  options: OrphansOptions,
): Promise<OrphansReport> {
  const { identifier, io: { location } } = table;
  const { olderThanMs, dryRun } = options;
  const { store } = location;
  const times = await readTimes(surroundings, table, options);
  // At an age of 0 this very instant is old enough.
  const stale = await findStaleIntents(surroundings, times.lakeNowMs - olderThanMs + 1, identifierText(identifier));
  const paths: string[] = [];
  if (!dryRun) { for (const intent of stale) paths.push(...await settleIntent(surroundings, intent)); }

  const listed: string[] = [];
  for (const folder of ["data/", "metadata/"]) {
    for await (const { path } of store.list(location.pathInStore(folder))) {
      if (isCandidate(path.slice(location.folder.length + 1))) listed.push(path);
    }
  }
  const claims = await Claims.read(surroundings.store, new Set(stale.map(({ id }) => id)));
  const ages = await AgeRule.of(surroundings, table);
  const unnamed = await findUnnamed(surroundings, identifier, listed, claims);
  let old = await findOld(store, unnamed, (info) => times.nowMs - info.modifiedMs >= ages.ageMsMin(info.path, options));
  if (!dryRun && old.some(({ path }) => ages.needsFence(path))) {
    await fenceCommits(surroundings, identifier, { [streamlabKey.fencedFiles]: String(old.length) });
    const still = new Set(await findUnnamed(surroundings, identifier, old.map(({ path }) => path), claims));
    old = old.filter(({ path }) => still.has(path));
  }
  if (!dryRun) {
    for (let at = 0; at < old.length; at += DELETED_AT_ONCE) {
      await store.delete(old.slice(at, at + DELETED_AT_ONCE).map(({ path }) => path));
    }
  }
  return {
    paths: [...paths, ...old.map(({ path }) => path)],
    bytes: old.reduce((sum, { size }) => sum + size, 0),
    unfinished: await discardUnfinished(surroundings, `${location.folder}/`, times.nowMs - olderThanMs, dryRun),
    givenUpRewrites: stale.length,
  };
}

/**
 * By the clock of the lake's store, and by that of the table's. A look changes nothing, so it takes
 * this machine's time for both.
 */
async function readTimes(
  surroundings: Surroundings,
  { io: { location } }: LoadedTable,
  { dryRun }: OrphansOptions,
): Promise<{ lakeNowMs: number; nowMs: number }> {
  const { store } = location;
  const lakeNowMs = dryRun ? surroundings.clock.nowMs() : await storeNowMs(surroundings);
  if (dryRun || store === surroundings.store) return { lakeNowMs, nowMs: lakeNowMs };
  return { lakeNowMs, nowMs: await storeNowMs({ ...surroundings, store }, location.pathInStore("metadata")) };
}

/**
 * Of these files those that the newest metadata does not name, that are no version of it that is
 * current or to come, and that nobody claims.
 */
function findUnnamed(
  { catalog }: Surroundings,
  identifier: TableIdentifier,
  paths: readonly string[],
  claims: Claims,
): Promise<string[]> {
  return withNewest(catalog, identifier, async (table) => {
    const needed = await neededPaths(table);
    const { io: { location }, metadata: { properties } } = table;
    return paths.filter((path) => {
      const pathInTable = path.slice(location.folder.length + 1);
      return !needed.has(sameSpelling(path)) && !isNewVersion(table, path) &&
        !claims.has({ pathInTable, path, uri: location.uriOf(pathInTable) }, properties);
    });
  });
}

async function findOld(
  store: Store,
  paths: readonly string[],
  isOld: (info: FileInfo) => boolean,
): Promise<FileInfo[]> {
  const infos = await mapParallel(paths, STATS_PARALLEL, (path) => store.stat(path));
  return infos.filter((info) => info !== undefined && isOld(info)) as FileInfo[];
}

/** How old a file must be at least before it may go, by who wrote it. */
class AgeRule {
  /** The table's batches are announced in the lake at hand. */
  readonly #isFedHere: boolean;
  /** Whoever compacts a catalog's table may have announced it in another lake. */
  readonly #isInLake: boolean;
  readonly #canFence: boolean;
  readonly #hasVersions: boolean;

  private constructor(isFedHere: boolean, isInLake: boolean, canFence: boolean, hasVersions: boolean) {
    this.#isFedHere = isFedHere;
    this.#isInLake = isInLake;
    this.#canFence = canFence;
    this.#hasVersions = hasVersions;
  }

  static async of(surroundings: Surroundings, { metadata, metadataLocation, io }: LoadedTable): Promise<AgeRule> {
    const isInLake = io.location.store === surroundings.store;
    const isFedHere = isInLake || await checkFeed(surroundings, metadata);
    return new AgeRule(isFedHere, isInLake, metadata.formatVersion === 2, versionOf(metadataLocation) !== undefined);
  }

  ageMsMin(path: string, { olderThanMs }: OrphansOptions): number {
    const origin = originOf(path)?.kind;
    const isKnown = origin === "batch" ? this.#isFedHere : origin === "rewrite" ? this.#isInLake : this.#isOurs(path);
    return isKnown ? olderThanMs : Math.max(olderThanMs, FOREIGN_MS_MIN);
  }

  /** Whether a commit under way could still make use of it, if it is not fenced. */
  needsFence(path: string): boolean {
    return this.#canFence && isOwnManifestName(nameOf(path));
  }

  /**
   * Written for a commit that can be fenced, or a version that is no longer part of the table, or
   * worth nothing to anybody.
   */
  #isOurs(path: string): boolean {
    return this.needsFence(path) || (this.#hasVersions && versionOf(path) !== undefined) || isLeftover(path);
  }
}

/**
 * A table of a catalog may be fed through another lake than the one at hand, and then its batches
 * under way are announced there: `conflict`. A lake that feeds a table keeps records of its last
 * batches. False for a table that no batch has reached so far.
 */
async function checkFeed(
  { store }: Pick<Surroundings, "store">,
  { properties }: TableMetadata,
): Promise<boolean> {
  const targets = targetsOf(properties);
  for (const target of targets) {
    if (await hasRecords(store, target)) continue;
    throw new StreamlabError(
      "conflict",
      `The batches of ${target} are not recorded in ${store.root}, so nobody knows which files they are about to use`,
      { hint: "Name the lake that consume writes its checkpoints to, with --source" },
    );
  }
  return targets.length > 0;
}

/**
 * Whether a file in a table's folder is of a kind that may be an orphan. Never the hint,
 * statistics, or what is hidden.
 */
function isCandidate(pathInTable: string): boolean {
  const name = nameOf(pathInTable);
  if (isLeftover(name)) return true;
  if (/^[._]/.test(name) || /\.(puffin|stats)$/.test(name)) return false;
  return pathInTable.startsWith("data/") || /\.avro$|\.metadata\.json(\.gz)?$/.test(name);
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
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
 * One spelling for paths that engines spell differently: some write `a%20b` into metadata for a
 * file `a b`, some name the file `a%20b` (apache/iceberg 4346). Two files that are spelled alike
 * here keep each other: that costs a file, the other way would cost rows.
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
