import { StreamlabError } from "../../base/errors.ts";
import type { TableMetadata } from "../format/table_metadata.ts";
import type { TableRequirement } from "../format/table_requirement.ts";
import type { TableUpdate } from "../format/table_update.ts";
import type { TableIo } from "../table_io.ts";

/** A table's name in a catalog. */
export interface TableIdentifier {
  /** Outermost part first. */
  namespace: string[];
  /** The last part. */
  name: string;
}

/** A table at one version of its metadata. */
export interface LoadedTable {
  /** Its name in the catalog. */
  identifier: TableIdentifier;
  /** The version that was current when it was loaded. */
  metadata: TableMetadata;
  /**
   * URI of the metadata file, as metadata records it; what `register_table` and StaticTable take.
   */
  metadataLocation: string;
  /** Reads and writes the files of its metadata. */
  io: TableIo;
}

/** A change in the REST catalog's words: what must hold, and what then happens. */
export interface TableChange {
  /** What must hold of the table that the updates are applied to. */
  requirements: TableRequirement[];
  /** Applied in this order, all or none. */
  updates: TableUpdate[];
}

/** A change of one table. */
export interface TableCommit extends TableChange {
  /** Which table. */
  identifier: TableIdentifier;
  /** What the change was built on. */
  base: LoadedTable;
  /** Unique to the commit: identifies a commit of unknown outcome. */
  commitId: string;
}

/**
 * Knows which metadata file is a table's current one.
 *
 * `commit` either returns the table after the change, or throws: `conflict` if the change certainly
 * did not happen because another writer was first (load and build again); `unavailable` if the
 * outside failed, and then the change may have happened unless the error says otherwise; `usage` if
 * the change is invalid.
 */
export interface Catalog {
  /** Of all levels. */
  listNamespaces(): Promise<string[][]>;
  /** Of this namespace alone. */
  listTables(namespace: string[]): Promise<TableIdentifier[]>;
  /**
   * Always the newest version; undefined if there is no such table. `expected` is probably still
   * the newest: it may be read while the newest is looked up.
   */
  loadTable(identifier: TableIdentifier, expected?: LoadedTable): Promise<LoadedTable | undefined>;
  /**
   * Makes the table that `build` describes, given its location ("" where the catalog chooses it
   * later), and its namespace where that is missing. Throws `conflict` when there is one of that
   * name.
   */
  createTable(
    identifier: TableIdentifier,
    build: (location: string) => TableChange,
    commitId: string,
  ): Promise<LoadedTable>;
  /** Makes the next version, or throws `conflict` where a requirement does not hold. */
  commit(commit: TableCommit): Promise<LoadedTable>;
  /**
   * Finishes work that commits have postponed, if the catalog postpones any; the commits are valid
   * without it.
   */
  settle(): Promise<void>;
  /**
   * URIs of the folders in which files of the table lie: its location, and what its properties name
   * besides. None where there is no such table.
   */
  placesOf(identifier: TableIdentifier): Promise<string[]>;
  /** Forgets the table; with `purge`, its files go too. */
  dropTable(identifier: TableIdentifier, options?: { purge?: boolean }): Promise<void>;
}

/**
 * The newest version of a table; fails with `not-found` where there is none. `expected` is as in
 * `loadTable`.
 */
export async function requireTable(
  catalog: Catalog,
  identifier: TableIdentifier,
  expected?: LoadedTable,
): Promise<LoadedTable> {
  const table = await catalog.loadTable(identifier, expected);
  if (table !== undefined) return table;
  throw noTableError([identifier]);
}

/** What is said wherever tables are wanted that a catalog does not have. */
export function noTableError(missing: readonly TableIdentifier[], hint?: string): StreamlabError {
  const names = missing.map(identifierText).join(", nor ");
  return new StreamlabError("not-found", `There is no table ${names}`, { hint });
}

/** The folder of a file catalog's namespaces, unless another is named. */
export const DEFAULT_WAREHOUSE = "warehouse";

/** `bronze.events` */
export function identifierText(identifier: TableIdentifier): string {
  return [...identifier.namespace, identifier.name].join(".");
}

/** The last part is the table's name. */
export function parseIdentifier(text: string): TableIdentifier {
  const parts = text.split(".");
  return { namespace: parts.slice(0, -1), name: parts[parts.length - 1]! };
}
