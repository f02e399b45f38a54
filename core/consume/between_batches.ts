import type { Checkpoint } from "../lake/checkpoint.ts";

/** A moment between two batches: nothing is under way, and files may wait. */
export interface Pause {
  /** The last batch that is done. */
  doneBatchId: bigint;
  /** How long nothing else is to be done, unless a file comes; 0 right after a batch. */
  idleMs: number;
  /** Aborted when the run is to end. */
  signal: AbortSignal;
}

/**
 * Upkeep that is done between batches, in the consumer's own time: whatever it takes, the files
 * that come meanwhile wait. What it throws ends the run, or is tried again, as of a batch.
 */
export type BetweenBatches = (pause: Pause) => Promise<void>;

/** Removes the records of batches long done, after batches that bring new ones. */
export function forgetRecords(checkpoint: Checkpoint): BetweenBatches {
  let lookedAt: bigint | undefined;
  return async ({ doneBatchId }) => {
    if (doneBatchId === lookedAt) return;
    lookedAt = doneBatchId;
    await checkpoint.forget(doneBatchId);
  };
}
