import type { Clock } from "../base/clock.ts";
import { messageOf, StreamlabError } from "../base/errors.ts";

/**
 * A lock that the kernel holds for this process (flock) and releases when it ends, so a killed
 * holder never blocks. Only for processes of one machine.
 */
export interface KernelLock {
  release(): void;
}

/** `tryLock` is missing in older versions of Deno. */
type LockableFile = Omit<Deno.FsFile, "tryLock"> & Partial<Pick<Deno.FsFile, "tryLock">>;

/** Without `tryLock`, a lock that is not free after this long counts as held by another. */
const LOCK_WAIT_MS = 500;

/**
 * Takes the lock, or says who has it: `holder` is the file's text about that process. The text is
 * for people; only the kernel's lock counts.
 */
export async function takeKernelLock(
  path: string,
  holder: string,
  clock: Clock,
): Promise<KernelLock | { heldBy: string }> {
  let file: LockableFile;
  try {
    Deno.mkdirSync(path.slice(0, path.lastIndexOf("/")), { recursive: true });
    file = openLock(path);
  } catch (cause) {
    throw new StreamlabError("unavailable", `Cannot open the lock ${path}: ${messageOf(cause)}`, {
      hint: "Make the lake's folder writable",
      cause,
    });
  }
  if (!await tryLock(file, clock)) {
    const heldBy = Deno.readTextFileSync(path).trim();
    file.close();
    return { heldBy };
  }
  file.truncateSync();
  file.seekSync(0, Deno.SeekMode.Start);
  file.writeSync(new TextEncoder().encode(holder + "\n"));
  return { release: () => file.close() };
}

/**
 * Opens the lock's file, or creates it. Its text is replaced, so links are refused: they could lead
 * to another user's file.
 */
function openLock(path: string): Deno.FsFile {
  try {
    return Deno.openSync(path, { read: true, write: true, createNew: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
  }
  const file = Deno.openSync(path, { read: true, write: true });
  const opened = file.statSync(), named = Deno.lstatSync(path);
  const isSame = named.isFile && opened.ino === named.ino && opened.dev === named.dev;
  if (isSame && (opened.nlink ?? 1) <= 1) return file;
  file.close();
  throw new Error("it is a link, or no file");
}

async function tryLock(file: LockableFile, clock: Clock): Promise<boolean> {
  if (file.tryLock !== undefined) return await file.tryLock(true);
  const settled = new AbortController();
  const locked = file.lock(true).then(() => true);
  locked.catch(() => {});
  const late = clock.sleep(LOCK_WAIT_MS, settled.signal).then(() => false);
  try {
    return await Promise.race([locked, late]);
  } finally {
    settled.abort();
  }
}
