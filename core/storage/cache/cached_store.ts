import type { ObjectCache } from "./object_cache.ts";
import type {
  FileInfo,
  GetFileOptions,
  ListedFile,
  ListOptions,
  ObjectAccess,
  ReadOptions,
  Store,
  UnfinishedWrite,
} from "../store.ts";

/**
 * Manifests, manifest lists and data files have names that are given once (specification: "File
 * System Operations").
 */
const IMMUTABLE_NAME = /\.(avro|parquet|orc|puffin)$/;
/**
 * A table that is created again can have a metadata file of the same name, so its etag is part of
 * the key.
 */
const VERSIONED_NAME = /\.metadata\.json(\.gz)?$/;

/**
 * A remote store that caches immutable files on this disk. For readers only: deleted or replaced
 * files would stay in the cache.
 */
export class CachedStore implements Store {
  readonly root: string;
  readonly kind: Store["kind"];
  readonly #etags = new Map<string, string>();
  readonly #store: Store;
  readonly #cache: ObjectCache;
  readonly #place: string;

  /**
   * `place` tells this store from others with the same root, such as the same bucket at another
   * service.
   */
  constructor(store: Store, cache: ObjectCache, place: string) {
    this.#store = store;
    this.#cache = cache;
    this.#place = place;

    this.root = store.root;
    this.kind = store.kind;
  }

  async read(path: string, options: ReadOptions & { bytesMax?: number } = {}): Promise<Uint8Array> {
    const etag = options.etag ?? this.#etags.get(path);
    const name = this.#nameOf(path, etag);
    if (name === undefined) return await this.#store.read(path, options);
    const known = await this.#cache.read(name);
    if (known !== undefined) return known;
    const versioned = VERSIONED_NAME.test(path) && etag !== undefined;
    const bytes = await this.#store.read(path, versioned ? { ...options, etag } : options);
    await this.#cache.add(name, bytes);
    return bytes;
  }

  async getFile(path: string, localPath: string, options: GetFileOptions = {}): Promise<void> {
    const name = this.#nameOf(path, options.etag);
    if (name !== undefined && await this.#cache.copyTo(name, localPath)) return;
    await this.#store.getFile(path, localPath, options);
    if (name !== undefined) await this.#cache.addFile(name, localPath);
  }

  async *list(prefix: string, options?: ListOptions): AsyncIterable<ListedFile> {
    for await (const file of this.#store.list(prefix, options)) {
      if (file.info !== undefined && VERSIONED_NAME.test(file.path)) this.#etags.set(file.path, file.info.etag);
      yield file;
    }
  }

  #nameOf(path: string, etag: string | undefined): string | undefined {
    if (IMMUTABLE_NAME.test(path)) return `${this.#place} ${this.root} ${path}`;
    if (VERSIONED_NAME.test(path) && etag !== undefined) return `${this.#place} ${this.root} ${path} ${etag}`;
    return undefined;
  }

  rootExists(): Promise<boolean> {
    return this.#store.rootExists();
  }
  readRange(path: string, offset: number, length: number, options?: ReadOptions): Promise<Uint8Array> {
    return this.#store.readRange(path, offset, length, options);
  }
  stat(path: string): Promise<FileInfo | undefined> {
    return this.#store.stat(path);
  }
  write(path: string, bytes: Uint8Array): Promise<void> {
    return this.#store.write(path, bytes);
  }
  create(path: string, bytes: Uint8Array): Promise<boolean> {
    return this.#store.create(path, bytes);
  }
  putFile(path: string, localPath: string): Promise<void> {
    return this.#store.putFile(path, localPath);
  }
  copy(path: string, to: string, etag: string): Promise<boolean> {
    return this.#store.copy(path, to, etag);
  }
  deletePaths(paths: string[]): Promise<void> {
    return this.#store.deletePaths(paths);
  }
  listUnfinished(prefix: string): AsyncIterable<UnfinishedWrite> {
    return this.#store.listUnfinished(prefix);
  }
  discardUnfinished(writes: UnfinishedWrite[]): Promise<void> {
    return this.#store.discardUnfinished(writes);
  }
  localPath(path: string): string | undefined {
    return this.#store.localPath(path);
  }
  async objectAccess(): Promise<ObjectAccess> {
    return await this.#store.objectAccess!();
  }
  probe(folder: string): Promise<void> {
    return this.#store.probe(folder);
  }
}
