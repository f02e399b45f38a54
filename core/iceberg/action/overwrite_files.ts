import type { TableChange } from "../catalog/catalog.ts";
import type { DataFile } from "../format/data_file.ts";
import type { Transaction } from "../transaction.ts";
import { stageFileChange } from "./change_files.ts";

/** Data files that replace others in one snapshot. */
export interface OverwriteFiles {
  /** Data files that come. */
  added: DataFile[];
  /** Data files that go. */
  removed: DataFile[];
  /**
   * `lastSequenceNumber` of the metadata that `removed` was read from; row deletes of them since
   * then are a conflict.
   */
  startingSequenceNumber: bigint;
  /**
   * The age of the rows that come, where they came from the files that go: deletes by value since
   * then go on applying to them. Default: they are new.
   */
  dataSequenceNumber?: bigint;
  /** More entries for the snapshot's summary. */
  summary?: Record<string, string>;
  /** Default: `main`. */
  branch?: string;
}

/**
 * Replaces files by others with other rows (copy-on-write); without added files, deletes them.
 * Throws `conflict` when a removed file is gone, or rows of it were deleted since it was read.
 */
export function overwriteFiles(transaction: Transaction, overwrite: OverwriteFiles): Promise<TableChange> {
  const { added, removed, startingSequenceNumber, ...rest } = overwrite;
  return stageFileChange(transaction, {
    operation: added.length === 0 ? "delete" : "overwrite",
    added,
    removed: removed.map((file) => file.path),
    noNewDeletesAfter: startingSequenceNumber,
    ...rest,
  });
}
