import { requireTable, type TableIdentifier } from "../../../core/iceberg/catalog/catalog.ts";
import type { Rewriting } from "../../../core/maintain/compaction/rewriting.ts";
import { expireTable } from "../../../core/maintain/removal/expire.ts";
import { removeOrphans } from "../../../core/maintain/removal/orphans.ts";
import type { Surroundings } from "../../../core/maintain/surroundings.ts";
import { compactLight } from "./light_rewriting.ts";

/** Compacts, expires and removes at once: of the files that batches brought few are left. */
export async function maintainAll(
  surroundings: Surroundings,
  identifier: TableIdentifier,
  rewriting: Rewriting,
): Promise<void> {
  const load = () => requireTable(surroundings.catalog, identifier);
  await compactLight(surroundings, await load(), rewriting);
  await expireTable(surroundings, await load(), { olderThanMs: 0, retainLast: 1, dryRun: false });
  await removeOrphans(surroundings, await load(), { olderThanMs: 0, dryRun: false });
}
