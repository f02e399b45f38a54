import { dirname, resolve } from "node:path";
import { systemClock } from "../../base/clock.ts";
import type { Clock } from "../../base/clock.ts";
import { stopped, StreamlabError } from "../../base/errors.ts";
import { mapParallel } from "../../base/parallel.ts";
import { uuidV4 } from "../../base/random.ts";
import type { Random } from "../../base/random.ts";
import { retry } from "../../base/retry.ts";
import { codeOf, isMissing, localError } from "../../disk/disk_error.ts";
import { writeAll } from "../../disk/file_bytes.ts";
import { QuickCalls } from "../../disk/quick_calls.ts";
import { removeFileQuietly, removeTree } from "../../disk/removal.ts";
import { LocalFolders, syncEntry } from "./folder.ts";
import { LocalReader, readRangeSync, startOf, statFile, statFileSync } from "./read.ts";
import { walk } from "./walk.ts";
import { checkPath, checkPrefix, isTemporaryName } from "../path.ts";
import { probeCreate } from "../probe.ts";
import { checkSize } from "../size_limit.ts";
import type {
  FileInfo,
  GetFileOptions,
  ListedFile,
  ListOptions,
  ReadOptions,
  Store,
  UnfinishedWrite,
} from "../store.ts";

export interface LocalStoreOptions {
  random: Random;
  clock?: Clock;
  /**
   * False leaves out every fsync: for tests, and for lakes that need not survive a power cut.
   * Default true.
   */
  durable?: boolean;
}

/** Opens the folder `root` as a store; it and its parents are made with the first file. */
export function openLocalStore(root: string, options: LocalStoreOptions): Store {
  return new LocalStore(resolve(root), options);
}

/** Files worked on at once. */
const PARALLEL_MAX = 16;
/** A disk that has just answered has this much more of the file in memory. */
const QUICK_LENGTH_MAX = 4_096;
/** Another disk, or a file that this user may read and not link to. */
const UNLINKABLE: ReadonlySet<string> = new Set(["EXDEV", "EPERM", "EMLINK", "EACCES", "EOPNOTSUPP"]);
const OPEN_FILES_RETRY = { attemptsMax: 6, delayMsMin: 10, delayMsMax: 500 };

/**
 * A folder on disk. Files appear by `rename` (write) or `link` (create) of a temporary file beside
 * them that was fsynced before; then the folder is fsynced. Symbolic links: the root may be one,
 * links below it are followed when reading and listing (see `walk`); writing and deleting replace
 * or remove the link itself, never what it leads to.
 */
class LocalStore implements Store {
  readonly kind = "local";
  readonly root: string;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #durable: boolean;
  readonly #folders: LocalFolders;
  readonly #quickCalls: QuickCalls;

  constructor(root: string, options: LocalStoreOptions) {
    this.root = root;
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random;
    this.#durable = options.durable ?? true;
    this.#folders = new LocalFolders(root, this.#durable);
    this.#quickCalls = new QuickCalls(this.#clock);
  }

  async rootExists(): Promise<boolean> {
    try {
      return (await Deno.stat(this.root)).isDirectory;
    } catch (error) {
      if (isMissing(error)) return false;
      throw localError("look at", this.root, error);
    }
  }

