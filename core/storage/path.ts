import { StreamlabError } from "../base/errors.ts";

/**
 * Refuses invalid store paths: empty, absolute, with empty, `.` or `..` parts, NUL or lone
 * surrogates. So no path leads out of the root, and a path means the same file in every store.
 */
export function checkPath(path: string): void {
  const fault = faultOf(path, path.split("/"));
  if (fault !== undefined) throw new StreamlabError("usage", `Cannot use ${JSON.stringify(path)} as a path: ${fault}`);
}

/** Whether `checkPath` takes it. */
export function isPath(path: string): boolean {
  return faultOf(path, path.split("/")) === undefined;
}

/**
 * Like `checkPath`, for a prefix: the last part may be cut anywhere, and the prefix may be empty.
 */
export function checkPrefix(prefix: string): void {
  const fault = faultOf(prefix, prefix.split("/").slice(0, -1));
  if (fault !== undefined) {
    throw new StreamlabError("usage", `Cannot list ${JSON.stringify(prefix)}: ${fault}`);
  }
}

function faultOf(text: string, parts: string[]): string | undefined {
  if (text.startsWith("/")) return "it is absolute, paths are relative to the root";
  if (parts.some((part) => part === "..")) return "it leads out of its folder ('..')";
  if (parts.some((part) => part === "" || part === ".")) return "it has an empty or '.' part";
  if (text.includes("\0")) return "it holds a NUL character";
  if (!text.isWellFormed()) return "it holds half of a surrogate pair";
  return undefined;
}

/**
 * Names of files on disk whose writing has not finished. A dot in front hides them from every other
 * reader of the folder too.
 */
export function isTemporaryName(name: string): boolean {
  return /^\.streamlab-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\.tmp$/.test(name);
}

/** The folder of a path without trailing slash; empty for the root. */
export function folderOf(path: string): string {
  const slash = path.lastIndexOf("/");
  return slash < 0 ? "" : path.slice(0, slash);
}

/**
 * Order of the UTF-8 bytes of two strings, which is the order of their code points. JavaScript's
 * own `<` compares UTF-16 units and puts U+1F600 before U+FFFD.
 */
export function comparePaths(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i), y = b.charCodeAt(i);
    if (x !== y) return rank(x) - rank(y);
  }
  return a.length - b.length;
}

/** Moves the surrogates above the rest of the basic plane. */
function rank(unit: number): number {
  if (unit < 0xd800) return unit;
  return unit < 0xe000 ? unit + 0x2000 : unit - 0x800;
}
