import { mapParallel } from "../../base/parallel.ts";
import type { StreamlabError } from "../../base/errors.ts";
import { type Catalog, identifierText, type LoadedTable } from "../../iceberg/catalog/catalog.ts";
import { partitionKey } from "../../iceberg/format/partition_spec.ts";
import type { DataFile } from "../../iceberg/format/data_file.ts";
import { passOver } from "../../iceberg/scan/scan.ts";
import { fileDamage } from "../../tables/read/file_damage.ts";
import { checkNewest, type Damage } from "../table_rows.ts";
import { snapshotOfRef } from "../../iceberg/format/table_metadata.ts";
import { isSmall } from "../compaction/compaction_plan.ts";
import { targetFileSizeOf } from "../compaction/target_size.ts";

/** How a table is, as far as upkeep can change it. */
export interface TableHealth {
  table: string;
  /** In data files; rows that delete files take away are counted. */
  records: number;
  files: number;
  bytes: number;
  /** Below three quarters of the size that they should have. */
  smallFiles: number;
  /** Of data files, bytes. */
  averageBytes: number;
  deleteFiles: number;
  partitions: number;
  manifests: number;
  snapshots: number;
  oldestSnapshotMs: number | undefined;
  newestSnapshotMs: number | undefined;
  /** Files that are gone, cut or unreadable. */
  damages: Damage[];
}

const FILES_PARALLEL = 16;

/**
 * By its metadata, and a look at every file: whether it is there and as long as it should be.
 * Missing and damaged files are reported, the rest is counted. Fails with `not-found` where the
 * table was changed meanwhile, and files of the version at hand had to go.
 */
export async function tableHealth(
  catalog: Catalog,
  table: LoadedTable,
  targetFileSizeAsked?: number,
): Promise<TableHealth> {
  const { identifier, io, metadata } = table;
  const targetFileSize = targetFileSizeOf(metadata, targetFileSizeAsked);
  const health: TableHealth = {
    table: identifierText(identifier),
    records: 0,
    files: 0,
    bytes: 0,
    smallFiles: 0,
    averageBytes: 0,
    deleteFiles: 0,
    partitions: 0,
    manifests: 0,
    snapshots: metadata.snapshots.length,
    oldestSnapshotMs: metadata.snapshots[0]?.timestampMs,
    newestSnapshotMs: metadata.snapshots.at(-1)?.timestampMs,
    damages: [],
  };
  const tell = (problem: string, rows?: number) => health.damages.push({ table: health.table, problem, rows });
  const onUnreadable = (error: StreamlabError) => tell(error.message);
  const manifests = await io.readManifestList(snapshotOfRef(metadata)).catch((error) => passOver(error, onUnreadable));
  health.manifests = manifests.length;
  const partitions = new Set<string>();
  for (const manifest of manifests) {
    const entries = await io.readManifest(manifest, metadata).catch((error) => passOver(error, onUnreadable));
    const live = entries.filter(({ status }) => status !== "deleted").map(({ dataFile }) => dataFile);
    for (const file of live) count(health, file, targetFileSize);
    for (const { content, specId, partition } of live) {
      if (content === "data") partitions.add(partitionKey(specId, partition));
    }
    await mapParallel(live, FILES_PARALLEL, async (file) => {
      const damage = await fileDamage(io.location, file);
      const what = file.content === "data" ? "data" : "delete";
      if (damage !== undefined) tell(`the ${what} file ${file.path} ${damage}`, file.recordCount);
    });
  }
  if (health.damages.length > 0) await checkNewest(catalog, table);
  health.partitions = partitions.size;
  health.averageBytes = health.files === 0 ? 0 : Math.round(health.bytes / health.files);
  return health;
}

function count(health: TableHealth, file: DataFile, targetFileSize: number): void {
  if (file.content !== "data") {
    health.deleteFiles++;
    return;
  }
  health.records += file.recordCount;
  health.files++;
  health.bytes += file.fileSizeBytes;
  if (isSmall(file, targetFileSize)) health.smallFiles++;
}
