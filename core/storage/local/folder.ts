import { dirname } from "node:path";
import { codeOf, isMissing, localError } from "../../disk/disk_error.ts";

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
  readonly #settled = new Set<string>();
  readonly #root: string;
  readonly #durable: boolean;

  constructor(root: string, durable: boolean) {
    this.#root = root;
    this.#durable = durable;
  }

  /** Makes the folder with its parents where they are missing, above the root too. */
  async make(folder: string): Promise<void> {
    this.#settled.clear();
    try {
      const made = await missingFrom(folder);
      await Deno.mkdir(folder, { recursive: true });
      if (!this.#durable) return;
      for (const path of made.reverse()) await syncEntry(dirname(path), true);
    } catch (error) {
      throw localError("make the folder", folder, error, true);
    }
  }

  /**
   * Makes the names in the folder durable and, once, the names of the folders that lead to it:
   * another process may just have made them.
   */
  async sync(folder: string): Promise<void> {
    if (!this.#durable) return;
    if (this.#settled.size > SETTLED_MAX) this.#settled.clear();
    try {
      await syncEntry(folder, true);
      for (let path = folder; path.length >= this.#root.length && !this.#settled.has(path); path = dirname(path)) {
        if (dirname(path) !== path) await syncParent(path);
        this.#settled.add(path);
        if (dirname(path) === path) return;
      }
    } catch (error) {
      throw localError("make durable the folder", folder, error, true);
    }
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

/** The root's parent may be a folder that this user cannot open; then we did not create it. */
async function syncParent(path: string): Promise<void> {
  try {
    await syncEntry(dirname(path), true);
  } catch (error) {
    const code = codeOf(error);
    if (code !== "EACCES" && code !== "EPERM" && code !== "ENOTCAPABLE") throw error;
  }
}
