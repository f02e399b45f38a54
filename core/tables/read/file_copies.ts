import { StreamlabError } from "../../base/errors.ts";
import type { Scratch } from "../../disk/scratch.ts";
import type { DataFile } from "../../iceberg/format/data_file.ts";
import type { Store } from "../../storage/store.ts";

/** Copies in scratch of files that are not on this disk. */
export class FileCopies {
  /** By URI; what was fetched once is not fetched again. */
  readonly #copies = new Map<string, Promise<string>>();
  readonly #scratch: Scratch;
  readonly #stop: AbortSignal | undefined;

  /** `stop`: ends what is being fetched in the middle, with `interrupted`. */
  constructor(scratch: Scratch, stop?: AbortSignal) {
    this.#scratch = scratch;
    this.#stop = stop;
  }

  /** Where the copy of a store's file is. */
  pathOf(store: Store, path: string): Promise<string> {
    const uri = uriOf(store, path);
    const known = this.#copies.get(uri);
    if (known !== undefined) return known;
    const copy = this.#scratch.newPath("copy", ".parquet");
    const fetching = store.getFile(path, copy, { stop: this.#stop }).then(() => copy);
    this.#copies.set(uri, fetching);
    return fetching;
  }

  /** Removes a copy that is no longer needed, if there is one. */
  async forget(store: Store, path: string): Promise<void> {
    const uri = uriOf(store, path);
    const copy = await this.#copies.get(uri);
    this.#copies.delete(uri);
    if (copy !== undefined) this.#scratch.removeFile(copy);
  }
}

function uriOf(store: Store, path: string): string {
  return `${store.root}/${path}`;
}

/** Fails with `usage` for a file that is no Parquet. */
export function requireParquet({ path, format }: Pick<DataFile, "path" | "format">): void {
  if (format === "parquet") return;
  throw new StreamlabError("usage", `Cannot read ${path}: its format is ${format}, and only Parquet is read`);
}
