import { removeFileQuietly } from "../../disk/removal.ts";
import { sha256 } from "../../base/sha256.ts";
import type { Clock } from "../../base/clock.ts";
import { type Random, uuidV4 } from "../../base/random.ts";
import { writeAll } from "../../disk/file_bytes.ts";

export interface ObjectCacheOptions {
  /** Made at the first entry. */
  folder: string;
  /** Bytes; beyond it the least recently used entries are removed. */
  bytesMax: number;
  clock: Clock;
  random: Random;
}

/** The whole folder is checked after this share of the bound was added. */
const LOOK_SHARE = 1 / 16;
/** What is left of the bound after a clearing. */
const KEPT_SHARE = 0.8;
/** A digest, or a temporary file: anything else in the folder is not ours. */
const ENTRY_NAME = /^(?:[0-9a-f]{64}|tmp-[0-9a-f-]{36})$/;
/** A temporary file this old is abandoned. */
const ABANDONED_MS = 3_600_000;

/**
 * Files that never change, kept on this disk under a digest of their name. Several processes may
 * use one folder: an entry appears whole, by a rename, and readers keep an open file that is
 * removed. Any disk error counts as a miss.
 */
export class ObjectCache {
  #addedBytes = 0;
  #isLooked = false;
  readonly #options: ObjectCacheOptions;

  constructor(options: ObjectCacheOptions) {
    this.#options = options;
  }

  async read(name: string): Promise<Uint8Array | undefined> {
    const path = this.#pathOf(name);
    try {
      const bytes = await Deno.readFile(path);
      await this.#touch(path);
      return bytes;
    } catch {
      return undefined;
    }
  }

  async add(name: string, bytes: Uint8Array): Promise<void> {
    await this.#fill(name, async (path) => {
      const file = await Deno.open(path, { write: true, createNew: true });
      try {
        await writeAll(file, bytes);
        await file.syncData();
      } finally {
        file.close();
      }
    });
  }

  /** Puts the entry at a path of this machine; false where there is none. */
  async copyTo(name: string, localPath: string): Promise<boolean> {
    const path = this.#pathOf(name);
    try {
      await linkOrCopy(path, localPath);
      await this.#touch(path);
      return true;
    } catch {
      return false;
    }
  }

  /** Takes a copy of a file that nobody will change. */
  async addFile(name: string, localPath: string): Promise<void> {
    await this.#fill(name, async (path) => {
      await linkOrCopy(localPath, path);
      using file = await Deno.open(path);
      await file.syncData();
    });
  }

  #pathOf(name: string): string {
    const digest = sha256();
    digest.update(new TextEncoder().encode(name));
    return `${this.#options.folder}/${digest.hex()}`;
  }

  /**
   * An entry's modification time says when it was last used; many systems do not keep the access
   * time.
   */
  async #touch(path: string): Promise<void> {
    const now = new Date(this.#options.clock.nowMs());
    await Deno.utime(path, now, now).catch(() => undefined);
  }

  async #fill(name: string, write: (path: string) => Promise<void>): Promise<void> {
    const { folder, random, bytesMax } = this.#options;
    const temporary = `${folder}/tmp-${uuidV4(random)}`;
    try {
      // Its content may come from a bucket that other users of this machine may not read.
      await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
      await write(temporary);
      await this.#touch(temporary);
      this.#addedBytes += (await Deno.stat(temporary)).size;
      await Deno.rename(temporary, this.#pathOf(name));
      if (!this.#isLooked || this.#addedBytes > bytesMax * LOOK_SHARE) await this.#clear();
    } catch {
      await removeFileQuietly(temporary);
    }
  }

  async #clear(): Promise<void> {
    this.#isLooked = true;
    this.#addedBytes = 0;
    const { folder, bytesMax, clock } = this.#options;
    const entries: { path: string; size: number; usedMs: number }[] = [];
    let bytes = 0;
    for await (const { name } of Deno.readDir(folder)) {
      const path = `${folder}/${name}`;
      const info = await Deno.lstat(path).catch(() => undefined);
      if (info === undefined || !info.isFile || !ENTRY_NAME.test(name)) continue;
      entries.push({ path, size: info.size, usedMs: info.mtime?.getTime() ?? 0 });
      bytes += info.size;
    }
    entries.sort((a, b) => a.usedMs - b.usedMs);
    const kept = bytes > bytesMax ? bytesMax * KEPT_SHARE : bytesMax;
    for (const { path, size, usedMs } of entries) {
      const isTemporary = path.startsWith(`${folder}/tmp-`);
      if (isTemporary ? usedMs > clock.nowMs() - ABANDONED_MS : bytes <= kept) continue;
      await removeFileQuietly(path);
      bytes -= size;
    }
  }
}

async function linkOrCopy(from: string, to: string): Promise<void> {
  try {
    await Deno.link(from, to);
  } catch {
    await Deno.copyFile(from, to);
  }
}
