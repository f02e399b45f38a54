import type { LoadedTable } from "../iceberg/catalog/catalog.ts";
import type { Transaction } from "../iceberg/transaction.ts";
import type { Checkpoint } from "../lake/checkpoint.ts";

/** A moment between two batches: nothing is in flight, and files may be waiting. */
export interface Pause {
  /** The last batch that is done. */
  doneBatchId: bigint;
  /** How long the consumer would otherwise wait for files; 0 right after a batch. */
  idleMs: number;
  /** The target's tables, as the consumer knows them. */
  tables: readonly LoadedTable[];
  /** Takes a newer version of one, so that the next batch need not lose a race to find it. */
  renew(table: LoadedTable): void;
  /** Aborted when files have come, or the run is to end. */
  signal: AbortSignal;
  /** Aborted when the run is to end: what is under way then ends in the middle. */
  stop: AbortSignal;
}

/**
 * Upkeep between batches, in the consumer's own time: files that come meanwhile wait. Its errors
 * end the run or are retried, like a batch's.
 */
export type BetweenBatches = (pause: Pause) => Promise<void>;

/**
 * Upkeep that is part of a batch's commit to a table, where a commit of its own would cost more. It
 * must not fail for reasons of its own.
 */
export interface CommitRider {
  /** For each try of the commit, before the batch adds anything. */
  stage(transaction: Transaction): Promise<void>;
  /** When it is known whether the last try is part of the table; after a failure it is not. */
  settle(committed: boolean): Promise<void>;
}

/** Removes the records of batches long done, after batches that bring new ones. */
export function forgetRecords(checkpoint: Checkpoint): BetweenBatches {
  let lookedAt: bigint | undefined;
  return async ({ doneBatchId }) => {
    if (doneBatchId === lookedAt) return;
    lookedAt = doneBatchId;
    await checkpoint.forget(doneBatchId);
  };
}
