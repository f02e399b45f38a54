import { parseIdentifier } from "../iceberg/catalog/catalog.ts";
import { reachableFiles } from "../iceberg/reachable_files.ts";
import { streamlabKey } from "../lake/keys.ts";
import { fenceCommits } from "./fence.ts";
import { type Intent, listIntents, removeIntent, writeIntent } from "../lake/intent.ts";
import { withNewest } from "../tables/read/newest.ts";
import type { Surroundings } from "./surroundings.ts";

/**
 * Of a table's intents (all tables' without one), those whose last sign of life lies before that
 * time by the store's clock.
 */
export async function findStaleIntents(
  surroundings: Surroundings,
  beforeMs: number,
  table?: string,
): Promise<Intent[]> {
  const all = await listIntents(surroundings.store);
  return all.filter(({ intent, modifiedMs }) =>
    modifiedMs < beforeMs && (table === undefined || intent.table === table)
  )
    .map(({ intent }) => intent);
}

/**
 * Fences what a rewrite left behind whose owner is gone, and removes its files if they never got
 * into the table. Returns their paths.
 */
export async function settleIntent(surroundings: Surroundings, intent: Intent): Promise<string[]> {
  const { catalog, store } = surroundings;
  const identifier = parseIdentifier(intent.table);
  const found = await catalog.loadTable(identifier);
  let used = new Set<string>();
  if (found !== undefined && found.metadata.tableUuid === intent.tableUuid) {
    await writeIntent(store, { ...intent, fenced: true });
    const table = await fenceCommits(surroundings, identifier, { [streamlabKey.fencedRewrite]: intent.id });
    used = await withNewest(catalog, identifier, async ({ io, metadata }) => {
      const { dataFiles } = await reachableFiles(io, metadata);
      return new Set([...dataFiles].flatMap((uri) => io.location.findPath(uri) ?? []));
    }, table);
  }
  // A table that is gone leaves nothing to find in a catalog; in a lake its folder is where it was.
  const place = found?.io.location.store ?? store;
  const unused: string[] = [];
  for await (const { path } of place.list(intent.stem)) if (!used.has(path)) unused.push(path);
  await place.delete(unused);
  await removeIntent(store, intent);
  return unused;
}
