import { systemClock } from "../../core/base/clock.ts";

const pollMs = 5;

/**
 * Until that is so; fails when the work that is to make it so has ended, and it is not. Asked again
 * and again: what is made in a new folder before the system watches that is not reported.
 */
export async function untilThere(isThere: () => boolean, work?: Promise<unknown>): Promise<void> {
  let hasEnded = false;
  const end = () => void (hasEnded = true);
  work?.then(end, end);
  while (!isThere()) {
    // What it did last may be seen only now.
    if (hasEnded && !isThere()) throw new Error("What is to come does not come: who makes it has ended");
    await systemClock.sleep(pollMs);
  }
}

export function isFileThere(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}
