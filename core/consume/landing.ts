import { isKind } from "../base/errors.ts";
import { mapParallel } from "../base/parallel.ts";
import type { BatchPlan } from "../lake/batch_plan.ts";
import type { EventFile } from "../lake/event_file.ts";
import type { RoutedBatch } from "../lake/routed_batch.ts";
import type { Store } from "../storage/store.ts";

/** Each is a request where the files are in a bucket, for a figure that nothing depends on. */
const LOOKS_MAX = 100;
const LOOKS_PARALLEL = 16;

type Landing = Pick<EventFile, "landedMs">;

/**
 * When the oldest of the raw files that a batch ingests landed, by the clock of their store, in
 * milliseconds since 1970. `found`: the plan's files, as they were found; a plan that stood already
 * does not say it of its files, so they are looked at, unless they are many. Undefined where nobody
 * knows, and of files that are ingested again: they waited for another batch.
 */
export async function oldestLanding(
  store: Store,
  plan: BatchPlan,
  routed: RoutedBatch,
  found?: readonly Landing[],
): Promise<number | undefined> {
  if (plan.reingest !== undefined) return undefined;
  const landings = found ?? await look(store, plan);
  let oldest: number | undefined;
  landings.forEach((landing, index) => {
    if (landing === undefined || routed.files[index]?.status !== "ingested") return;
    oldest = Math.min(oldest ?? Infinity, landing.landedMs);
  });
  return oldest === undefined ? undefined : Math.max(0, Math.round(oldest));
}

async function look(store: Store, { files }: BatchPlan): Promise<(Landing | undefined)[]> {
  if (files.length > LOOKS_MAX) return [];
  let isRefused = false;
  return await mapParallel(files, LOOKS_PARALLEL, async ({ path, etag }) => {
    // A store that does not answer is tried for a minute: once is enough.
    if (isRefused) return undefined;
    try {
      const info = await store.stat(path);
      return info?.etag === etag ? { landedMs: info.modifiedMs } : undefined;
    } catch (error) {
      // The batch does not need it.
      if (!isKind(error, "unavailable")) throw error;
      isRefused = true;
      return undefined;
    }
  });
}