  read(path: string, options: ReadOptions & { bytesMax?: number } = {}): Promise<Uint8Array> {
    return this.#reading(path, options, (reader) => {
      checkSize(this.localPath(path), reader.size, options.bytesMax);
      return reader.bytes(0, reader.size);
    });
  }

  readRange(path: string, offset: number, length: number, options: ReadOptions = {}): Promise<Uint8Array> {
    const handedOver = () =>
      this.#reading(path, options, (reader) => reader.bytes(startOf(offset, reader.size), length));
    if (length > QUICK_LENGTH_MAX || options.etag !== undefined) return handedOver();
    return this.#quickCalls.run(() => readRangeSync(this.localPath(path), offset, length), handedOver);
  }

  async getFile(path: string, localPath: string, options: GetFileOptions = {}): Promise<void> {
    if (options.stop?.aborted) throw stopped(`reading ${this.localPath(path)}`);
    await this.#reading(path, options, async (reader) => {
      try {
        await Deno.copyFile(this.localPath(path), localPath);
        await reader.checkUnchanged();
      } catch (error) {
        await removeFileQuietly(localPath);
        throw error;
      }
    });
  }

  async stat(path: string): Promise<FileInfo | undefined> {
    const place = this.localPath(path);
    return await this.#quickCalls.run(() => statFileSync(path, place), () => statFile(path, place));
  }

  async *list(prefix: string, options: ListOptions = {}): AsyncIterable<ListedFile> {
    checkPrefix(prefix);
    for await (const path of walk(this.root, { prefix, ...options, keep: (name) => !isTemporaryName(name) })) {
      yield { path };
    }
  }

  async write(path: string, bytes: Uint8Array): Promise<void> {
    const target = this.localPath(path);
    const temporary = await this.#writeTemporary(target, bytes);
    await this.#settling("write", target, temporary, () => Deno.rename(temporary, target));
  }

  async create(path: string, bytes: Uint8Array): Promise<boolean> {
    const target = this.localPath(path);
    const temporary = await this.#writeTemporary(target, bytes);
    return await this.#settling("create", target, temporary, async () => {
      const won = await linkNew(temporary, target);
      await removeFileQuietly(temporary);
      return won;
    });
  }

  async putFile(path: string, localPath: string): Promise<void> {
    const target = this.localPath(path);
    try {
      if (this.#durable) await syncEntry(localPath, false);
      await Deno.rename(localPath, target).catch(async (error) => {
        if (codeOf(error) !== "ENOENT") throw error;
        await this.#folders.make(dirname(target));
        await Deno.rename(localPath, target);
      });
    } catch (error) {
      if (codeOf(error) !== "EXDEV") throw localError("write", target, error, true);
      await this.#copyAcross(localPath, target);
    }
    await this.#folders.sync(dirname(target));
  }

  async copy(path: string, to: string, etag: string): Promise<boolean> {
    const source = this.localPath(path), target = this.localPath(to);
    return await this.#reading(path, { etag }, async () => {
      if (this.#durable) await syncEntry(source, false);
      await this.#folders.make(dirname(target));
      const isNew = await linkNew(source, target).catch((error) => {
        if (UNLINKABLE.has(codeOf(error) ?? "")) return this.#copyNew(source, target);
        throw error;
      });
      if (isNew && (await this.stat(to))?.etag !== etag) {
        await removeFileQuietly(target);
        throw new StreamlabError("conflict", `Cannot copy "${source}": it has changed since it was listed`);
      }
      await this.#folders.sync(dirname(target));
      return isNew;
    });
  }

  async deletePaths(paths: string[]): Promise<void> {
    const files = paths.map((path) => this.localPath(path));
    const removed = await mapParallel(files, PARALLEL_MAX, removeFile);
    for (const folder of new Set(removed.filter((folder) => folder !== undefined))) await this.#folders.sync(folder);
  }

  async *listUnfinished(prefix: string): AsyncIterable<UnfinishedWrite> {
    checkPrefix(prefix);
    for await (const path of walk(this.root, { prefix, keep: isTemporaryName })) {
      const info = await this.stat(path);
      if (info !== undefined) yield { path, startedMs: info.modifiedMs, uploadId: "" };
    }
  }

  discardUnfinished(writes: UnfinishedWrite[]): Promise<void> {
    return this.deletePaths(writes.map(({ path }) => path));
  }

  localPath(path: string): string {
    checkPath(path);
    return this.root.endsWith("/") ? this.root + path : `${this.root}/${path}`;
  }

  /** Of what is tried here nothing has to stay, only the folder. */
  async probe(folder: string): Promise<void> {
    await this.#folders.make(folder === "" ? this.root : this.localPath(folder));
    const hasty = new LocalStore(this.root, { clock: this.#clock, random: this.#random, durable: false });
    await probeCreate(hasty, folder, this.#random, "Use a file system that knows hard links");
  }

  async #open(path: string, options: ReadOptions): Promise<LocalReader> {
    const place = this.localPath(path);
    try {
      return await this.#patiently(() => LocalReader.open(place, options));
    } catch (error) {
      throw localError("read", place, error);
    }
  }

  async #reading<T>(path: string, options: ReadOptions, use: (reader: LocalReader) => Promise<T>): Promise<T> {
    const reader = await this.#open(path, options);
    try {
      return await use(reader);
    } catch (error) {
      throw localError("read", this.localPath(path), error);
    } finally {
      reader.close();
    }
  }

  /**
   * Writes the bytes, durable, to a temporary file in the target's folder, which is made where it
   * is missing.
   */
  async #writeTemporary(target: string, bytes: Uint8Array): Promise<string> {
    const folder = dirname(target);
    const temporary = `${folder}/.streamlab-${uuidV4(this.#random)}.tmp`;
    const open = () => this.#patiently(() => Deno.open(temporary, { write: true, createNew: true }));
    try {
      const file = await open().catch(async (error) => {
        if (codeOf(error) !== "ENOENT") throw error;
        await this.#folders.make(folder);
        return await open();
      });
      try {
        await writeAll(file, bytes);
        if (this.#durable) await file.sync();
      } finally {
        file.close();
      }
      return temporary;
    } catch (error) {
      await removeFileQuietly(temporary);
      throw localError("write", target, error, true);
    }
  }

  /**
   * Puts the temporary file in its place, durably. No temporary file stays, even after an error.
   */
  async #settling<T>(action: string, target: string, temporary: string, place: () => Promise<T>): Promise<T> {
    try {
      const result = await place();
      await this.#folders.sync(dirname(target));
      return result;
    } catch (error) {
      await removeFileQuietly(temporary);
      throw localError(action, target, error, true);
    }
  }

  async #copyAcross(source: string, target: string): Promise<void> {
    const temporary = `${dirname(target)}/.streamlab-${uuidV4(this.#random)}.tmp`;
    try {
      await Deno.copyFile(source, temporary);
      if (this.#durable) await syncEntry(temporary, false);
      await Deno.rename(temporary, target);
      removeTree(source);
    } catch (error) {
      await removeFileQuietly(temporary);
      throw localError("write", target, error, true);
    }
  }

  /** Where no link leads: with the time of the source, which is a part of its etag. */
  async #copyNew(source: string, target: string): Promise<boolean> {
    const temporary = `${dirname(target)}/.streamlab-${uuidV4(this.#random)}.tmp`;
    try {
      await Deno.copyFile(source, temporary);
      const mtime = (await Deno.stat(source)).mtime ?? new Date(0);
      await Deno.utime(temporary, mtime, mtime);
      if (this.#durable) await syncEntry(temporary, false);
      return await linkNew(temporary, target);
    } finally {
      await removeFileQuietly(temporary);
    }
  }

  /** Waits for other work to close its files when there are too many open. */
  #patiently<T>(action: () => Promise<T>): Promise<T> {
    const isCrowded = (error: unknown) => codeOf(error) === "EMFILE" || codeOf(error) === "ENFILE";
    return retry(OPEN_FILES_RETRY, this.#clock, this.#random, isCrowded, action);
  }
}

/** False when the name is taken. `link` never overwrites, as `rename` would. */
async function linkNew(temporary: string, target: string): Promise<boolean> {
  try {
    await Deno.link(temporary, target);
    return true;
  } catch (error) {
    if (codeOf(error) !== "EEXIST") throw error;
    if (!(await Deno.lstat(target)).isDirectory) return false;
    throw new StreamlabError("unavailable", `Cannot create "${target}": there is a folder of that name`);
  }
}

/** Removes one file; its folder, or undefined where there was nothing. */
async function removeFile(file: string): Promise<string | undefined> {
  try {
    await Deno.remove(file);
    return dirname(file);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw localError("delete", file, error);
  }
}
