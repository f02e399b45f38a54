import { systemClock } from "../../core/base/clock.ts";

const removalsMax = 50;
const betweenRemovalsMs = 100;

/** A folder that is gone after the test; below `dir`, or where temporary files are. */
export async function inFolder(
  action: (folder: string) => Promise<void> | void,
  prefix = "streamlab-test-",
  dir?: string,
): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix, dir });
  try {
    await action(folder);
  } catch (error) {
    // What a failed test left running may write on; its own error is the one to be told.
    await removeFolder(folder).catch(() => undefined);
    throw error;
  }
  await removeFolder(folder);
}

/**
 * Removes a folder in which processes ran: the last call of one that was killed may still make a
 * file there. Something that goes on writing is an error.
 */
export async function removeFolder(folder: string): Promise<void> {
  for (let removals = 1;; removals++) {
    try {
      return await Deno.remove(folder, { recursive: true });
    } catch (error) {
      if (error instanceof Deno.errors.NotFound && removals > 1) return;
      if (removals === removalsMax) throw error;
      await systemClock.sleep(betweenRemovalsMs);
    }
  }
}
