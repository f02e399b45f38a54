/** Resident memory after so many batches. */
export interface MemorySample {
  batch: number;
  megabytes: number;
}

/**
 * Megabytes by which memory grows in a thousand batches: the line of least squares through all
 * samples from `batchMin` on, for what a program takes until it is warm says nothing. Fails where
 * less than two remain.
 */
export function memorySlope(samples: readonly MemorySample[], batchMin: number): number {
  const used = samples.filter(({ batch }) => batch >= batchMin);
  const mean = (pick: (sample: MemorySample) => number) =>
    used.reduce((sum, sample) => sum + pick(sample), 0) / used.length;
  const batchMean = mean(({ batch }) => batch), megabytesMean = mean(({ megabytes }) => megabytes);
  const spread = mean(({ batch }) => (batch - batchMean) ** 2);
  if (!(spread > 0)) throw new Error(`${used.length} samples from batch ${batchMin} on make no line`);
  return 1_000 * mean(({ batch, megabytes }) => (batch - batchMean) * (megabytes - megabytesMean)) / spread;
}
