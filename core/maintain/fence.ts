import { appendFiles } from "../iceberg/action/append_files.ts";
import type { LoadedTable, TableIdentifier } from "../iceberg/catalog/catalog.ts";
import { commitTable } from "../iceberg/commit.ts";
import type { Surroundings } from "./surroundings.ts";

/**
 * Commits a snapshot without files, after which no try of a commit that was begun before can
 * succeed: docs/decisions/0006. A snapshot, not only a new version: in a catalog of another kind it
 * is the branch's snapshot that a commit insists on.
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
