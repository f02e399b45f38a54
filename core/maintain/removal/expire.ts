import { expireSnapshots } from "../../iceberg/action/expire_snapshots.ts";
import type { LoadedTable } from "../../iceberg/catalog/catalog.ts";
import { commitTable } from "../../iceberg/commit.ts";
import { type TableFiles, unreachableFiles } from "../../iceberg/reachable_files.ts";
import { Transaction } from "../../iceberg/transaction.ts";
import { withNewest } from "../../tables/read/newest.ts";
import type { Surroundings } from "../surroundings.ts";

export interface ExpiryOptions {
  maxAgeMs: number;
  /** Snapshots of each branch that stay, whatever their age. */
  countMin: number;
  dryRun: boolean;
}

export interface ExpiryReport {
  /** Snapshots that are gone, oldest first. */
  snapshotIds: bigint[];
  snapshotsKept: number;
  /** Branches and tags whose own time was over. */
  refs: string[];
  files: { data: number; manifests: number; manifestLists: number; statistics: number };
}

const nothing: TableFiles = {
  manifestLists: new Set(),
  manifests: new Set(),
  dataFiles: new Set(),
  others: new Set(),
};

/**
 * Removes snapshots that neither a reference, nor their number, nor their age keeps; then, after
 * that commit, the files that only they needed. A crash in between leaves files that orphan removal
 * finds.
 */
export async function expireTable(
  surroundings: Surroundings,
  table: LoadedTable,
  { maxAgeMs, countMin, dryRun }: ExpiryOptions,
): Promise<ExpiryReport> {
  const { catalog, clock, random } = surroundings;
  let before = table.metadata, after = table.metadata;
  let gone = nothing;
  // What is to go is found out before the commit: afterwards somebody else may already have removed
  // what tells it.
  const stage = async (transaction: Transaction) => {
    const retention = { nowMs: clock.nowMs(), maxAgeMs, minCount: countMin };
    transaction.add(expireSnapshots(transaction.metadata, retention));
    [before, after] = [transaction.base.metadata, transaction.metadata];
    gone = before === after ? nothing : await unreachableFiles(transaction.io, before, after);
  };
  if (dryRun) {
    const look = (newest: LoadedTable) => stage(new Transaction(newest, { nowMs: clock.nowMs(), random }));
    await withNewest(catalog, table.identifier, look, table);
  } else {
    await commitTable(catalog, table.identifier, stage, { clock, random, base: table });
  }
  if (!dryRun) await deleteFiles(table, gone);
  const kept = new Set(after.snapshots.map(({ snapshotId }) => snapshotId));
  return {
    snapshotIds: before.snapshots.map(({ snapshotId }) => snapshotId).filter((id) => !kept.has(id)),
    snapshotsKept: kept.size,
    refs: Object.keys(before.refs).filter((name) => after.refs[name] === undefined),
    files: {
      data: gone.dataFiles.size,
      manifests: gone.manifests.size,
      manifestLists: gone.manifestLists.size,
      statistics: gone.others.size,
    },
  };
}

/**
 * Data first: as long as its manifests are there, somebody can still find out what was to go. Files
 * outside of the store are not ours to delete.
 */
async function deleteFiles({ io }: LoadedTable, gone: TableFiles): Promise<void> {
  for (const uris of [gone.dataFiles, gone.others, gone.manifests, gone.manifestLists]) {
    const paths = [...uris].flatMap((uri) => io.location.findPath(uri) ?? []);
    if (paths.length > 0) await io.location.store.delete(paths);
  }
}
