/**
 * All removal from a disk goes through here, or through a store (`core/storage/deletion.ts`); a
 * house test checks it.
 */
import { dirname } from "node:path";
import { messageOf, StreamlabError } from "../base/errors.ts";

/** An abandoned download may still create a file while its folder is removed. */
const REMOVALS_MAX = 3;

/**
 * Removes a folder of ours with its content, or a file; a missing one is no error. If a symbolic
 * link below `base` leads to it (default: if `path` itself is one), it is left, and false is
 * returned. Links in the folder are removed, their targets stay.
 */
export function removeTree(path: string, base: string = dirname(path)): boolean {
  if (isLinked(base, path)) return false;
  for (let attempt = 1;; attempt++) {
    try {
      Deno.removeSync(path, { recursive: true });
      return true;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return true;
      if (attempt === REMOVALS_MAX) {
        throw new StreamlabError("unavailable", `Cannot remove ${path}: ${messageOf(error)}`, {
          hint: "Free space on that disk, or make the folder writable",
          cause: error,
        });
      }
    }
  }
}

/** Like `removeTree`, but a failure is ignored: a later clean-up finds it. */
export function removeTreeQuietly(path: string): void {
  try {
    removeTree(path);
  } catch (error) {
    if (!(error instanceof StreamlabError)) throw error;
  }
}

/** Removes a file that this process has created; a failure is ignored. */
export async function removeFileQuietly(path: string): Promise<void> {
  await Deno.remove(path).catch(() => undefined);
}

/** Whether one of the folders from `base` down to `path`, or `path` itself, is a symbolic link. */
export function isLinked(base: string, path: string): boolean {
  for (let at = path; at.length > base.length; at = dirname(at)) {
    try {
      if (Deno.lstatSync(at).isSymlink) return true;
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) return true;
    }
    if (dirname(at) === at) break;
  }
  return false;
}

/** The path with links resolved; the path itself if nothing is there. */
export function realPathOf(path: string): string {
  try {
    return Deno.realPathSync(path);
  } catch {
    return path;
  }
}

/** What is at a path, as far as deletion needs to know. */
export type PathStanding = "file" | "missing" | "linked" | "other";

/** Says for many files below a folder whether a link leads to them; checks each folder once. */
export class LinkFinder {
  readonly #base: string;
  readonly #lstat: typeof Deno.lstat;
  readonly #folders = new Map<string, Promise<boolean>>();

  /** A link above or at `base` is the user's own choice of a place. */
  constructor(base: string, lstat: typeof Deno.lstat = Deno.lstat) {
    this.#base = base;
    this.#lstat = lstat;
  }

  /** `linked` where the file, or a folder on the way to it, is a symbolic link. */
  async standing(path: string): Promise<PathStanding> {
    if (await this.#isFolderLinked(dirname(path))) return "linked";
    try {
      const { isFile, isSymlink } = await this.#lstat(path);
      return isSymlink ? "linked" : isFile ? "file" : "other";
    } catch (error) {
      return isAbsent(error) ? "missing" : "other";
    }
  }

  #isFolderLinked(folder: string): Promise<boolean> {
    if (folder.length <= this.#base.length || dirname(folder) === folder) return Promise.resolve(false);
    const known = this.#folders.get(folder);
    if (known !== undefined) return known;
    const looking = this.#look(folder);
    this.#folders.set(folder, looking);
    return looking;
  }

  async #look(folder: string): Promise<boolean> {
    if (await this.#isFolderLinked(dirname(folder))) return true;
    try {
      return (await this.#lstat(folder)).isSymlink;
    } catch (error) {
      // What cannot be checked counts as a link: nothing is removed behind it.
      return !isAbsent(error);
    }
  }
}

function isAbsent(error: unknown): boolean {
  return error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory;
}
