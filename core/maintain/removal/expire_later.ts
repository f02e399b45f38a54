import { isKind } from "../../base/errors.ts";
import { expireSnapshots, type Retention } from "../../iceberg/action/expire_snapshots.ts";
import { identifierText, type LoadedTable } from "../../iceberg/catalog/catalog.ts";
import { commitTable } from "../../iceberg/commit.ts";
import type { Snapshot } from "../../iceberg/format/snapshot.ts";
import type { TableMetadata } from "../../iceberg/format/table_metadata.ts";
import { type UnreachableFiles, unreachableFiles } from "../../iceberg/reachable_files.ts";
import { discardRemoval, newRemovalId, type Removal, writeRemoval } from "../../lake/removal.ts";
import type { Surroundings } from "../surroundings.ts";
import { carryOverBatches } from "./carry_over.ts";
import { checkGarbage } from "./cleaning_ground.ts";

export interface LaterExpiry {
  /** After the commit. */
  table: LoadedTable;
  /** Snapshots that are gone. */
  snapshots: number;
  /** What waits since; undefined where nothing became useless. */
  removal: Removal | undefined;
}

/** Others who commit that often go first: there is always another time. */
const ATTEMPTS_MAX = 3;

/**
 * Removes snapshots as `retention` says, and leaves the files that only they needed to be deleted
 * when their readers are gone. What is to be deleted is durable before the commit.
 */
export async function expireLater(
  surroundings: Surroundings,
  table: LoadedTable,
  retention: (metadata: TableMetadata) => Retention,
): Promise<LaterExpiry> {
  const { catalog, store, clock, random } = surroundings;
  const id = newRemovalId(random);
  let removal: Removal | undefined;
  let snapshots = 0;
  const commit = commitTable(catalog, table.identifier, async (transaction) => {
    const { base } = transaction;
    checkGarbage(base);
    transaction.add(expireSnapshots(base.metadata, retention(base.metadata)));
    const expired = expiredOf(base.metadata, transaction.metadata);
    snapshots = expired.length;
    if (base.metadata === transaction.metadata) return false;
    const gone = await unreachableFiles(transaction.io, base.metadata, transaction.metadata);
    await carryOverBatches(surroundings, base.metadata, transaction.metadata);
    removal = removalOf(id, base, expired, gone, new Date(clock.nowMs()).toISOString());
    await writeRemoval(store, removal);
    return true;
  }, { clock, random, base: table, attemptsMax: ATTEMPTS_MAX });
  try {
    const { table, committed } = await commit;
    if (removal === undefined) return { table, snapshots, removal };
    if (!committed) {
      await discardRemoval(store, removal);
      return { table, snapshots: 0, removal: undefined };
    }
    const released: Removal = { ...removal, released: true };
    await writeRemoval(store, released);
    return { table, snapshots, removal: released };
  } catch (error) {
    // Of any other failure it is not known whether the commit happened.
    if (removal !== undefined && isKind(error, "conflict")) await discardRemoval(store, removal);
    throw error;
  }
}

function expiredOf(before: TableMetadata, after: TableMetadata): Snapshot[] {
  const kept = new Set(after.snapshots.map(({ snapshotId }) => snapshotId));
  return before.snapshots.filter(({ snapshotId }) => !kept.has(snapshotId));
}

function removalOf(
  id: string,
  { identifier, metadata }: LoadedTable,
  expired: readonly Snapshot[],
  gone: UnreachableFiles,
  writtenAt: string,
): Removal {
  return {
    format: 1,
    id,
    table: identifierText(identifier),
    tableUuid: metadata.tableUuid,
    writtenAt,
    snapshots: expired.map(({ snapshotId }) => snapshotId.toString()),
    released: false,
    dataFiles: [...gone.dataFiles],
    manifests: [...gone.manifests],
    manifestLists: [...gone.manifestLists],
    statistics: [...gone.others],
    bytes: gone.bytes,
  };
}
