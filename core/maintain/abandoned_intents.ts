import { identifierText, type LoadedTable } from "../iceberg/catalog/catalog.ts";
import { reachableFiles } from "../iceberg/reachable_files.ts";
import { streamlabKey } from "../lake/keys.ts";
import { Claims } from "../lake/claims.ts";
import { ownPlaces } from "../iceberg/own_files.ts";
import { deleteOwn } from "../storage/deletion.ts";
import { uriKey } from "../storage/uri.ts";
import { fenceCommits } from "./fence.ts";
import {
  type Intent,
  isCompactionOf,
  listIntents,
  removeIntent,
  type StandingIntent,
  writeIntent,
} from "../lake/intent.ts";
import { withNewest } from "../tables/read/newest.ts";
import { storeNowMs } from "./store_clock.ts";
import type { Surroundings } from "./surroundings.ts";

export interface AbandonedIntents {
  /** Of compactions of this table. */
  abandoned: Intent[];
  /**
   * Other old intents, which no compaction of this table can have written: their files are not
   * touched.
   */
  foreign: number;
  /** Those of the table that still count. */
  standing: number;
}

/** A table's intents, and which of them are abandoned. */
export async function findAbandonedIntents(
  { store }: Pick<Surroundings, "store">,
  isAbandoned: (standing: StandingIntent) => boolean,
  { identifier, io }: LoadedTable,
): Promise<AbandonedIntents> {
  const found: AbandonedIntents = { abandoned: [], foreign: 0, standing: 0 };
  for (const each of await listIntents(store)) {
    if (each.intent.table !== identifierText(identifier)) continue;
    if (!isAbandoned(each)) found.standing++;
    else if (await isCompactionOf(store, io.location, each.intent)) found.abandoned.push(each.intent);
    else found.foreign++;
  }
  return found;
}

/**
 * Settles what dead rewrites of the table have left. Returns how many intents are none of its
 * compaction, and how many still count.
 */
export async function settleAbandoned(
  surroundings: Surroundings,
  table: LoadedTable,
): Promise<{ foreignIntents: number; standing: number }> {
  const any = await findAbandonedIntents(surroundings, () => false, table);
  if (any.standing === 0) return { foreignIntents: 0, standing: 0 };
  const nowMs = await storeNowMs(surroundings);
  const isAbandoned = ({ modifiedMs, intent }: StandingIntent) => modifiedMs + intent.patienceMs < nowMs;
  const { abandoned, foreign, standing } = await findAbandonedIntents(surroundings, isAbandoned, table);
  for (const intent of abandoned) await settleIntent(surroundings, table, intent);
  return { foreignIntents: foreign, standing };
}

/**
 * Fences an abandoned rewrite of the table, and removes its files if they are not in the table and
 * wait for no reader. Returns their paths.
 */
export async function settleIntent(
  surroundings: Surroundings,
  { identifier, metadata, io: { location } }: LoadedTable,
  intent: Intent,
): Promise<string[]> {
  const { catalog, store } = surroundings;
  let newest: LoadedTable | undefined;
  if (metadata.tableUuid === intent.tableUuid) {
    await writeIntent(store, { ...intent, fenced: true });
    newest = await fenceCommits(surroundings, identifier, { [streamlabKey.fencedRewrite]: intent.id });
  }
  // Also for a table that was created again: an intent must not delete a live file.
  const used = await withNewest(catalog, identifier, async (table) => {
    const { dataFiles } = await reachableFiles(table.io, table.metadata);
    return new Set([...dataFiles].flatMap((uri) => table.io.location.findPath(uri) ?? []).map(uriKey));
  }, newest);
  // They may have been part of the table, and their readers still be there.
  const waiting = await Claims.readWaiting(store);
  const unused: string[] = [];
  for await (const { path } of location.store.list(intent.stem)) {
    const pathInTable = location.pathInTable(path);
    const waits = waiting.has({ pathInTable, path, uri: location.uriOf(pathInTable) }, {});
    if (!used.has(uriKey(path)) && !waits) unused.push(path);
  }
  const { deleted } = await deleteOwn(location.store, unused, ownPlaces(location, {}, ["data"]));
  await removeIntent(store, intent);
  return deleted;
}
