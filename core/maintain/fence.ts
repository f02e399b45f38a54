import { appendFiles } from "../iceberg/action/append_files.ts";
import type { LoadedTable, TableIdentifier } from "../iceberg/catalog/catalog.ts";
import { commitTable } from "../iceberg/commit.ts";
import type { Surroundings } from "./surroundings.ts";

/**
 * Commits a snapshot without files. No commit attempt that began before can then succeed
 * (docs/decisions/0006). It takes a snapshot, not just a new version, because other catalogs check
 * the branch's snapshot.
 */
export async function fenceCommits(
  { catalog, clock, random }: Surroundings,
  identifier: TableIdentifier,
  summary: Record<string, string>,
): Promise<LoadedTable> {
  const fence = { files: [], summary, mergesManifests: false };
  const { table } = await commitTable(catalog, identifier, async (transaction) => {
    transaction.add(await appendFiles(transaction, fence));
  }, { clock, random });
  return table;
}
