import type { TableChange } from "../catalog/catalog.ts";
import type { DataFile } from "../format/data_file.ts";
import type { Transaction } from "../transaction.ts";
import { stageFileChange } from "./change_files.ts";

/** Files that hold the same rows as those that they replace. */
export interface RewriteFiles {
  /** What was read: data files, and delete files that apply to nothing else. */
  inputs: DataFile[];
  /** The same rows, less the deleted ones. */
  outputs: DataFile[];
  /**
   * `lastSequenceNumber` of the metadata that the inputs were planned from: the age of the
   * rewritten rows.
   */
  startingSequenceNumber: bigint;
  /** More entries for the snapshot's summary. */
  summary?: Record<string, string>;
}

/**
 * Replaces files by others with the same rows (compaction). Always operation `replace`: incremental
 * readers must not see the rows again. Throws `conflict` if an input is gone or rows of it were
 * deleted since; the group must then be dropped.
 */
export function rewriteFiles(transaction: Transaction, rewrite: RewriteFiles): Promise<TableChange> {
  return stageFileChange(transaction, {
    operation: "replace",
    added: rewrite.outputs,
    removed: rewrite.inputs.map((file) => file.path),
    dataSequenceNumber: rewrite.startingSequenceNumber,
    noNewDeletesAfter: rewrite.startingSequenceNumber,
    summary: rewrite.summary,
  });
}
