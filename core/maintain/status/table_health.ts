import { identifierText, type LoadedTable } from "../../iceberg/catalog/catalog.ts";
import { partitionKey } from "../../iceberg/format/snapshot_summary.ts";
import { snapshotOfRef } from "../../iceberg/format/table_metadata.ts";
import { isSmall } from "../compaction/compaction_plan.ts";

/** How a table is, as far as upkeep can change it. */
export interface TableHealth {
  table: string;
  /** In data files; rows that delete files take away are counted. */
  records: number;
  files: number;
  bytes: number;
  /** Below three quarters of the target size. */
  smallFiles: number;
  /** Of data files, bytes. */
  averageBytes: number;
  deleteFiles: number;
  partitions: number;
  manifests: number;
  snapshots: number;
  oldestSnapshotMs: number | undefined;
  newestSnapshotMs: number | undefined;
}

export async function tableHealth(
  { identifier, io, metadata }: LoadedTable,
  targetBytes: number,
): Promise<TableHealth> {
  const manifests = await io.readManifestList(snapshotOfRef(metadata));
  const health: TableHealth = {
    table: identifierText(identifier),
    records: 0,
    files: 0,
    bytes: 0,
    smallFiles: 0,
    averageBytes: 0,
    deleteFiles: 0,
    partitions: 0,
    manifests: manifests.length,
    snapshots: metadata.snapshots.length,
    oldestSnapshotMs: metadata.snapshots[0]?.timestampMs,
    newestSnapshotMs: metadata.snapshots.at(-1)?.timestampMs,
  };
  const partitions = new Set<string>();
  for (const manifest of manifests) {
    for (const { status, dataFile } of await io.readManifest(manifest, metadata)) {
      if (status === "deleted") continue;
      if (dataFile.content !== "data") {
        health.deleteFiles++;
        continue;
      }
      health.records += dataFile.recordCount;
      health.files++;
      health.bytes += dataFile.fileSizeBytes;
      if (isSmall(dataFile, targetBytes)) health.smallFiles++;
      partitions.add(partitionKey(dataFile.specId, dataFile.partition));
    }
  }
  health.partitions = partitions.size;
  health.averageBytes = health.files === 0 ? 0 : Math.round(health.bytes / health.files);
  return health;
}
