/**
 * Iceberg's metadata tables, named as the reference implementation names them (Iceberg
 * documentation: "Inspecting tables"): `bronze."events$snapshots"`. Bounds are shown as text by
 * column name instead of bytes by field id.
 */
import type { LoadedTable } from "../../iceberg/catalog/catalog.ts";
import type { Snapshot } from "../../iceberg/format/snapshot.ts";
import { snapshotById, type TableMetadata } from "../../iceberg/format/table_metadata.ts";
import { entryRows, fileRows, manifestRows, partitionRows } from "./metadata_table_files.ts";
import {
  entryColumns,
  fileColumns,
  HISTORY_COLUMNS,
  instant,
  MANIFEST_COLUMNS,
  METADATA_LOG_COLUMNS,
  type MetadataRow,
  partitionsColumns,
  REF_COLUMNS,
  type RowShape,
  SNAPSHOT_COLUMNS,
} from "./metadata_table_shape.ts";

export interface MetadataTable {
  shape(metadata: TableMetadata): RowShape;
  rows(table: LoadedTable, snapshot: Snapshot | undefined): MetadataRow[] | Promise<MetadataRow[]>;
}

/** By the suffix after `$`. */
export const metadataTables: Record<string, MetadataTable> = {
  snapshots: { shape: () => SNAPSHOT_COLUMNS, rows: ({ metadata }) => metadata.snapshots.map(snapshotRow) },
  history: { shape: () => HISTORY_COLUMNS, rows: ({ metadata }) => historyRows(metadata) },
  refs: { shape: () => REF_COLUMNS, rows: ({ metadata }) => refRows(metadata) },
  manifests: { shape: () => MANIFEST_COLUMNS, rows: manifestRows },
  files: { shape: fileColumns, rows: fileRows },
  entries: { shape: entryColumns, rows: entryRows },
  partitions: { shape: partitionsColumns, rows: partitionRows },
  metadata_log: { shape: () => METADATA_LOG_COLUMNS, rows: metadataLogRows },
};

/** `events$files` → `events` and `files`; the suffix is undefined for a table of rows. */
export function splitTableName(name: string): { base: string; suffix: string | undefined } {
  const at = name.lastIndexOf("$");
  const suffix = name.slice(at + 1).toLowerCase();
  return at > 0 && Object.hasOwn(metadataTables, suffix)
    ? { base: name.slice(0, at), suffix }
    : { base: name, suffix: undefined };
}

function snapshotRow(snapshot: Snapshot): MetadataRow {
  const { operation, ...summary } = snapshot.summary;
  return {
    committed_at: instant(snapshot.timestampMs),
    snapshot_id: snapshot.snapshotId,
    parent_id: snapshot.parentSnapshotId ?? null,
    operation: operation ?? null,
    manifest_list: snapshot.manifestList ?? null,
    summary,
  };
}

function historyRows(metadata: TableMetadata): MetadataRow[] {
  const ancestors = new Set<bigint>();
  for (let id = metadata.currentSnapshotId; id !== undefined && !ancestors.has(id);) {
    ancestors.add(id);
    id = snapshotById(metadata, id)?.parentSnapshotId;
  }
  return metadata.snapshotLog.map(({ snapshotId, timestampMs }) => ({
    made_current_at: instant(timestampMs),
    snapshot_id: snapshotId,
    parent_id: snapshotById(metadata, snapshotId)?.parentSnapshotId ?? null,
    is_current_ancestor: ancestors.has(snapshotId),
  }));
}

function refRows(metadata: TableMetadata): MetadataRow[] {
  return Object.entries(metadata.refs).map(([name, ref]) => ({
    name,
    type: ref.type.toUpperCase(),
    snapshot_id: ref.snapshotId,
    max_reference_age_in_ms: ref.maxRefAgeMs ?? null,
    min_snapshots_to_keep: ref.minSnapshotsToKeep ?? null,
    max_snapshot_age_in_ms: ref.maxSnapshotAgeMs ?? null,
  }));
}

function metadataLogRows({ metadata, metadataLocation }: LoadedTable): MetadataRow[] {
  const log = [...metadata.metadataLog, { metadataFile: metadataLocation, timestampMs: metadata.lastUpdatedMs }];
  return log.map(({ metadataFile, timestampMs }) => {
    const current = metadata.snapshotLog.findLast((entry) => entry.timestampMs <= timestampMs);
    const snapshot = current && snapshotById(metadata, current.snapshotId);
    return {
      timestamp: instant(timestampMs),
      file: metadataFile,
      latest_snapshot_id: current?.snapshotId ?? null,
      latest_schema_id: snapshot?.schemaId ?? null,
      latest_sequence_number: snapshot?.sequenceNumber ?? null,
    };
  });
}
