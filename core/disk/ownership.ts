import { dirname, isAbsolute, join, resolve } from "node:path";
import { messageOf } from "../base/errors.ts";
import { isMissing } from "./disk_error.ts";

/**
 * Bits of a mode: write for the group, write for all others, and only owners may remove entries.
 */
const GROUP_WRITE = 0o020, OTHERS_WRITE = 0o002, STICKY = 0o1000;
/** As Linux bounds it. */
const LINKS_MAX = 40;

/**
 * Why another user could decide what a path leads to, or what is in it; undefined if only this user
 * and root can. No other user may be able to rename in any folder of the path, or have created a
 * link in it. Windows has no such modes: a user's folders are closed to others by default.
 */
export function foreignHand(path: string): string | undefined {
  const uid = Deno.uid();
  if (uid === null) return undefined;
  try {
    return walk(resolve(path), uid);
  } catch (error) {
    return `it cannot be looked at (${messageOf(error)})`;
  }
}

function walk(path: string, uid: number): string | undefined {
  const parts = path.split("/").filter((part) => part !== "");
  let at = "/", isOpenAbove = false;
  for (let links = 0;;) {
    const info = Deno.lstatSync(at);
    if (info.uid !== uid && info.uid !== 0) return `"${at}" belongs to another user`;
    if (info.isSymlink) {
      if (isOpenAbove) return `"${at}" is a link in a folder that others can write to`;
      if (++links > LINKS_MAX) return `"${at}" leads round in a circle`;
      parts.unshift(...resolve(dirname(at), Deno.readLinkSync(at)).split("/").filter((part) => part !== ""));
      at = "/";
      isOpenAbove = false;
      continue;
    }
    const isOpen = isOpenToOthers(info, uid);
    // In a sticky folder others may add entries, but neither remove nor rename those of this user.
    const isSticky = info.isDirectory && ((info.mode ?? 0) & STICKY) !== 0 && parts.length > 0;
    if (isOpen && !isSticky) return `others can write to "${at}"`;
    isOpenAbove = isOpen;
    const next = parts.shift();
    if (next === undefined) return undefined;
    at = join(at, next);
  }
}

/**
 * A group that has its user's number is that user's own by convention: where those are used, new
 * files are writable for the group.
 */
function isOpenToOthers(info: Deno.FileInfo, uid: number): boolean {
  const mode = info.mode ?? 0;
  return (mode & OTHERS_WRITE) !== 0 || ((mode & GROUP_WRITE) !== 0 && info.gid !== uid);
}

/**
 * Creates a folder for this user alone, with missing parents. Returns why it cannot be trusted or
 * created; undefined if it can.
 */
export function makeOwnFolder(path: string): string | undefined {
  try {
    makeMissing(resolve(path));
  } catch (error) {
    return `it cannot be made (${messageOf(error)})`;
  }
  const hand = foreignHand(path);
  const uid = Deno.uid();
  if (hand !== undefined || uid === null) return hand;
  return Deno.statSync(path).uid === uid ? undefined : `"${path}" belongs to another user`;
}

/** One by one, so that each is closed to others from its first moment. */
function makeMissing(path: string): void {
  if (isThere(path)) return;
  if (dirname(path) !== path) makeMissing(dirname(path));
  try {
    Deno.mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
  }
}

function isThere(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

/** The user's cache folder; undefined if nothing says where it is. */
export function cacheFolder(variable: (name: string) => string | undefined): string | undefined {
  const home = variable("HOME");
  return place(variable("XDG_CACHE_HOME")) ?? place(variable("LOCALAPPDATA")) ??
    (place(home) && `${home}/.cache`);
}

/** The user's state folder; undefined if nothing says where it is. */
export function stateFolder(variable: (name: string) => string | undefined): string | undefined {
  const home = variable("HOME");
  return place(variable("XDG_STATE_HOME")) ?? (place(home) && `${home}/.local/state`);
}

/** The folder for temporary files. Every user may write there. */
export function temporaryFolder(variable: (name: string) => string | undefined): string {
  return variable("TMPDIR") || variable("TEMP") || "/tmp";
}

/** Relative paths must be ignored (XDG Base Directory Specification). */
function place(path: string | undefined): string | undefined {
  return path !== undefined && isAbsolute(path) ? path : undefined;
}
