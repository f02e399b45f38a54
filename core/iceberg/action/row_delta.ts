import type { TableChange } from "../catalog/catalog.ts";
import type { DataFile } from "../format/data_file.ts";
import type { Transaction } from "../transaction.ts";
import { stageFileChange } from "./change_files.ts";

/** Rows that come and rows that go, in one snapshot. */
export interface RowDelta {
  /** Rows that come. */
  dataFiles: DataFile[];
  /** Position and equality delete files. */
  deleteFiles: DataFile[];
  /** Data files whose rows the position deletes name, by path. */
  referenced: string[];
  /** More entries for the snapshot's summary. */
  summary?: Record<string, string>;
  /** Default: `main`. */
  branch?: string;
  /** Manifests are merged as by appends: for those that come batch by batch. */
  mergesManifests?: boolean;
}

/**
 * Adds rows and deletes others without rewriting their files (merge-on-read). Throws `conflict`
 * when a data file that the deletes speak of is no longer in the table: a compaction has moved its
 * rows.
 */
export function rowDelta(transaction: Transaction, delta: RowDelta): Promise<TableChange> {
  const { dataFiles, deleteFiles, referenced, ...rest } = delta;
  const operation = deleteFiles.length === 0 ? "append" : dataFiles.length === 0 ? "delete" : "overwrite";
  return stageFileChange(transaction, {
    operation,
    added: [...dataFiles, ...deleteFiles],
    removed: [],
    required: referenced,
    ...rest,
  });
}
