import type { Clock } from "../base/clock.ts";
import { messageOf, StreamlabError } from "../base/errors.ts";
import { localError } from "./disk_error.ts";
import { lockUnlessHeld } from "./patient_lock.ts";

/**
 * A lock that the kernel holds for this process (flock) and releases when it ends, so a killed
 * holder never blocks. Only for processes of one machine.
 */
export interface KernelLock {
  /** May be called again. */
  release(): void;
}

/** `tryLock` is missing in older versions of Deno. */
type LockableFile = Omit<Deno.FsFile, "tryLock"> & Partial<Pick<Deno.FsFile, "tryLock">>;

/**
 * Whoever cleans up may remove the file, and its folder, between two of our calls; so many times in
 * a row nobody does.
 */
const ATTEMPTS_MAX = 10;
/** For so long after its file was made a lock may be one that its maker is about to take. */
const TAKING_MS = 10_000;
/** Of a holder's text, whatever somebody has put there. */
const HOLDER_BYTES_MAX = 4_096;

/**
 * Takes the lock of the file at that path, or says who has it: `holder` is the file's text about
 * that process. The text is for people; only the kernel's lock counts.
 */
export async function takeKernelLock(
  path: string,
  holder: string,
  clock: Clock,
): Promise<KernelLock | { heldBy: string }> {
  for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
    const file = openLock(path);
    let isLocked = false;
    try {
      isLocked = await tryLock(file, clock);
      // Not by its path: who holds it may be removing it.
      if (!isLocked) return { heldBy: textOf(file).trim() };
    } finally {
      if (!isLocked) file.close();
    }
    const lock = takenAt(file, path, holder);
    if (lock !== undefined) return lock;
  }
  throw new StreamlabError("unavailable", `Cannot take the lock ${path}: it is removed again and again`, {
    hint: "Let nothing else remove files there, and run it again",
  });
}

/**
 * Whether the file at that path was made just now, and never taken: each holder leaves its text.
 * Who removes locks that are free leaves this one to its maker.
 */
export function isAboutToBeTaken(path: string, clock: Clock): boolean {
  try {
    const { size, mtime } = Deno.lstatSync(path);
    // A time of the future is not taken for one of now.
    return size === 0 && Math.abs(clock.nowMs() - (mtime?.getTime() ?? 0)) < TAKING_MS;
  } catch {
    return false;
  }
}

export interface LockWait {
  /** Aborted when it is no longer waited for. */
  signal: AbortSignal;
  /** Told once of each who has it. */
  onHeld(heldBy: string): void;
}

/**
 * Takes the lock as soon as it is free; undefined where the signal was aborted before. The kernel
 * wakes who waits: then, and not before, the file may be another one than at that path.
 */
export async function waitForKernelLock(
  path: string,
  holder: string,
  clock: Clock,
  { signal, onHeld }: LockWait,
): Promise<KernelLock | undefined> {
  const aborted = new Promise<false>((resolve) => signal.addEventListener("abort", () => resolve(false)));
  while (!signal.aborted) {
    const found = await takeKernelLock(path, holder, clock);
    if (!("heldBy" in found)) return found;
    onHeld(found.heldBy);
    const file = openLock(path);
    const locking = file.lock(true).then(() => true, (error) => {
      file.close();
      throw error;
    });
    if (!await Promise.race([locking, aborted])) {
      // The call cannot be taken back: should it succeed yet, nobody must be kept waiting.
      locking.then(() => letGo(file), () => {});
      return undefined;
    }
    const lock = takenAt(file, path, holder);
    if (lock !== undefined) return lock;
  }
  return undefined;
}

/** Lets the locked file go, and gives nothing, where another one is at the path by now. */
function takenAt(file: Deno.FsFile, path: string, holder: string): KernelLock | undefined {
  let lock: KernelLock | undefined;
  try {
    if (isAt(file, path)) lock = taken(file, holder);
    return lock;
  } finally {
    if (lock === undefined) letGo(file);
  }
}

function textOf(file: Deno.FsFile): string {
  const bytes = new Uint8Array(Math.min(file.statSync().size, HOLDER_BYTES_MAX));
  return new TextDecoder().decode(bytes.subarray(0, file.readSync(bytes) ?? 0));
}

function taken(file: Deno.FsFile, holder: string): KernelLock {
  file.truncateSync();
  file.seekSync(0, Deno.SeekMode.Start);
  file.writeSync(new TextEncoder().encode(holder + "\n"));
  let isHeld = true;
  return {
    release() {
      if (isHeld) letGo(file);
      isHeld = false;
    },
  };
}

/**
 * Closing alone would not do: a process that is being started at this moment has all of our files
 * open until its program begins, and with this one the lock.
 */
function letGo(file: Deno.FsFile): void {
  try {
    file.unlockSync();
  } finally {
    file.close();
  }
}

/** Fails with `unavailable`. */
function openLock(path: string): Deno.FsFile {
  for (let attempt = 1;; attempt++) {
    try {
      Deno.mkdirSync(path.slice(0, path.lastIndexOf("/")), { recursive: true });
      return openOrCreate(path);
    } catch (cause) {
      if (cause instanceof Deno.errors.NotFound && attempt < ATTEMPTS_MAX) continue;
      if (cause instanceof StreamlabError) throw cause;
      throw new StreamlabError("unavailable", `Cannot open the lock ${path}: ${messageOf(cause)}`, {
        hint: "Make the lake's folder writable",
        cause,
      });
    }
  }
}

/**
 * Opens the lock's file, or creates it; `NotFound` where it was removed meanwhile. Its text is
 * replaced, so links are refused: they could lead to another user's file.
 */
function openOrCreate(path: string): Deno.FsFile {
  try {
    return Deno.openSync(path, { read: true, write: true, createNew: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
  }
  const file = Deno.openSync(path, { read: true, write: true });
  let isOurs = false;
  try {
    isOurs = isAt(file, path) && (file.statSync().nlink ?? 1) <= 1;
  } finally {
    if (!isOurs) file.close();
  }
  if (isOurs) return file;
  const { isFile, nlink } = Deno.lstatSync(path);
  if (!isFile || (nlink ?? 1) > 1) throw new Error("it is a link, or no file");
  throw new Deno.errors.NotFound("it was removed, and made anew");
}

/** Whether the path leads to this very file: it may have been removed, or be a link. */
function isAt(file: Deno.FsFile, path: string): boolean {
  try {
    const opened = file.statSync(), named = Deno.lstatSync(path);
    return named.isFile && opened.ino === named.ino && opened.dev === named.dev;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw localError("take the lock", path, error, true);
  }
}

function tryLock(file: LockableFile, clock: Clock): Promise<boolean> {
  return file.tryLock === undefined ? lockUnlessHeld(file, clock) : file.tryLock(true);
}
