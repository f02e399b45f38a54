import { dirname } from "node:path";
import { codeOf, isMissing, localError } from "../../disk/disk_error.ts";
import { FolderNames } from "./folder_names.ts";

const isWindows = Deno.build.os === "windows";
const SETTLED_MAX = 10_000;

/**
 * Makes the content of a file or folder survive a power cut. Windows cannot open folders; its file
 * system journals names itself.
 */
export async function syncEntry(path: string, isFolder: boolean): Promise<void> {
  if (isFolder && isWindows) return;
  const file = await Deno.open(path);
  try {
    await file.sync();
  } finally {
    file.close();
  }
}

/**
 * Creates folders and makes their names durable, too: if a folder's name was never fsynced, its
 * files are lost with it. One instance per store; it remembers which names are durable.
 */
export class LocalFolders {
  /** Folders whose own names are known to be durable, up to the root's. */
  readonly #settled = new FolderNames();
  readonly #settling = new Map<string, Promise<void>>();
  readonly #syncs = new Map<string, FolderSync>();
  readonly #root: string;
  readonly #durable: boolean;

  constructor(root: string, durable: boolean) {
    this.#root = root;
    this.#durable = durable;
  }

  /** Makes the folder with its parents where they are missing, above the root too. */
  async make(folder: string): Promise<void> {
    try {
      const made = await missingFrom(folder);
      this.#forgetBelow(made.at(-1));
      await Deno.mkdir(folder, { recursive: true });
      if (!this.#durable) return;
      await Promise.all(made.map((path) => this.#syncNames(dirname(path))));
      for (const path of made) if (path.length >= this.#root.length) this.#settled.add(path);
    } catch (error) {
      throw localError("make the folder", folder, error, true);
    }
  }

  /**
   * Makes the names in the folder durable and, once, the names of the folders that lead to it:
   * another process may just have made them. Their order does not matter: nobody names what lies
   * there before all are durable.
   */
  async sync(folder: string): Promise<void> {
    if (!this.#durable) return;
    if (this.#settled.size > SETTLED_MAX) this.#settled.clear();
    const names = [this.#syncNames(folder)];
    for (let path = folder; path.length >= this.#root.length && !this.#settled.has(path); path = dirname(path)) {
      if (dirname(path) === path) break;
      names.push(this.#settle(path));
    }
    // All are waited for, even after an error.
    const failed = (await Promise.allSettled(names)).find(({ status }) => status === "rejected");
    if (failed === undefined) return;
    throw localError("make durable the folder", folder, (failed as PromiseRejectedResult).reason, true);
  }

  /**
   * Makes a folder's own name durable; whoever asks knows that the folder is there. Its parent may
   * be one that this user cannot open; then we did not create it.
   */
  #settle(path: string): Promise<void> {
    const running = this.#settling.get(path);
    if (running !== undefined) return running;
    const settling = this.#syncNames(dirname(path)).catch((error) => {
      const code = codeOf(error);
      if (code !== "EACCES" && code !== "EPERM" && code !== "ENOTCAPABLE") throw error;
    }).then(() => void this.#settled.add(path)).finally(() => this.#settling.delete(path));
    this.#settling.set(path, settling);
    return settling;
  }

  /** Many files that come to one folder at once need few fsyncs of it, not one each. */
  #syncNames(folder: string): Promise<void> {
    let sync = this.#syncs.get(folder);
    if (sync === undefined) this.#syncs.set(folder, sync = new FolderSync(folder));
    return sync.run().finally(() => {
      if (sync.isIdle) this.#syncs.delete(folder);
    });
  }

  /** A folder that is missing took along all that lay in it; undefined: nobody knows which. */
  #forgetBelow(gone: string | undefined): void {
    if (gone === undefined) return this.#settled.clear();
    this.#settled.deleteBelow(gone);
  }
}

/**
 * The fsyncs of one folder, one at a time. A name that was made while one ran may not be in it, so
 * who asks then shares the next one with all others who do.
 */
class FolderSync {
  readonly #folder: string;
  #running: Promise<void> | undefined;
  #next: Promise<void> | undefined;

  constructor(folder: string) {
    this.#folder = folder;
  }

  get isIdle(): boolean {
    return this.#running === undefined && this.#next === undefined;
  }

  run(): Promise<void> {
    if (this.#running === undefined) return this.#begin();
    return this.#next ??= this.#running.catch(() => {}).then(() => {
      this.#next = undefined;
      return this.#begin();
    });
  }

  #begin(): Promise<void> {
    const running = syncEntry(this.#folder, true).finally(() => {
      if (this.#running === running) this.#running = undefined;
    });
    this.#running = running;
    return running;
  }
}

async function missingFrom(folder: string): Promise<string[]> {
  const missing: string[] = [];
  for (let path = folder; dirname(path) !== path; path = dirname(path)) {
    try {
      await Deno.stat(path);
      return missing;
    } catch (error) {
      if (!isMissing(error)) throw error;
      missing.push(path);
    }
  }
  return missing;
}
