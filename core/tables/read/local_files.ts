import type { Scratch } from "../../disk/scratch.ts";
import type { TableIo } from "../../iceberg/table_io.ts";
import type { DataFile } from "../../iceberg/format/data_file.ts";
import { StreamlabError } from "../../base/errors.ts";

/**
 * Where DuckDB can read the files of a table: in their place on this disk, or as copies in scratch
 * of what lies elsewhere.
 */
export class LocalFiles {
  readonly #copies = new Map<string, Promise<string>>();
  #count = 0;
  readonly #io: TableIo;
  readonly #scratch: Scratch;

  constructor(io: TableIo, scratch: Scratch) {
    this.#io = io;
    this.#scratch = scratch;
  }

  /** Fails with `usage` for a file that is no Parquet. */
  async pathOf(file: DataFile): Promise<string> {
    if (file.format !== "parquet") {
      throw new StreamlabError(
        "usage",
        `Cannot read ${file.path}: its format is ${file.format}, and only Parquet is read`,
      );
    }
    const { store } = this.#io.location;
    const path = this.#io.location.pathOf(file.path);
    const local = store.localPath(path);
    if (local !== undefined) return local;
    const known = this.#copies.get(file.path);
    if (known !== undefined) return await known;
    const copy = this.#scratch.path(`copy-${this.#count++}.parquet`);
    const fetching = store.getFile(path, copy).then(() => copy);
    this.#copies.set(file.path, fetching);
    return await fetching;
  }

  /** Removes copies that are no longer needed. */
  async forget(files: readonly DataFile[]): Promise<void> {
    for (const { path } of files) {
      const copy = await this.#copies.get(path);
      this.#copies.delete(path);
      if (copy !== undefined) this.#scratch.removeFile(copy);
    }
  }
}
