import type { Clock } from "../base/clock.ts";

/** A lock that is not had after this long may be held by another. */
const LOOK_MS = 500;
/** Where nobody can be asked, or nobody says that we wait, it counts as held after so many. */
const LOOKS_MAX = 10;

/**
 * A lock without `tryLock`: whether it is had. Time alone does not tell that it is held, for on a
 * busy machine the call may not even have been made.
 */
export async function lockUnlessHeld(file: Pick<Deno.FsFile, "lock" | "statSync">, clock: Clock): Promise<boolean> {
  const settled = new AbortController();
  const locked = file.lock(true).then(() => true);
  locked.catch(() => {});
  try {
    for (let looks = 0; looks < LOOKS_MAX; looks++) {
      const late = clock.sleep(LOOK_MS, settled.signal).then(() => false);
      if (await Promise.race([locked, late])) return true;
      if (isWaitedFor(file.statSync().ino) ?? true) return false;
    }
    return false;
  } finally {
    settled.abort();
  }
}

/**
 * Whether the kernel has this process wait for a lock of that file, as proc_locks(5) shows it:
 * `2: -> FLOCK  ADVISORY  WRITE 4711 fe:00:11706702 0 EOF`. Undefined where it does not show any.
 */
function isWaitedFor(ino: number | null): boolean | undefined {
  try {
    const waiting = new RegExp(`-> FLOCK .* ${Deno.pid} \\w+:\\w+:${ino} `);
    return Deno.readTextFileSync("/proc/locks").split("\n").some((line) => waiting.test(line));
  } catch {
    return undefined;
  }
}
