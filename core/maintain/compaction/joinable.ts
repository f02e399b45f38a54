/** What may be joined without reading rows. Pure. */
import type { DataFile } from "../../iceberg/format/data_file.ts";
import type { ScanFile } from "../../iceberg/scan/scan.ts";
import type { RewriteGroup } from "./compaction_plan.ts";

/** What the files of a group may be together. */
export const JOINED_MAX = {
  /** All of them are in memory at once. */
  bytes: 4_000_000,
  /**
   * A file with more row groups is better written anew: each costs a reader nearly a file, and to
   * copy it twice more takes as long as to read its rows.
   */
  rowGroups: 256,
} as const;

/**
 * Only where it is not the last word: many small row groups take more space, and time to read.
 * Whether files are of one kind shows when they are read.
 */
export function mayBeJoined({ files, bytes, outputs, isBusy }: RewriteGroup): boolean {
  const rowGroups = files.reduce((sum, { dataFile }) => sum + rowGroupsOf(dataFile), 0);
  return isBusy === true && files.length > 1 && outputs === 1 && bytes <= JOINED_MAX.bytes &&
    rowGroups <= JOINED_MAX.rowGroups && files.every(isWhole);
}

/** Nothing of it is deleted or hidden. */
function isWhole({ dataFile, deletes }: ScanFile): boolean {
  return deletes.length === 0 && dataFile.keyMetadata === undefined;
}

/** Those that can be joined: one that cannot would keep the others of its group waiting. */
export function joinable(files: readonly ScanFile[], joinsAfter: bigint): ScanFile[] {
  return files.filter((file) => file.sequenceNumber > joinsAfter && isWhole(file));
}

/** By what its manifest says. */
export function rowGroupsOf({ splitOffsets }: DataFile): number {
  return Math.max(1, splitOffsets?.length ?? 1);
}
