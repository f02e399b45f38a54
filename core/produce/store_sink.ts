import type { Clock } from "../base/clock.ts";
import { isKind } from "../base/errors.ts";
import type { Random } from "../base/random.ts";
import { retry } from "../base/retry.ts";
import type { Store } from "../storage/store.ts";
import type { EventFileSink } from "./parts.ts";

/**
 * Files under way at once: an upload takes the time there and back, and a disk that of making
 * durable what it was given, in which more can be made.
 */
const PARALLEL_MAX = { local: 4, s3: 16 } as const;
const RETRY_POLICY = { attemptsMax: 5, delayMsMin: 100, delayMsMax: 5_000 };

/** Event files as files of a lake. */
export function storeSink(
  store: Pick<Store, "root" | "kind" | "stat" | "create" | "read">,
  { clock, random }: { clock: Clock; random: Random },
): EventFileSink {
  return {
    name: store.root,
    parallelMax: PARALLEL_MAX[store.kind],
    has: async (path) => await store.stat(path) !== undefined,
    // After a lost answer, another attempt and the file that is then there settle the outcome.
    create: (path, bytes) =>
      retry(
        store.kind === "local" ? { ...RETRY_POLICY, attemptsMax: 1 } : RETRY_POLICY,
        clock,
        random,
        isUnavailable,
        async (attempt) => {
          if (await store.create(path, bytes)) return true;
          return attempt > 1 && sameBytes(await store.read(path), bytes);
        },
      ),
  };
}

function isUnavailable(error: unknown): boolean {
  return isKind(error, "unavailable");
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}
