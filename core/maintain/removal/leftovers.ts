import { mapParallel } from "../../base/parallel.ts";
import {
  ARCHIVE_FOLDER,
  CHECKPOINTS_FOLDER,
  EVENTS_FOLDER,
  RAW_FOLDER,
  recordAt,
  WAREHOUSE_FOLDER,
} from "../../lake/layout.ts";
import { isProbePath, probePrefix } from "../../storage/probe.ts";
import { deleteOwn, discardOwn, judgeOwn, type LeftFile, type OwnPlace } from "../../storage/deletion.ts";
import { isTemporaryName } from "../../storage/path.ts";
import type { Store } from "../../storage/store.ts";
import { isClockPath, storeNowMs } from "../store_clock.ts";
import { removeDeadScratches } from "../workshop.ts";
import type { Surroundings } from "../surroundings.ts";

/**
 * Writes of living writers look the same as those of dead ones, so only those that began that long
 * ago are garbage.
 */
const UNFINISHED_MS_MIN = 3_600_000;
const STATS_PARALLEL = 16;

/** Worthless files that a killed process can leave anywhere below a folder. */
export function isLeftover(path: string): boolean {
  return isProbePath(path) || isClockPath(path);
}

/** Leftovers can be in any folder; their names are used for nothing else. */
export const leftoverPlace: OwnPlace = { folder: "", isOwn: isLeftover };

/** On disk an unfinished write is a file of its own, whatever it was to become. */
const temporaryPlace: OwnPlace = {
  folder: "",
  isOwn: (path) => isTemporaryName(path.slice(path.lastIndexOf("/") + 1)),
};

/** On S3 it is known by what it was to become: uploads of others into the raw zone are theirs. */
const lakePlaces: readonly OwnPlace[] = [
  { folder: EVENTS_FOLDER, isOwn: (name) => /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\.[a-z.]+$/.test(name) },
  { folder: ARCHIVE_FOLDER, isOwn: () => true },
  { folder: "", isOwn: (path) => isLeftover(path) || !["unknown", undefined].includes(recordAt(path)?.kind) },
];

/**
 * Removes what processes that were killed left outside of the tables: probes, files made to read
 * the store's clock, scratch, and temporary files and uploads that no listing shows. A living owner
 * of a probe or clock file makes another one.
 */
export async function removeLeftovers(
  surroundings: Surroundings,
  { olderThanMs, dryRun }: { olderThanMs: number; dryRun: boolean },
): Promise<{ paths: string[]; left: LeftFile[] }> {
  const { store, clock } = surroundings;
  const listed: string[] = [];
  for (const prefix of [`${CHECKPOINTS_FOLDER}/`, probePrefix(WAREHOUSE_FOLDER)]) {
    for await (const { path } of store.list(prefix)) if (isLeftover(path)) listed.push(path);
  }
  const nowMs = listed.length === 0 || dryRun ? clock.nowMs() : await storeNowMs(surroundings);
  const infos = await mapParallel(listed, STATS_PARALLEL, (path) => store.stat(path));
  const old = infos.flatMap((info) => info !== undefined && nowMs - info.modifiedMs >= olderThanMs ? [info.path] : []);
  const { deleted, left } = await (dryRun ? judgeOwn : deleteOwn)(store, old, [leftoverPlace]);
  if (!dryRun) left.push(...await removeDeadScratches(surroundings));
  for (const prefix of [`${RAW_FOLDER}/`, `${CHECKPOINTS_FOLDER}/`]) {
    await discardUnfinished(store, prefix, lakePlaces, nowMs - olderThanMs, dryRun);
  }
  return { paths: deleted, left };
}

/**
 * Removes what writers that died left below a folder and no listing shows. Returns how many there
 * were.
 */
export async function discardUnfinished(
  store: Store,
  prefix: string,
  places: readonly OwnPlace[],
  beforeMs: number,
  dryRun: boolean,
): Promise<number> {
  const old = [];
  for await (const write of store.listUnfinished(prefix)) {
    if (write.startedMs < beforeMs - UNFINISHED_MS_MIN) old.push(write);
  }
  return await discardOwn(store, old, [...places, temporaryPlace], { dryRun });
}
