import type { LoadedTable } from "../../iceberg/catalog/catalog.ts";
import type { DataFile } from "../../iceberg/format/data_file.ts";
import type { ScanFile } from "../../iceberg/scan/scan.ts";
import type { Value } from "../../iceberg/format/single_value.ts";
import { partitionColumns } from "../../iceberg/format/partition_spec.ts";
import { specById, type TableMetadata } from "../../iceberg/format/table_metadata.ts";
import { partitionFolder } from "../../tables/write/place_files.ts";
import type { RewriteGroup } from "./compaction_plan.ts";

/**
 * The part of a compaction that reads and writes rows. Intents, commits and races are not part of
 * it, so they are the same for every engine.
 */
export interface Rewriting {
  /** Whether rows were read, which takes long beside joining files. */
  readonly hasReadRows?: boolean;
  /**
   * The files of a scan, with delete files only where they have rows of that file; may leave all
   * where it cannot tell.
   */
  resolveDeletes(table: LoadedTable, files: readonly ScanFile[]): Promise<ScanFile[]>;
  /** Of that version of the table. Fails with `usage` where its rows cannot be written. */
  rewriterOf(table: LoadedTable): GroupRewriter;
  close(): Promise<void> | void;
}

/** Makes new data files of a table out of groups of old ones. */
export interface GroupRewriter {
  /** The partition folder of a group's files, below `data/`; empty without partitions. */
  folderOf(group: RewriteGroup): string;
  /** Begins to fetch a group's files. A failure shows when they are needed. */
  prefetch(group: RewriteGroup): void;
  /** Nothing is being fetched any more when it resolves. */
  settle(): Promise<void>;
  /**
   * The new files, placed durably under `<stem>-<number>.parquet`; none where every row was
   * deleted.
   */
  rewrite(group: RewriteGroup, stem: string): Promise<DataFile[]>;
}

/** The partition folder of a group's files, below `data/`; empty without partitions. */
export function folderOfGroup(metadata: TableMetadata, { specId, partition }: RewriteGroup): string {
  return partitionFolder(partitionColumns(specById(metadata, specId), metadata.schemas), partitionTexts(partition));
}

/** A partition's values as its folder spells them. */
export function partitionTexts(partition: RewriteGroup["partition"]): (string | null)[] {
  return partition.map(folderText);
}

function folderText(value: Value | null): string | null {
  if (value === null) return null;
  if (value instanceof Uint8Array) return value.toHex();
  return String(value);
}
