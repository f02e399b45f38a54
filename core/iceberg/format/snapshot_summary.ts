import type { DataFile } from "./data_file.ts";
import { partitionKey } from "./partition_spec.ts";
import type { Operation } from "./snapshot.ts";

/**
 * Keys of a snapshot summary (specification: Appendix F, "Optional Snapshot Summary Fields").
 * Values are strings.
 */
const SUMMARY_KEY = {
  operation: "operation",
  addedDataFiles: "added-data-files",
  deletedDataFiles: "deleted-data-files",
  totalDataFiles: "total-data-files",
  addedDeleteFiles: "added-delete-files",
  removedDeleteFiles: "removed-delete-files",
  totalDeleteFiles: "total-delete-files",
  addedEqualityDeleteFiles: "added-equality-delete-files",
  removedEqualityDeleteFiles: "removed-equality-delete-files",
  addedPositionDeleteFiles: "added-position-delete-files",
  removedPositionDeleteFiles: "removed-position-delete-files",
  addedRecords: "added-records",
  deletedRecords: "deleted-records",
  totalRecords: "total-records",
  addedFilesSize: "added-files-size",
  removedFilesSize: "removed-files-size",
  totalFilesSize: "total-files-size",
  addedPositionDeletes: "added-position-deletes",
  removedPositionDeletes: "removed-position-deletes",
  totalPositionDeletes: "total-position-deletes",
  addedEqualityDeletes: "added-equality-deletes",
  removedEqualityDeletes: "removed-equality-deletes",
  totalEqualityDeletes: "total-equality-deletes",
  changedPartitionCount: "changed-partition-count",
  engineName: "engine-name",
} as const;

/** Each total with the counts that are added to it and subtracted from it. */
const totals = [
  [SUMMARY_KEY.totalDataFiles, SUMMARY_KEY.addedDataFiles, SUMMARY_KEY.deletedDataFiles],
  [SUMMARY_KEY.totalDeleteFiles, SUMMARY_KEY.addedDeleteFiles, SUMMARY_KEY.removedDeleteFiles],
  [SUMMARY_KEY.totalRecords, SUMMARY_KEY.addedRecords, SUMMARY_KEY.deletedRecords],
  [SUMMARY_KEY.totalFilesSize, SUMMARY_KEY.addedFilesSize, SUMMARY_KEY.removedFilesSize],
  [SUMMARY_KEY.totalPositionDeletes, SUMMARY_KEY.addedPositionDeletes, SUMMARY_KEY.removedPositionDeletes],
  [SUMMARY_KEY.totalEqualityDeletes, SUMMARY_KEY.addedEqualityDeletes, SUMMARY_KEY.removedEqualityDeletes],
] as const;

/**
 * The summary of a snapshot that adds and removes these files. `parent` is the parent snapshot's
 * summary.
 */
export function summarize(
  operation: Operation,
  added: DataFile[],
  removed: DataFile[],
  parent: Record<string, string> | undefined,
  extra: Record<string, string> = {},
): Record<string, string> {
  const counts = new Map<string, bigint>();
  const partitions = new Set<string>();
  for (const file of added) count(counts, file, "added", partitions);
  for (const file of removed) count(counts, file, "removed", partitions);
  const summary: Record<string, string> = { operation, ...extra };
  for (const [key, value] of counts) if (value > 0n) summary[key] = String(value);
  summary[SUMMARY_KEY.changedPartitionCount] = String(partitions.size);
  for (const [total, plus, minus] of totals) {
    const before = parent === undefined ? 0n : wholeNumber(parent[total]);
    // Some engines leave totals out. Then the new total is unknown, too.
    if (before === undefined) continue;
    const after = before + (counts.get(plus) ?? 0n) - (counts.get(minus) ?? 0n);
    if (after >= 0n) summary[total] = String(after);
  }
  return summary;
}

function wholeNumber(text: string | undefined): bigint | undefined {
  return text !== undefined && /^\d+$/.test(text) ? BigInt(text) : undefined;
}

function count(counts: Map<string, bigint>, file: DataFile, way: "added" | "removed", partitions: Set<string>): void {
  const add = (key: string, amount: number) => counts.set(key, (counts.get(key) ?? 0n) + BigInt(amount));
  const isAdded = way === "added";
  add(isAdded ? SUMMARY_KEY.addedFilesSize : SUMMARY_KEY.removedFilesSize, file.fileSizeBytes);
  if (file.content === "data") {
    add(isAdded ? SUMMARY_KEY.addedDataFiles : SUMMARY_KEY.deletedDataFiles, 1);
    add(isAdded ? SUMMARY_KEY.addedRecords : SUMMARY_KEY.deletedRecords, file.recordCount);
  } else {
    const kind = file.content === "position-deletes" ? "position" : "equality";
    add(isAdded ? SUMMARY_KEY.addedDeleteFiles : SUMMARY_KEY.removedDeleteFiles, 1);
    add(`${way}-${kind}-delete-files`, 1);
    add(`${way}-${kind}-deletes`, file.recordCount);
  }
  partitions.add(partitionKey(file.specId, file.partition));
}
