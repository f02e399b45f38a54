import { StreamlabError } from "../../base/errors.ts";
import { mapParallel } from "../../base/parallel.ts";
import type { Scratch } from "../../disk/scratch.ts";
import { SqlError } from "../../engine/sql_error.ts";
import type { TableIo } from "../../iceberg/table_io.ts";
import type { DataFile } from "../../iceberg/format/data_file.ts";
import type { ScanFile } from "../../iceberg/scan/scan.ts";
import { FileCopies, requireParquet } from "./file_copies.ts";

const FILES_PARALLEL = 16;

/** Where DuckDB can read the files of a table: in place on this disk, or as copies in scratch. */
export class LocalFiles {
  readonly #io: TableIo;
  readonly #copies: FileCopies;

  /** `stop`: ends what is being fetched in the middle, with `interrupted`. */
  constructor(io: TableIo, scratch: Scratch, stop?: AbortSignal) {
    this.#io = io;
    this.#copies = new FileCopies(scratch, stop);
  }

  /** Fails with `usage` for a file that is no Parquet. */
  async pathOf(file: DataFile): Promise<string> {
    requireParquet(file);
    const { store } = this.#io.location;
    const path = this.#io.location.pathOf(file.path);
    return store.localPath(path) ?? await this.#copies.pathOf(store, path);
  }

  /** Of scanned files and their delete files, by URI. */
  async locate(files: readonly ScanFile[]): Promise<ReadonlyMap<string, string>> {
    const wanted = files.flatMap(({ dataFile, deletes }) => [dataFile, ...deletes]);
    const place = async (file: DataFile) => [file.path, await this.pathOf(file)] as const;
    return new Map(await mapParallel(wanted, FILES_PARALLEL, place));
  }

  /**
   * Why these could not be read: `not-found` where one is gone, whatever DuckDB makes of that, so
   * that a newer version of the table is asked for.
   */
  async whyUnread(error: unknown, files: readonly DataFile[]): Promise<unknown> {
    if (!(error instanceof SqlError)) return error;
    const { location } = this.#io;
    const found = await mapParallel(files, FILES_PARALLEL, ({ path }) => location.store.stat(location.pathOf(path)));
    const gone = files.find((_file, index) => found[index] === undefined);
    if (gone === undefined) return error;
    return new StreamlabError("not-found", `Cannot read ${gone.path}: there is no such file`, {
      hint: "Run again: another program may have replaced it meanwhile",
      cause: error,
    });
  }

  /** Removes copies that are no longer needed. */
  async forget(files: readonly DataFile[]): Promise<void> {
    const { location } = this.#io;
    for (const { path } of files) await this.#copies.forget(location.store, location.pathOf(path));
  }
}
