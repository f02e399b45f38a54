import type { Clock } from "../base/clock.ts";
import { messageOf, StreamlabError } from "../base/errors.ts";
import { type Random, uuidV4 } from "../base/random.ts";
import { isAboutToBeTaken, takeKernelLock } from "./kernel_lock.ts";
import { removeTreeQuietly } from "./removal.ts";

export interface TemporaryFolder {
  /** It is made, and empty. */
  readonly path: string;
  /** Removes it with all in it. */
  release(): void;
}

const LOCK_NAME = /^(streamlab-[a-z]+-[0-9a-f-]{36})\.lock$/;
/**
 * Another process that cleans up may take a lock before its owner has it, where that one is slow;
 * this many times in a row it won't.
 */
export const ATTEMPTS_MAX = 5;

/**
 * A folder of this process below `parent`, worthless once the process has ended. The kernel
 * releases the lock beside it with the process. Folders whose lock is free are removed. `purpose`
 * is a word for people.
 */
export async function takeTemporaryFolder(
  parent: string,
  purpose: string,
  { clock, random }: { clock: Clock; random: Random },
): Promise<TemporaryFolder> {
  await removeAbandoned(parent, clock);
  for (let attempt = 1;; attempt++) {
    const path = `${parent}/streamlab-${purpose}-${uuidV4(random)}`;
    const lock = await takeKernelLock(`${path}.lock`, purpose, clock);
    if ("release" in lock) {
      try {
        // Its content may come from a bucket that other users of this machine may not read.
        Deno.mkdirSync(path, { mode: 0o700 });
      } catch (cause) {
        lock.release();
        throw new StreamlabError("unavailable", `Cannot make the folder ${path}: ${messageOf(cause)}`, {
          hint: "Name another place with TMPDIR",
          cause,
        });
      }
      return { path, release: () => (removeTreeQuietly(path), removeTreeQuietly(`${path}.lock`), lock.release()) };
    }
    if (attempt === ATTEMPTS_MAX) throw new StreamlabError("internal", `Cannot take a folder below ${parent}`);
  }
}

async function removeAbandoned(parent: string, clock: Clock): Promise<void> {
  const names = exists(parent)
    ? [...Deno.readDirSync(parent)].flatMap(({ name }) => LOCK_NAME.exec(name)?.[1] ?? [])
    : [];
  for (const name of names) {
    // Other users who can write there can choose such names, too.
    const lockPath = `${parent}/${name}.lock`;
    if (!isOwn(lockPath) || (exists(`${parent}/${name}`) && !isOwn(`${parent}/${name}`))) continue;
    if (isAboutToBeTaken(lockPath, clock)) continue;
    try {
      const lock = await takeKernelLock(lockPath, "cleaning up", clock);
      if ("heldBy" in lock) continue;
      removeTreeQuietly(`${parent}/${name}`);
      removeTreeQuietly(lockPath);
      lock.release();
    } catch {
      // Another user's folder, or another process is removing it: not ours to remove.
    }
  }
}

/** Whether it is a file or folder of this user, and no link to one. */
function isOwn(path: string): boolean {
  try {
    const { isSymlink, uid } = Deno.lstatSync(path);
    return !isSymlink && (Deno.uid() === null || uid === Deno.uid());
  } catch {
    return false;
  }
}

function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}
