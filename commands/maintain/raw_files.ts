import { ifFound } from "../../core/base/errors.ts";
import { archivePathOf } from "../../core/lake/raw_archive.ts";
import type { BatchFile, FoundFile } from "../../core/maintain/audit/portion.ts";
import { locateFile } from "../../core/storage/file_name.ts";
import { parseLocation } from "../../core/storage/location.ts";
import type { FileInfo, Store } from "../../core/storage/store.ts";
import type { Context } from "../line/command.ts";
import { openLake } from "../open_lake.ts";

/** The raw files that a ledger names: those of the lake by path, those of other places by URI. */
export class RawFiles {
  readonly #places = new Map<string, Promise<Store>>();
  readonly #context: Context;
  readonly #lake: Store;
  /** That were found there. */
  archivedFiles = 0;

  constructor(context: Context, lake: Store) {
    this.#context = context;
    this.#lake = lake;
  }

  /** Undefined where the file is gone, or its place, and the archive lacks this version. */
  async find(file: BatchFile): Promise<FoundFile | undefined> {
    const { root, path } = locateFile(this.#lake.root, file.name);
    const found = await ifFound(this.storeOf(root).then((store) => store.stat(path)));
    if (found !== undefined) return { root, path, etag: found.etag, isSame: found.etag === file.etag };
    const archived = await this.#findArchived(file);
    if (archived === undefined) return undefined;
    if (file.replay === undefined) this.archivedFiles++;
    return { root: this.#lake.root, path: archived.path, etag: archived.etag, isSame: true };
  }

  storeOf(root: string): Promise<Store> {
    const known = this.#places.get(root) ?? this.#open(root);
    this.#places.set(root, known);
    return known;
  }

  /** A copy in a bucket may have another etag, for it says in which parts it was uploaded. */
  async #findArchived({ name, etag, size }: BatchFile): Promise<FileInfo | undefined> {
    const path = archivePathOf(name);
    const found = path === undefined ? undefined : await this.#lake.stat(path);
    const isSame = found?.etag === etag || (this.#lake.kind !== "local" && found?.size === size);
    return isSame ? found : undefined;
  }

  async #open(root: string): Promise<Store> {
    return root === this.#lake.root ? this.#lake : await openLake(this.#context, parseLocation(root));
  }
}
