import type { Clock } from "../base/clock.ts";
import { sha256 } from "../base/sha256.ts";
import { foreignHand } from "../disk/ownership.ts";
import { removeTree } from "../disk/removal.ts";
import { createFileSync, writeFileSync } from "../disk/scratch.ts";

/** Deno tells the time of a change in whole seconds: two within one leave the same time. */
const SETTLED_AFTER_MS = 2000;

/**
 * Whether it is a file of this user alone with exactly these bytes; a damaged one is unpacked
 * again.
 *
 * To read 70 MB takes a start a fifth of its time, so a mark beside the library says in which state
 * it was when its bytes were right. The system sets a file's time of change by its own clock
 * whenever its bytes, name or mode change, and only who can write to files of this user could write
 * the mark: what was open to others for a while is read again when it has been closed to them.
 */
export function isLibrary(path: string, digest: string, clock: Clock): boolean {
  const file = openOwnFile(path);
  if (file === undefined) return false;
  const mark = `${path}.checked`;
  try {
    // Before the bytes are read: what changes meanwhile is in another state.
    const info = file.statSync();
    const state = stateOf(info, digest);
    const isSettled = info.ctime !== null && clock.nowMs() - info.ctime.getTime() > SETTLED_AFTER_MS;
    if (readMark(mark) === state) return true;
    if (digestOf(file) !== digest) return false;
    if (isSettled) writeMark(mark, state);
    return true;
  } finally {
    file.close();
  }
}

/** Undefined where there is none; the cache folder may be removed at any time. */
function openOwnFile(path: string): Deno.FsFile | undefined {
  try {
    return isOwnFile(path) ? Deno.openSync(path, { read: true }) : undefined;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

function isOwnFile(path: string): boolean {
  return Deno.lstatSync(path).isFile && foreignHand(path) === undefined;
}

function stateOf({ dev, ino, size, mtime, ctime }: Deno.FileInfo, digest: string): string {
  return `${[digest, dev, ino, size, mtime?.getTime(), ctime?.getTime()].join(" ")}\n`;
}

function digestOf(file: Deno.FsFile): string {
  const hash = sha256();
  const block = new Uint8Array(1 << 20);
  for (let count: number | null; (count = file.readSync(block)) !== null;) hash.update(block.subarray(0, count));
  return hash.hex();
}

/** Undefined without one; another process may just be removing it. */
function readMark(mark: string): string | undefined {
  try {
    return isOwnFile(mark) ? Deno.readTextFileSync(mark) : undefined;
  } catch {
    return undefined;
  }
}

/** Without it the bytes are read again: neither a full disk nor another process is an error. */
function writeMark(mark: string, state: string): void {
  try {
    removeTree(mark);
    const file = createFileSync(mark, 0o600);
    try {
      writeFileSync(file, mark, new TextEncoder().encode(state));
    } finally {
      file.close();
    }
  } catch {
    // The next start tries again.
  }
}
