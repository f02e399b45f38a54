import { mapParallel } from "../../base/parallel.ts";
import { StreamlabError } from "../../base/errors.ts";
import { identifierText, type LoadedTable, type TableIdentifier } from "../../iceberg/catalog/catalog.ts";
import { isOwnManifestName } from "../../iceberg/manifest/manifest_name.ts";
import { versionOf } from "../../iceberg/catalog/metadata_versions.ts";
import { reachableFiles } from "../../iceberg/reachable_files.ts";
import { streamlabKey, targetsOf } from "../../lake/keys.ts";
import type { TableMetadata } from "../../iceberg/format/table_metadata.ts";
import { findInnerTable } from "../../iceberg/own_files.ts";
import { deleteOwn, judgeOwn, type LeftFile } from "../../storage/deletion.ts";
import type { FileInfo, Store } from "../../storage/store.ts";
import { Claims } from "../../lake/claims.ts";
import { originOf } from "../../lake/data_file_name.ts";
import { hasRecords } from "../../lake/checkpoint.ts";
import { uriKey } from "../../storage/uri.ts";
import { fenceCommits } from "../fence.ts";
import { checkGarbage, CleaningGround } from "./cleaning_ground.ts";
import { discardUnfinished, isLeftover, leftoverPlace } from "./leftovers.ts";
import { withNewest } from "../../tables/read/newest.ts";
import { findAbandonedIntents, settleIntent } from "../abandoned_intents.ts";
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
  abandonedRewrites: number;
  /** Files that nothing names, old enough, and not ours to delete. */
  left: LeftFile[];
  /** Old intents that no compaction of this table can have written, and that were left. */
  foreignIntents: number;
}

/**
 * For files of other engines only the age is known. Younger ones may belong to a commit in flight,
 * whatever age is asked for.
 */
const FOREIGN_MS_MIN = 3_600_000;
const STATS_PARALLEL = 16;

/**
 * Removes files in a table's folder that nothing names. The order is what makes it safe: first the
 * files are listed, then intents, plans and routed records are read, then lost commits are fenced,
 * then the metadata is read; so one of them names each listed file that will still be used. What
 * waits for readers is read last: it was named by the metadata until it was written down.
 */
export async function removeOrphans(
  surroundings: Surroundings,
  table: LoadedTable,
  options: OrphansOptions,
): Promise<OrphansReport> {
  const { identifier, io: { location } } = table;
  const { olderThanMs, dryRun } = options;
  const { store } = location;
  checkGarbage(table);
  const ground = await CleaningGround.of(surroundings, table);
  const times = await readTimes(surroundings, table, options);
  // At an age of 0 this very instant is old enough.
  const { abandoned, foreign } = await findAbandonedIntents(
    surroundings,
    ({ modifiedMs }) => modifiedMs <= times.lakeNowMs - olderThanMs,
    table,
  );
  const paths: string[] = [];
  if (!dryRun) { for (const intent of abandoned) paths.push(...await settleIntent(surroundings, table, intent)); }

  const listed = await listCandidates(table);
  const settled = new Set(abandoned.map(({ id }) => id));
  const claims = await Claims.read(surroundings.store, settled, ({ kind }) => kind !== "removal");
  const ages = await AgeRule.of(surroundings, table);
  const unnamed = await findUnnamed(surroundings, identifier, listed, claims);
  let old = await findOld(store, unnamed, (info) => times.nowMs - info.modifiedMs >= ages.ageMsMin(info.path, options));
  if (!dryRun && old.some(({ path }) => ages.needsFence(path))) {
    await fenceCommits(surroundings, identifier, { [streamlabKey.fencedFiles]: String(old.length) });
    const still = new Set(await findUnnamed(surroundings, identifier, old.map(({ path }) => path), claims));
    old = old.filter(({ path }) => still.has(path));
  }
  const places = [...ground.places("data", "manifest", "version"), leftoverPlace];
  const { deleted, left } = await (dryRun ? judgeOwn : deleteOwn)(store, old.map(({ path }) => path), places);
  const sizes = new Map(old.map(({ path, size }) => [path, size]));
  const ours = ground.places("data", "manifest", "statistics", "version", "hint");
  return {
    paths: [...paths, ...deleted],
    bytes: deleted.reduce((sum, path) => sum + sizes.get(path)!, 0),
    unfinished: await discardUnfinished(store, location.pathInStore(""), ours, times.nowMs - olderThanMs, dryRun),
    abandonedRewrites: abandoned.length,
    left,
    foreignIntents: foreign,
  };
}

/**
 * Files in the table's folders that may be orphans. Fails with `conflict` where another table lies
 * among them, in whatever catalog that is.
 */
async function listCandidates({ identifier, io: { location } }: LoadedTable): Promise<string[]> {
  const listed: string[] = [];
  for (const folder of ["data/", "metadata/"]) {
    for await (const { path } of location.store.list(location.pathInStore(folder))) listed.push(path);
  }
  const inner = findInnerTable(location.folder, listed);
  if (inner === undefined) return listed.filter((path) => isCandidate(location.pathInTable(path)));
  throw new StreamlabError(
    "conflict",
    `Cannot delete files of ${identifierText(identifier)}: another table lies in it, at ${inner}`,
    { hint: "Nothing was deleted, because the files could belong to either. Give each table its own place" },
  );
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
  { catalog, store }: Surroundings,
  identifier: TableIdentifier,
  paths: readonly string[],
  claims: Claims,
): Promise<string[]> {
  return withNewest(catalog, identifier, async (table) => {
    const needed = await neededPaths(table);
    const waiting = await Claims.readWaiting(store);
    const { io: { location }, metadata: { properties } } = table;
    return paths.filter((path) => {
      if (needed.has(uriKey(path)) || isNewVersion(table, path)) return false;
      const pathInTable = location.pathInTable(path);
      const file = { pathInTable, path, uri: location.uriOf(pathInTable) };
      return !claims.has(file, properties) && !waiting.has(file, properties);
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
 * A catalog's table may be ingested through another lake, whose checkpoints we cannot see:
 * `conflict`. A lake that feeds a table keeps records of its last batches. False for a table that
 * no batch has reached so far.
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
      `The batches of ${target} are not recorded in ${store.root}, so files that they still need are not known`,
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

/** By `uriKey`; of every snapshot, with the log of metadata files and the current one. */
async function neededPaths({ io, metadata, metadataLocation }: LoadedTable): Promise<Set<string>> {
  const { dataFiles, manifestLists, manifests, others } = await reachableFiles(io, metadata);
  const needed = new Set<string>();
  for (const uris of [dataFiles, manifestLists, manifests, others, [metadataLocation]]) {
    for (const uri of uris) {
      const path = io.location.findPath(uri);
      if (path !== undefined) needed.add(uriKey(path));
    }
  }
  return needed;
}

/** A version of the metadata that was written after the one that was read. */
function isNewVersion({ metadataLocation }: LoadedTable, path: string): boolean {
  const current = versionOf(metadataLocation), version = versionOf(path);
  return current !== undefined && version !== undefined && version >= current;
}
