import type { Clock } from "../../base/clock.ts";
import { ifFound, isKind, StreamlabError } from "../../base/errors.ts";
import { early } from "../../base/parallel.ts";
import type { Random } from "../../base/random.ts";
import { deleteOwn, isOwnPath } from "../../storage/deletion.ts";
import type { Store } from "../../storage/store.ts";
import { uriKey } from "../../storage/uri.ts";
import {
  type Catalog,
  DEFAULT_WAREHOUSE,
  identifierText,
  type LoadedTable,
  type TableChange,
  type TableCommit,
  type TableIdentifier,
} from "./catalog.ts";
import { createVersion, verifyHead } from "./file_commit.ts";
import { metadataToBytes, noteCreated, readFoundMetadata, readMetadata } from "./metadata_file.ts";
import { findAnyVersion, findHead, listVersions, versionOf, versionPath, versionPlace } from "./metadata_versions.ts";
import type { TableMetadata } from "../format/table_metadata.ts";
import { checkRequirements } from "../format/table_requirement.ts";
import { applyUpdates } from "../format/table_update_applier.ts";
import { type FileRole, findInnerTable, namedFolders, ownPlaces } from "../own_files.ts";
import { TableIo } from "../table_io.ts";
import { storeUri, TableLocation } from "../table_location.ts";
import { advanceVersionHint } from "./version_hint.ts";

export interface FileCatalogOptions {
  store: Store;
  clock: Clock;
  random: Random;
  /** The folder of namespaces in the store. */
  warehouse?: string;
  /**
   * A commit returns before the hint is moved and old files are removed; `settle` waits for that.
   */
  tidiesLater?: boolean;
  /**
   * For whoever looks at the same tables again and again: as many as these keep their newest
   * version in memory, and a look at one that has not changed reads none of its files. None unless
   * given.
   */
  tablesKept?: number;
}

/** Looks for a version that is still there when it is read. */
const LOOKS_MAX = 5;

/**
 * Tables as folders `<warehouse>/<namespace>/<table>`; the current version of one is the highest
 * `metadata/vN.metadata.json` that is listed. A commit is one conditional create
 * (`file_commit.ts`), safe among writers that create and never rename: see docs/decisions on file
 * catalogs.
 */
export class FileCatalog implements Catalog {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #warehouse: string;
  readonly #tidiesLater: boolean;
  readonly #tidying = new Set<Promise<void>>();
  readonly #ios = new Map<string, TableIo>();
  readonly #tablesKept: number;
  /** By folder; those used longest ago first. */
  readonly #newest = new Map<string, LoadedTable>();
  #probed: Promise<void> | undefined;

  /** Reads and writes nothing yet. */
  constructor(options: FileCatalogOptions) {
    this.#store = options.store;
    this.#clock = options.clock;
    this.#random = options.random;
    this.#warehouse = options.warehouse ?? DEFAULT_WAREHOUSE;
    this.#tidiesLater = options.tidiesLater ?? false;
    this.#tablesKept = options.tablesKept ?? 0;
  }

