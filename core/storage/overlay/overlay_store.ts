import type { Clock } from "../../base/clock.ts";
import type { Random } from "../../base/random.ts";
import { removeTree } from "../../disk/removal.ts";
import { openLocalStore } from "../local/local_store.ts";
import { comparePaths } from "../path.ts";
import type {
  FileInfo,
  GetFileOptions,
  ListedFile,
  ListOptions,
  ReadOptions,
  Store,
  UnfinishedWrite,
} from "../store.ts";

export interface OverlayOptions {
  /** Local folder for what is written, which nothing else uses. */
  folder: string;
  clock: Clock;
  random: Random;
}

/**
 * A store as it would be after changes that do not reach it: what is written lies in a folder of
 * this disk, what is removed is only hidden. It lasts as long as the object: nothing that is
 * written is made durable.
 */
export class OverlayStore implements Store {
  readonly root: string;
  readonly kind: Store["kind"];
  readonly #below: Store;
  readonly #layer: Store;
  /** Paths whose newest content lies in the layer. */
  readonly #written = new Set<string>();
  readonly #removed = new Set<string>();

  constructor(below: Store, { folder, clock, random }: OverlayOptions) {
    this.root = below.root;
    this.kind = below.kind;
    this.#below = below;
    this.#layer = openLocalStore(folder, { clock, random, durable: false });
  }

  async rootExists(): Promise<boolean> {
    return this.#written.size > 0 || await this.#below.rootExists();
  }

  read(path: string, options?: ReadOptions & { bytesMax?: number }): Promise<Uint8Array> {
    return this.#storeOf(path).read(path, options);
  }

  readRange(path: string, offset: number, length: number, options?: ReadOptions): Promise<Uint8Array> {
    return this.#storeOf(path).readRange(path, offset, length, options);
  }

  getFile(path: string, localPath: string, options?: GetFileOptions): Promise<void> {
    return this.#storeOf(path).getFile(path, localPath, options);
  }

  stat(path: string): Promise<FileInfo | undefined> {
    return this.#storeOf(path).stat(path);
  }

  async *list(prefix: string, options: ListOptions = {}): AsyncIterable<ListedFile> {
    const { after } = options;
    const own = [...this.#written]
      .filter((path) => path.startsWith(prefix) && (after === undefined || comparePaths(path, after) > 0))
      .sort(comparePaths);
    let next = 0;
    for await (const file of this.#below.list(prefix, options)) {
      while (next < own.length && comparePaths(own[next]!, file.path) < 0) yield { path: own[next++]! };
      if (!this.#written.has(file.path) && !this.#removed.has(file.path)) yield file;
    }
    while (next < own.length) yield { path: own[next++]! };
  }

  async write(path: string, bytes: Uint8Array): Promise<void> {
    await this.#layer.write(path, bytes);
    this.#written.add(path);
  }

  async create(path: string, bytes: Uint8Array): Promise<boolean> {
    if (!this.#written.has(path) && await this.stat(path) !== undefined) return false;
    const isOurs = await this.#layer.create(path, bytes);
    if (isOurs) this.#written.add(path);
    return isOurs;
  }

  async putFile(path: string, localPath: string): Promise<void> {
    await this.#layer.putFile(path, localPath);
    this.#written.add(path);
  }

  async copy(path: string, to: string, etag: string): Promise<boolean> {
    return await this.stat(to) === undefined && await this.create(to, await this.read(path, { etag }));
  }

  async deletePaths(paths: string[]): Promise<void> {
    await this.#layer.deletePaths(paths);
    for (const path of paths) {
      this.#written.delete(path);
      this.#removed.add(path);
    }
  }

  /** Frees the disk of files that were written, and that nobody reads any more. */
  dropWritten(paths: readonly string[]): void {
    for (const path of paths) if (this.#written.has(path)) removeTree(this.#layer.localPath(path)!);
  }

  listUnfinished(prefix: string): AsyncIterable<UnfinishedWrite> {
    return this.#layer.listUnfinished(prefix);
  }

  /** Those of the layer go with its folder. */
  discardUnfinished(): Promise<void> {
    return Promise.resolve();
  }

  /** To be read only: of a file that was not written it is the one below. */
  localPath(path: string): string | undefined {
    return this.#storeOf(path).localPath(path);
  }

  /** There is nothing to prove: no other writer ever meets this one. */
  probe(): Promise<void> {
    return Promise.resolve();
  }

  /** What was removed is not in the layer, either. */
  #storeOf(path: string): Store {
    return this.#written.has(path) || this.#removed.has(path) ? this.#layer : this.#below;
  }
}
