import { mapParallel } from "../../base/parallel.ts";
import type { DuckDb } from "../../engine/duckdb.ts";
import { openHttpfs } from "../../engine/httpfs.ts";
import { type Scratch, TextFileWriter } from "../../disk/scratch.ts";
import type { Store } from "../../storage/store.ts";
import { FileCopies } from "./file_copies.ts";

/** Files fetched at once from a store that is not on this machine. */
const FETCHES_PARALLEL = 16;
/** Reading smaller files in pieces (size, footer, columns) takes longer than fetching them. */
const FETCHED_BYTES_MAX = 256 << 10;

/** A file that DuckDB is to read. */
export interface WantedFile {
  store: Store;
  /** In the store. */
  path: string;
  size: number;
}

/**
 * Where DuckDB can read files: in place on this disk; by URI, if it can reach the store and so read
 * only the columns and row groups it needs; else as copies in scratch.
 */
export class RemoteFiles {
  readonly #copies: FileCopies;
  #linkCount = 0;
  readonly #scratch: Scratch;
  /**
   * The file of DuckDB's extension httpfs, if it is not in DuckDB's own folder. False: do not use
   * it.
   */
  readonly #httpfs: string | false | undefined;

  constructor(scratch: Scratch, httpfs: string | false | undefined) {
    this.#scratch = scratch;
    this.#copies = new FileCopies(scratch);
    this.#httpfs = httpfs;
  }

  /** Paths in the order of the files. The database must still be allowed to load an extension. */
  locate(database: DuckDb, files: readonly WantedFile[]): Promise<string[]> {
    const opened = new Map<Store, Promise<boolean>>();
    const canRead = (store: Store): Promise<boolean> => {
      const known = opened.get(store);
      if (known !== undefined) return known;
      // DuckDB has one secret for all buckets. Files of a second store are fetched.
      const opening = opened.size > 0 ? Promise.resolve(false) : this.#open(database, store);
      opened.set(store, opening);
      return opening;
    };
    return mapParallel(files, FETCHES_PARALLEL, async ({ store, path, size }) => {
      const local = store.localPath(path);
      if (local !== undefined) return /[*?[\\]/.test(local) ? this.#named(local) : local;
      const uri = `${store.root}/${path}`;
      // DuckDB reads URIs as patterns, and the extension takes what follows a question mark.
      if (size > FETCHED_BYTES_MAX && !/[*?[\]#\\]/.test(uri) && await canRead(store)) return uri;
      return await this.#copies.pathOf(store, path);
    });
  }

  /**
   * A closed-off DuckDB reads paths literally, an open one as patterns. The name of this link means
   * the same to both.
   */
  #named(path: string): string {
    return this.#scratch.link(`link-${this.#linkCount++}.parquet`, path);
  }

  async #open(database: DuckDb, store: Store): Promise<boolean> {
    const httpfs = this.#httpfs;
    const access = httpfs === false ? undefined : await store.objectAccess?.();
    if (httpfs === false || access === undefined) return false;
    const { ca, ...rest } = access;
    const caFile = ca === undefined ? {} : { caFile: this.#writeText("ca.pem", ca) };
    return await openHttpfs(database, { ...rest, ...caFile }, httpfs);
  }

  #writeText(name: string, text: string): string {
    const file = new TextFileWriter(this.#scratch.path(name));
    file.write(text);
    file.close();
    return file.path;
  }
}
