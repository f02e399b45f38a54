import type { LoadedTable } from "../../iceberg/catalog/catalog.ts";
import type { ScanFile } from "../../iceberg/scan/scan.ts";
import type { RewriteGroup } from "../compaction/compaction_plan.ts";
import type { GroupRewriter } from "../compaction/rewriting.ts";

/** Rows of one data file that an earlier row with the same key stands for. */
export interface FoundRepeats {
  rows: number;
  /** Those of them that batches have brought. */
  events: number;
}

/**
 * The part of removing repeats that reads and writes rows. Intents, commits and races are not part
 * of it, so they are the same for every engine.
 */
export interface RepeatWork {
  /** As in `Rewriting`. */
  resolveDeletes(table: LoadedTable, files: readonly ScanFile[]): Promise<ScanFile[]>;
  /** The repeats in these live files of the table, by path; files without any are left out. */
  find(table: LoadedTable, files: readonly ScanFile[]): Promise<ReadonlyMap<string, FoundRepeats>>;
  /**
   * Makes of a group files without the repeats that were found in it or, with merge-on-read, files
   * that delete them by position. Called when all groups are known.
   */
  rewriterOf(table: LoadedTable, groups: readonly RewriteGroup[]): Promise<GroupRewriter>;
  close(): Promise<void> | void;
}
