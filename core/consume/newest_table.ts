import type { Clock } from "../base/clock.ts";
import { isKind } from "../base/errors.ts";
import type { Random } from "../base/random.ts";
import { retry } from "../base/retry.ts";

/** Each loads the table anew. */
const TRIES = { attemptsMax: 3, delayMsMin: 10, delayMsMax: 100 };

/**
 * What `use` makes of a table that was just loaded. Where its snapshot was expired while its files
 * were read, a newer version is loaded.
 */
export async function onNewest<T>(
  load: () => Promise<void>,
  use: () => Promise<T>,
  { clock, random }: { clock: Clock; random: Random },
): Promise<T> {
  return await retry(TRIES, clock, random, (error) => isKind(error, "not-found"), async () => {
    await load();
    return await use();
  });
}
