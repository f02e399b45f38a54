import { expireSnapshots, type Retention } from "../../iceberg/action/expire_snapshots.ts";
import type { LoadedTable } from "../../iceberg/catalog/catalog.ts";
import { commitTable } from "../../iceberg/commit.ts";
import { type TableFiles, unreachableFiles } from "../../iceberg/reachable_files.ts";
import type { TableMetadata } from "../../iceberg/format/table_metadata.ts";
import type { FileRole } from "../../iceberg/own_files.ts";
import { Transaction } from "../../iceberg/transaction.ts";
import { deleteOwn, judgeOwn, type LeftFile } from "../../storage/deletion.ts";
import { withNewest } from "../../tables/read/newest.ts";
import type { Surroundings } from "../surroundings.ts";
import { carryOverBatches } from "./carry_over.ts";
import { checkGarbage, CleaningGround } from "./cleaning_ground.ts";

export interface ExpiryOptions {
  /** Default: what the table's properties say, else 7 days. */
  olderThanMs?: number | undefined;
  /**
   * Snapshots of each branch that stay, whatever their age. Default: what the table's properties
   * say, else 10.
   */
  retainLast?: number | undefined;
  dryRun: boolean;
}

export interface ExpiryReport {
  /** Snapshots that are gone, oldest first. */
  snapshotIds: bigint[];
  snapshotsKept: number;
  /** Branches and tags whose own time was over. */
  refs: string[];
  /** What was deleted, or would be. */
  files: { data: number; manifests: number; manifestLists: number; statistics: number };
  /** Files that only the snapshots needed, and that are not the table's own to delete. */
  left: LeftFile[];
}

const AGE_MS_MAX = 7 * 86_400_000;
const COUNT_MIN = 10;

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
  options: ExpiryOptions,
): Promise<ExpiryReport> {
  const { catalog, clock, random } = surroundings;
  const { dryRun } = options;
  checkGarbage(table);
  let before = table.metadata, after = table.metadata;
  let gone = nothing;
  let ground: CleaningGround | undefined;
  // The files to delete are determined before the commit: afterwards another process may have
  // removed the metadata that names them.
  const stage = async (transaction: Transaction) => {
    const { base } = transaction;
    checkGarbage(base);
    transaction.add(expireSnapshots(base.metadata, retentionOf(base.metadata, options, clock.nowMs())));
    [before, after] = [base.metadata, transaction.metadata];
    if (before === after) return void (gone = nothing);
    ground = await CleaningGround.of(surroundings, base);
    gone = await unreachableFiles(transaction.io, before, after);
    if (!dryRun) await carryOverBatches(surroundings, before, after);
  };
  if (dryRun) {
    const look = (newest: LoadedTable) => stage(new Transaction(newest, { nowMs: clock.nowMs(), random }));
    await withNewest(catalog, table.identifier, look, table);
  } else {
    await commitTable(catalog, table.identifier, stage, { clock, random, base: table });
  }
  const { files, left } = await deleteFiles(table, gone, ground, dryRun);
  const kept = new Set(after.snapshots.map(({ snapshotId }) => snapshotId));
  return {
    snapshotIds: before.snapshots.map(({ snapshotId }) => snapshotId).filter((id) => !kept.has(id)),
    snapshotsKept: kept.size,
    refs: Object.keys(before.refs).filter((name) => after.refs[name] === undefined),
    files,
    left,
  };
}

/** What the command asks for wins, then the table's own properties (Iceberg's names). */
function retentionOf(
  { properties }: TableMetadata,
  { olderThanMs, retainLast }: ExpiryOptions,
  nowMs: number,
): Retention {
  const read = (name: string) => {
    const value = properties[`history.expire.${name}`];
    return value === undefined || !/^\d+$/.test(value) ? undefined : Number(value);
  };
  return {
    nowMs,
    olderThanMs: olderThanMs ?? read("max-snapshot-age-ms") ?? AGE_MS_MAX,
    retainLast: retainLast ?? read("min-snapshots-to-keep") ?? COUNT_MIN,
    maxRefAgeMs: read("max-ref-age-ms"),
  };
}

/**
 * Data first: while the manifests exist, it can still be found out what was to be deleted. Returns
 * how many of each kind were deleted.
 */
async function deleteFiles(
  { io: { location } }: LoadedTable,
  gone: TableFiles,
  ground: CleaningGround | undefined,
  dryRun: boolean,
): Promise<Pick<ExpiryReport, "files" | "left">> {
  const left: LeftFile[] = [];
  const remove = async (uris: ReadonlySet<string>, role: FileRole) => {
    if (ground === undefined || uris.size === 0) return 0;
    const paths = new Set<string>();
    for (const uri of uris) {
      const path = location.findPath(uri);
      if (path === undefined) left.push({ path: uri, reason: "not ours" });
      else paths.add(path);
    }
    const act = dryRun ? judgeOwn : deleteOwn;
    const done = await act(location.store, [...paths], ground.places(role));
    left.push(...done.left);
    return done.deleted.length;
  };
  const files = {
    data: await remove(gone.dataFiles, "data"),
    statistics: await remove(gone.others, "statistics"),
    manifests: await remove(gone.manifests, "manifest"),
    manifestLists: await remove(gone.manifestLists, "manifest"),
  };
  return { files, left };
}
