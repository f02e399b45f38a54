import { systemClock } from "../../core/base/clock.ts";

const pollMs = 5;

/**
 * Until that is so. Asked again and again: what is made in a new folder before the system watches
 * that is not reported.
 */
export async function untilThere(isThere: () => boolean): Promise<void> {
  while (!isThere()) await systemClock.sleep(pollMs);
}

export function isFileThere(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}
