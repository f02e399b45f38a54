import { StreamlabError } from "../base/errors.ts";
import type { Store } from "../storage/store.ts";
import { normalizeUri, rootUri } from "../storage/uri.ts";

/**
 * Where a table is, and what its files are called in metadata.
 *
 * Metadata of version 2 holds absolute paths only, yet a lake may be moved or mounted elsewhere. So
 * a table keeps the location that it was made with for ever (`recorded`), all its paths begin with
 * that, and they are understood relative to the folder in which the table was found: reading maps
 * `<recorded>/data/x` to `<folder>/data/x`, writing maps back, and a table that was moved never
 * holds a mix of both. Other engines can read it again wherever its recorded location leads to the
 * folder.
 */
export class TableLocation {
  /** What holds the table's files. */
  readonly store: Store;
  /** Path of the table in the store. */
  readonly folder: string;
  /** The location as metadata records it, without trailing slash. */
  readonly recorded: string;
  readonly #prefixes: string[];

  /** `recorded` is how its metadata calls the folder. */
  constructor(store: Store, folder: string, recorded: string = storeUri(store, folder)) {
    this.store = store;
    this.folder = folder;
    this.recorded = recorded.replace(/\/+$/, "");
    const prefixes = [this.recorded, storeUri(store, folder)].map((uri) => normalizeUri(uri).replace(/\/+$/, ""));
    this.#prefixes = [...new Set(prefixes)].filter((prefix) => prefix !== "");
  }

  /**
   * The path in the store of a URI from the table's metadata. Throws `unavailable` for a file
   * outside of the store.
   */
  pathOf(uri: string): string {
    const path = this.findPath(uri);
    if (path !== undefined) return path;
    throw new StreamlabError(
      "unavailable",
      `Cannot reach ${uri}: it is outside the table's place ${this.store.root}`,
      {
        hint: "Open the table from a place that can reach all its files",
      },
    );
  }

  /** As `pathOf`; undefined for a file outside of the store. */
  findPath(uri: string): string | undefined {
    const normal = normalizeUri(uri);
    for (const prefix of this.#prefixes) {
      if (normal.startsWith(prefix + "/")) return `${this.folder}${normal.slice(prefix.length)}`.replace(/^\//, "");
    }
    const root = normalizeUri(storeUri(this.store, ""));
    return normal.startsWith(root + "/") ? normal.slice(root.length + 1) : undefined;
  }

  /**
   * The URI for the table's metadata of a file in the table's folder, given by its path in the
   * folder: `data/x.parquet`.
   */
  uriOf(pathInTable: string): string {
    return `${this.recorded}/${pathInTable}`;
  }

  /** The path in the store of a file given by its path in the table's folder. */
  pathInStore(pathInTable: string): string {
    return this.folder === "" ? pathInTable : `${this.folder}/${pathInTable}`;
  }

  /** The other way round, of a file that is in the table's folder. */
  pathInTable(path: string): string {
    return this.folder === "" ? path : path.slice(this.folder.length + 1);
  }
}

/**
 * A file or folder of a store as a URI with its scheme, never percent-encoded (Hadoop's paths take
 * the text as it is).
 */
export function storeUri(store: Store, path: string): string {
  const root = rootUri(store.root);
  return path === "" ? root : `${root.replace(/\/+$/, "")}/${path}`;
}
