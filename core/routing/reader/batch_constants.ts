import { OUR_COLUMNS } from "../../lake/our_columns.ts";

/** Columns that have one value in all rows of a batch. */
export interface BatchConstants {
  ingestedAtMicros: bigint;
  batchId: bigint;
}

/** The value that a column of ours has in all rows of a batch. */
export function constantOf(path: readonly string[], constants: BatchConstants): bigint | undefined {
  if (path.length !== 1) return undefined;
  if (path[0] === OUR_COLUMNS.ingestedAt) return constants.ingestedAtMicros;
  return path[0] === OUR_COLUMNS.batchId ? constants.batchId : undefined;
}
