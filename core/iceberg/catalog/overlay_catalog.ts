import type { Clock } from "../../base/clock.ts";
import { StreamlabError } from "../../base/errors.ts";
import type { Random } from "../../base/random.ts";
import type { Store } from "../../storage/store.ts";
import {
  type Catalog,
  DEFAULT_WAREHOUSE,
  identifierText,
  type LoadedTable,
  type TableChange,
  type TableCommit,
  type TableIdentifier,
} from "./catalog.ts";
import { checkRequirements } from "../format/table_requirement.ts";
import { applyUpdates } from "../format/table_update_applier.ts";
import { TableIo } from "../table_io.ts";
import { storeUri, TableLocation } from "../table_location.ts";

export interface OverlayCatalogOptions {
  /** What takes the files that are written into a store of tables, in that store's stead. */
  overlayOf(store: Store): Store;
  /** For tables that are made; an overlay, too. */
  newTables: Store;
  clock: Clock;
  random: Random;
}

/**
 * The tables of a catalog as they would be after changes that do not reach it: new versions of
 * metadata stay in memory. A table that was changed here no longer follows the catalog.
 */
export class OverlayCatalog implements Catalog {
  readonly #below: Catalog;
  readonly #options: OverlayCatalogOptions;
  readonly #changed = new Map<string, LoadedTable>();
  /** By those below, so that their caches of manifests last. */
  readonly #ios = new WeakMap<TableIo, TableIo>();

  constructor(below: Catalog, options: OverlayCatalogOptions) {
    this.#below = below;
    this.#options = options;
  }

  listNamespaces(): Promise<string[][]> {
    return this.#below.listNamespaces();
  }

  listTables(namespace: string[]): Promise<TableIdentifier[]> {
    return this.#below.listTables(namespace);
  }

  async loadTable(identifier: TableIdentifier): Promise<LoadedTable | undefined> {
    const changed = this.#changed.get(identifierText(identifier));
    if (changed !== undefined) return changed;
    const table = await this.#below.loadTable(identifier);
    return table && { ...table, io: this.#over(table.io) };
  }

  async createTable(
    identifier: TableIdentifier,
    build: (location: string) => TableChange,
    commitId: string,
  ): Promise<LoadedTable> {
    const name = identifierText(identifier);
    if (await this.loadTable(identifier) !== undefined) {
      throw new StreamlabError("conflict", `Cannot make ${name}: it exists already`);
    }
    const { newTables, random } = this.#options;
    const folder = [DEFAULT_WAREHOUSE, ...identifier.namespace, identifier.name].join("/");
    const io = new TableIo(new TableLocation(newTables, folder), random);
    return this.#change({ identifier, io, commitId, ...build(storeUri(newTables, folder)) });
  }

  async commit({ identifier, base, ...change }: TableCommit): Promise<LoadedTable> {
    const current = await this.loadTable(identifier);
    return this.#change({ identifier, io: base.io, ...change }, current);
  }

  settle(): Promise<void> {
    return this.#below.settle();
  }

  placesOf(identifier: TableIdentifier): Promise<string[]> {
    return this.#below.placesOf(identifier);
  }

  dropTable(identifier: TableIdentifier): Promise<void> {
    return Promise.reject(new StreamlabError("internal", `Cannot drop ${identifierText(identifier)} of an overlay`));
  }

  #change(
    { identifier, io, commitId, requirements, updates }: Omit<TableCommit, "base"> & Pick<LoadedTable, "io">,
    current?: LoadedTable,
  ): LoadedTable {
    checkRequirements(requirements, current?.metadata);
    const metadata = applyUpdates(current?.metadata, updates, this.#options.clock.nowMs());
    const metadataLocation = io.location.uriOf(`metadata/${commitId}.metadata.json`);
    const table = { identifier, metadata, metadataLocation, io };
    this.#changed.set(identifierText(identifier), table);
    return table;
  }

  #over(below: TableIo): TableIo {
    const { store, folder, recorded } = below.location;
    const io = this.#ios.get(below) ??
      new TableIo(new TableLocation(this.#options.overlayOf(store), folder, recorded), this.#options.random);
    this.#ios.set(below, io);
    return io;
  }
}
