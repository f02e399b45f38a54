import { isKind } from "../../base/errors.ts";
import { expireSnapshots, type Retention } from "../../iceberg/action/expire_snapshots.ts";
import { identifierText, type LoadedTable } from "../../iceberg/catalog/catalog.ts";
import { commitTable } from "../../iceberg/commit.ts";
import type { Snapshot } from "../../iceberg/format/snapshot.ts";
import type { TableMetadata } from "../../iceberg/format/table_metadata.ts";
import { applyUpdates } from "../../iceberg/format/table_update_applier.ts";
import { type UnreachableFiles, unreachableFiles } from "../../iceberg/reachable_files.ts";
import type { Transaction } from "../../iceberg/transaction.ts";
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
 * when their readers are gone.
 */
export async function expireLater(
  surroundings: Surroundings,
  table: LoadedTable,
  retention: (metadata: TableMetadata) => Retention,
): Promise<LaterExpiry> {
  const { catalog, clock, random } = surroundings;
  const expiry = new StagedExpiry(surroundings, retention);
  try {
    const { table: newest, committed } = await commitTable(
      catalog,
      table.identifier,
      (transaction) => expiry.stage(transaction),
      { clock, random, base: table, attemptsMax: ATTEMPTS_MAX },
    );
    return { table: newest, ...await expiry.settle(committed) };
  } catch (error) {
    // Of any other failure it is not known whether the commit happened.
    if (isKind(error, "conflict")) await expiry.settle(false);
    throw error;
  }
}

/**
 * An expiry as part of a commit. What is to be deleted is durable before the commit, and begins to
 * wait after it.
 */
export class StagedExpiry {
  readonly #surroundings: Surroundings;
  readonly #retention: (metadata: TableMetadata) => Retention;
  readonly #id: string;
  #removal: Removal | undefined;
  #snapshots = 0;

  constructor(surroundings: Surroundings, retention: (metadata: TableMetadata) => Retention) {
    this.#surroundings = surroundings;
    this.#retention = retention;
    this.#id = newRemovalId(surroundings.random);
  }

  /**
   * For each try of the commit, before anything else is added to it. False where nothing is to go.
   */
  async stage(transaction: Transaction): Promise<boolean> {
    const { base, io, nowMs } = transaction;
    checkGarbage(base);
    const change = expireSnapshots(base.metadata, this.#retention(base.metadata));
    const after = applyUpdates(base.metadata, change.updates, nowMs);
    const expired = expiredOf(base.metadata, after);
    this.#snapshots = expired.length;
    if (change.updates.length === 0) {
      await this.forget();
      return false;
    }
    const gone = await unreachableFiles(io, base.metadata, after);
    await carryOverBatches(this.#surroundings, base.metadata, after);
    const { store, clock } = this.#surroundings;
    this.#removal = removalOf(this.#id, base, expired, gone, new Date(clock.nowMs()).toISOString());
    await writeRemoval(store, this.#removal);
    transaction.add(change);
    return true;
  }

  /** When it is known what came of the commit. */
  async settle(committed: boolean): Promise<Omit<LaterExpiry, "table">> {
    if (!committed || this.#removal === undefined) {
      await this.forget();
      return { snapshots: 0, removal: undefined };
    }
    const released: Removal = { ...this.#removal, released: true };
    await writeRemoval(this.#surroundings.store, released);
    return { snapshots: this.#snapshots, removal: released };
  }

  /** What an earlier try has staged is certain not to be committed. */
  async forget(): Promise<void> {
    const removal = this.#removal;
    this.#removal = undefined;
    if (removal !== undefined) await discardRemoval(this.#surroundings.store, removal);
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