  /** Folders that hold tables or other namespaces. */
  async listNamespaces(): Promise<string[][]> {
    const namespaces = new Map<string, string[]>();
    for await (const table of this.#tables("")) namespaces.set(table.namespace.join("/"), table.namespace);
    return [...namespaces.values()];
  }

  /** Folders of that namespace that hold a version of metadata. */
  async listTables(namespace: string[]): Promise<TableIdentifier[]> {
    const tables: TableIdentifier[] = [];
    for await (const table of this.#tables(`${namespace.join("/")}/`)) {
      if (table.namespace.length === namespace.length) tables.push(table);
    }
    return tables;
  }

  /** Whether a table lies in that namespace, or in one within it. */
  async holdsTables(namespace: string[]): Promise<boolean> {
    for await (const table of this.#tables(`${namespace.join("/")}/`)) {
      // A table of that very name lies beside the namespace's.
      if (table.namespace.length >= namespace.length) return true;
    }
    return false;
  }

  /** Where the table of that name is, or would be made. */
  locationOf(identifier: TableIdentifier): TableLocation {
    return new TableLocation(this.#store, this.#folder(identifier));
  }

  async loadTable(identifier: TableIdentifier, expected?: LoadedTable): Promise<LoadedTable | undefined> {
    const folder = this.#folder(identifier);
    for (let look = 1;; look++) {
      const head = await findHead(this.#store, folder);
      if (head === undefined) {
        this.#newest.delete(folder);
        return undefined;
      }
      const isIt = (table: LoadedTable | undefined) =>
        table !== undefined && head.path === `${folder}/metadata/${fileNameOf(table.metadataLocation)}`;
      try {
        const known = [expected, this.#newest.get(folder)].find(isIt)?.metadata;
        const metadata = await readFoundMetadata(this.#store, head, known, identifierText(identifier));
        return this.#kept(folder, this.#loaded(identifier, metadata, head.path.slice(folder.length + 1)));
      } catch (error) {
        // Other writers have committed so much meanwhile that this version was cleaned up.
        if (!isKind(error, "not-found") || look === LOOKS_MAX) throw error;
      }
    }
  }

  async createTable(
    identifier: TableIdentifier,
    build: (location: string) => TableChange,
    commitId: string,
  ): Promise<LoadedTable> {
    const folder = this.#folder(identifier);
    // A new table builds on nothing: there must be no version at all, not even one above 1 with the
    // first ones cleaned up.
    const looking = early(findAnyVersion(this.#store, folder));
    await this.#probe();
    const existing = await looking;
    if (existing !== undefined) throw conflict(identifier, `${existing} exists already`);
    const change = build(storeUri(this.#store, folder));
    return await this.#write({ ...change, identifier, commitId }, undefined, 1);
  }

  /**
   * Makes a table of a metadata file that lies in its folder under another catalog's naming: the
   * same metadata becomes the first version of ours. Throws `conflict` when there is a version of
   * ours, `usage` for a metadata file of any other place.
   */
  async registerTable(identifier: TableIdentifier, metadataLocation: string, commitId: string): Promise<LoadedTable> {
    const folder = this.#folder(identifier);
    const refuse = (reason: string): never => {
      throw new StreamlabError("usage", `Cannot register ${identifierText(identifier)}: ${reason}`, {
        hint: `Put the table's files into ${storeUri(this.#store, folder)} first`,
      });
    };
    const location = new TableLocation(this.#store, folder);
    const path = location.findPath(metadataLocation);
    const name = fileNameOf(metadataLocation);
    if (path !== `${folder}/metadata/${name}`) refuse("the metadata file is not in the table's own folder");
    await this.#probe();
    const [existing] = await listVersions(this.#store, folder);
    if (existing !== undefined) throw conflict(identifier, `${existing.path} exists already`);
    const metadata = await ifFound(readMetadata(this.#store, path!));
    if (metadata === undefined) return refuse(`there is no metadata file ${metadataLocation}`);
    if (uriKey(metadata.location).replace(/\/+$/, "") !== uriKey(storeUri(this.#store, folder))) {
      refuse(`its metadata says that it is at ${metadata.location}`);
    }
    const base = this.#loaded(identifier, metadata, `metadata/${name}`);
    return await this.#write({ requirements: [], updates: [], identifier, commitId }, base, 1);
  }

  /** Creates the next metadata file, which succeeds for one writer only. */
  async commit(commit: TableCommit): Promise<LoadedTable> {
    await this.#probe();
    return await this.#write(commit, commit.base, nextVersion(commit.base));
  }

  async #write(
    commit: Omit<TableCommit, "base">,
    base: LoadedTable | undefined,
    version: number,
  ): Promise<LoadedTable> {
    const { identifier } = commit;
    const folder = this.#folder(identifier);
    checkRequirements(commit.requirements, base?.metadata);
    const updated = applyUpdates(base?.metadata, commit.updates, this.#clock.nowMs());
    const { metadata, dropped } = logPrevious({ ...updated, commitId: commit.commitId }, base);
    const path = versionPath(folder, version);
    const bytes = metadataToBytes(metadata);
    const created = await createVersion(this.#store, path, bytes, commit.commitId, {
      clock: this.#clock,
      random: this.#random,
    });
    if (!created) throw conflict(identifier, `version ${version} exists already`);
    const addedSnapshots = commit.updates.flatMap((update) =>
      update.action === "add-snapshot" ? [update.snapshot.snapshotId] : []
    );
    const { standing, etag } = await verifyHead(this.#store, folder, version, commit.commitId, addedSnapshots);
    if (standing === "late") throw conflict(identifier, `version ${version} was long taken, and cleaned up since`);
    await this.#tidy(() => noteCreated(this.#store, { path, etag }, metadata));
    const loaded = this.#loaded(identifier, metadata, `metadata/v${version}.metadata.json`);
    const old = dropped.map((uri) => loaded.io.location.findPath(uri)).filter((path) => path !== undefined);
    const tidying = Promise.all([
      this.#tidy(() => advanceVersionHint(this.#store, folder, version, standing === "highest")),
      this.#tidy(async () => void await deleteOwn(this.#store, old, [versionPlace(folder, version)])),
    ]).then(() => undefined);
    if (!this.#tidiesLater) await tidying;
    else this.#tidyLater(tidying);
    return this.#kept(folder, loaded);
  }

  async settle(): Promise<void> {
    const tidying = [...this.#tidying];
    this.#tidying.clear();
    await Promise.all(tidying);
  }

  /** What went well is forgotten: between two calls of `settle` there may be many commits. */
  #tidyLater(tidying: Promise<void>): void {
    this.#tidying.add(tidying);
    early(tidying.then(() => void this.#tidying.delete(tidying)));
  }

  async dropTable(identifier: TableIdentifier, options: { purge?: boolean } = {}): Promise<void> {
    const folder = this.#folder(identifier);
    const listed: string[] = [];
    for await (const { path } of this.#store.list(`${folder}/${options.purge ? "" : "metadata/"}`)) listed.push(path);
    const inner = findInnerTable(folder, listed);
    if (inner !== undefined) {
      throw new StreamlabError(
        "conflict",
        `Cannot drop ${identifierText(identifier)}: another table lies in it, ${inner}`,
      );
    }
    const roles: FileRole[] = options.purge
      ? ["data", "manifest", "statistics", "version", "hint"]
      : ["version", "hint"];
    const places = ownPlaces(new TableLocation(this.#store, folder), {}, roles);
    const paths = listed.filter((path) => isOwnPath(path, places));
    // Metadata first and its highest version last of these: a reader sees the table whole or not at
    // all.
    const versions = paths.filter((path) => versionOf(path) !== undefined)
      .sort((a, b) => versionOf(a)! - versionOf(b)!);
    for (const path of versions) await deleteOwn(this.#store, [path], places);
    await deleteOwn(this.#store, paths.filter((path) => !versions.includes(path)), places);
    this.#ios.delete(folder);
    this.#newest.delete(folder);
  }

  /** The name says where the table is; an unreadable one has no other folders. */
  async placesOf(identifier: TableIdentifier): Promise<string[]> {
    const location = storeUri(this.#store, this.#folder(identifier));
    try {
      const table = await this.loadTable(identifier);
      return table === undefined ? [] : [location, ...namedFolders(table.metadata.properties)];
    } catch (error) {
      if (isKind(error, "corrupt")) return [location];
      throw error;
    }
  }

  /** Once: a store that ignores the condition of `create` is refused before the first commit. */
  async #probe(): Promise<void> {
    this.#probed ??= this.#store.probe(this.#warehouse);
    try {
      await this.#probed;
    } catch (error) {
      this.#probed = undefined;
      throw error;
    }
  }

  /**
   * The hint is for other engines, and old files only take space. The commit is valid without this,
   * so a failing store is not an error.
   */
  async #tidy(action: () => Promise<void>): Promise<void> {
    try {
      await action();
    } catch (error) {
      if (!isKind(error, "unavailable")) throw error;
    }
  }

  #loaded(identifier: TableIdentifier, metadata: TableMetadata, pathInTable: string): LoadedTable {
    const io = this.#io(new TableLocation(this.#store, this.#folder(identifier), metadata.location));
    return { identifier, metadata, metadataLocation: io.location.uriOf(pathInTable), io };
  }

  #kept(folder: string, table: LoadedTable): LoadedTable {
    this.#newest.delete(folder);
    this.#newest.set(folder, table);
    if (this.#newest.size > this.#tablesKept) this.#newest.delete(this.#newest.keys().next().value!);
    return table;
  }

  /** One for each table, so that its cache of manifests lasts. */
  #io(location: TableLocation): TableIo {
    const known = this.#ios.get(location.folder);
    if (known?.location.recorded === location.recorded) return known;
    const io = new TableIo(location, this.#random);
    this.#ios.set(location.folder, io);
    return io;
  }

  #folder(identifier: TableIdentifier): string {
    const parts = [...identifier.namespace, identifier.name];
    const bad = parts.find((part) => part === "" || part === "." || part === ".." || part.includes("/"));
    if (bad !== undefined || parts.length < 2) {
      throw new StreamlabError("usage", `Cannot use "${identifierText(identifier)}" as a table's name`, {
        hint: "Write namespace.table",
      });
    }
    return [this.#warehouse, ...parts].join("/");
  }

  /** Jumps from table to table: one listing request for each, however many files it has. */
  async *#tables(prefix: string): AsyncIterable<TableIdentifier> {
    const start = `${this.#warehouse}/`;
    let after: string | undefined;
    for (;;) {
      const path = await firstPath(this.#store, start + prefix, after);
      if (path === undefined) return;
      const parts = path.slice(start.length).split("/");
      // What begins with a dot is no namespace: records of namespaces, temporary files.
      if (parts[0]!.startsWith(".")) {
        after = `${start}${parts[0]}/\u{10ffff}`;
        continue;
      }
      const inTable = parts.findIndex((part, i) => i >= 2 && (part === "metadata" || part === "data"));
      if (inTable < 0) {
        after = path;
        continue;
      }
      const identifier = { namespace: parts.slice(0, inTable - 1), name: parts[inTable - 1]! };
      const folder = this.#folder(identifier);
      if (await isTable(this.#store, folder)) yield identifier;
      after = `${folder}/\u{10ffff}`;
    }
  }
}

/** A damaged table exists, too. */
async function isTable(store: Store, folder: string): Promise<boolean> {
  try {
    return await findHead(store, folder) !== undefined;
  } catch (error) {
    if (isKind(error, "corrupt")) return true;
    throw error;
  }
}

/** Of a path or URI. */
function fileNameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

async function firstPath(store: Store, prefix: string, after: string | undefined): Promise<string | undefined> {
  for await (const { path } of store.list(prefix, after === undefined ? {} : { after })) return path;
  return undefined;
}

function nextVersion(base: LoadedTable): number {
  const version = versionOf(base.metadataLocation);
  if (version !== undefined) return version + 1;
  throw new StreamlabError(
    "usage",
    `Cannot commit to ${identifierText(base.identifier)}: it belongs to another catalog`,
    {
      hint: "Write to it through its own catalog (--catalog)",
    },
  );
}

/**
 * Logs the version that the new one replaces and drops the oldest log entries, as
 * `write.metadata.previous-versions-max` says; the dropped files may be deleted where
 * `write.metadata.delete-after-commit.enabled` is set.
 */
function logPrevious(
  metadata: TableMetadata,
  base: LoadedTable | undefined,
): { metadata: TableMetadata; dropped: string[] } {
  if (!base) return { metadata, dropped: [] };
  const max = Math.max(1, Number(metadata.properties["write.metadata.previous-versions-max"] ?? 100) || 100);
  const { lastUpdatedMs, commitId } = base.metadata;
  const previous = { metadataFile: base.metadataLocation, timestampMs: lastUpdatedMs };
  const log = [...metadata.metadataLog, commitId === undefined ? previous : { ...previous, commitId }];
  const isCleaned = metadata.properties["write.metadata.delete-after-commit.enabled"] === "true";
  const dropped = isCleaned ? log.slice(0, -max).map((entry) => entry.metadataFile) : [];
  return { metadata: { ...metadata, metadataLog: log.slice(-max) }, dropped };
}

function conflict(identifier: TableIdentifier, reason: string): StreamlabError {
  return new StreamlabError("conflict", `Cannot commit to ${identifierText(identifier)}: ${reason}`);
}
