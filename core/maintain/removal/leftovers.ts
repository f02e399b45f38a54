import { mapParallel } from "../../base/parallel.ts";
import { CHECKPOINTS_FOLDER, RAW_FOLDER, WAREHOUSE_FOLDER } from "../../lake/layout.ts";
import { isProbePath, probePrefix } from "../../storage/probe.ts";
import { isClockPath, storeNowMs } from "../store_clock.ts";
import { removeDeadScratches } from "../workshop.ts";
import type { Surroundings } from "../surroundings.ts";

/**
 * Writes of living writers look the same as those of dead ones, so only those that began that long
 * ago are garbage.
 */
const UNFINISHED_MS_MIN = 3_600_000;
const STATS_PARALLEL = 16;

/**
 * What a killed process can leave anywhere below a folder: worth nothing to anybody, whoever made
 * it and whenever.
 */
export function isLeftover(path: string): boolean {
  return isProbePath(path) || isClockPath(path);
}

/**
 * Removes what processes that were killed left outside of the tables: probes, files made to read
 * the store's clock, scratch, and temporary files and uploads that no listing shows. A living owner
 * of a probe or clock file makes another one. Returns their paths.
 */
export async function removeLeftovers(
  surroundings: Surroundings,
  { olderThanMs, dryRun }: { olderThanMs: number; dryRun: boolean },
): Promise<string[]> {
  const { store, clock } = surroundings;
  const listed: string[] = [];
  for (const prefix of [`${CHECKPOINTS_FOLDER}/`, probePrefix(WAREHOUSE_FOLDER)]) {
    for await (const { path } of store.list(prefix)) if (isLeftover(path)) listed.push(path);
  }
  const nowMs = listed.length === 0 || dryRun ? clock.nowMs() : await storeNowMs(surroundings);
  const infos = await mapParallel(listed, STATS_PARALLEL, (path) => store.stat(path));
  const old = infos.flatMap((info) => info !== undefined && nowMs - info.modifiedMs >= olderThanMs ? [info.path] : []);
  if (!dryRun && old.length > 0) await store.delete(old);
  if (!dryRun) await removeDeadScratches(surroundings);
  for (const prefix of [`${RAW_FOLDER}/`, `${CHECKPOINTS_FOLDER}/`]) {
    await discardUnfinished(surroundings, prefix, nowMs - olderThanMs, dryRun);
  }
  return old;
}

/**
 * Removes what writers that died left below a folder and no listing shows. Returns how many there
 * were.
 */
export async function discardUnfinished(
  { store }: Pick<Surroundings, "store">,
  prefix: string,
  beforeMs: number,
  dryRun: boolean,
): Promise<number> {
  const old = [];
  for await (const write of store.listUnfinished(prefix)) {
    if (write.startedMs < beforeMs - UNFINISHED_MS_MIN) old.push(write);
  }
  if (!dryRun && old.length > 0) await store.discardUnfinished(old);
  return old.length;
}
