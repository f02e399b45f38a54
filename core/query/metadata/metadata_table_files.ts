/** Rows of the metadata tables that are about files and manifests. */
import type { Json } from "../../base/json.ts";
import type { LoadedTable } from "../../iceberg/catalog/catalog.ts";
import type { DataFile } from "../../iceberg/format/data_file.ts";
import type { ResolvedEntry } from "../../iceberg/format/manifest_entry.ts";
import type { ManifestFile, PartitionFieldSummary } from "../../iceberg/format/manifest_file.ts";
import { type PartitionColumn, partitionColumns } from "../../iceberg/format/partition_spec.ts";
import { fieldsById, type IndexedField } from "../../iceberg/format/schema.ts";
import { valueFromBytes } from "../../iceberg/format/single_value.ts";
import type { Snapshot } from "../../iceberg/format/snapshot.ts";
import { snapshotById, specById, type TableMetadata } from "../../iceberg/format/table_metadata.ts";
import { isPrimitive } from "../../iceberg/format/type.ts";
import { icebergValueText } from "./iceberg_value_text.ts";
import { instant, type MetadataRow } from "./metadata_table_shape.ts";

/** Codes of the specification's "Data File Fields" and "Manifest Entry Fields". */
const CONTENT_CODE = { "data": 0, "position-deletes": 1, "equality-deletes": 2 };
const STATUS_CODE = { existing: 0, added: 1, deleted: 2 };

export async function manifestRows(table: LoadedTable, snapshot: Snapshot | undefined): Promise<MetadataRow[]> {
  const manifests = await table.io.readManifestList(snapshot);
  return manifests.map((manifest) => manifestRow(manifest, table.metadata));
}

export async function fileRows(table: LoadedTable, snapshot: Snapshot | undefined): Promise<MetadataRow[]> {
  const entries = await liveEntries(table, snapshot);
  const row = fileRowMaker(table.metadata);
  return entries.map(({ dataFile }) => row(dataFile));
}

export async function entryRows(table: LoadedTable, snapshot: Snapshot | undefined): Promise<MetadataRow[]> {
  const row = fileRowMaker(table.metadata);
  return (await allEntries(table, snapshot)).map((entry) => ({
    status: STATUS_CODE[entry.status],
    snapshot_id: entry.snapshotId,
    sequence_number: entry.sequenceNumber,
    file_sequence_number: entry.fileSequenceNumber,
    data_file: row(entry.dataFile),
  }));
}

export async function partitionRows(table: LoadedTable, snapshot: Snapshot | undefined): Promise<MetadataRow[]> {
  const { metadata } = table;
  const partitions = new Map<string, { [column: string]: Json } & { record_count: number }>();
  for (const { dataFile, snapshotId } of await liveEntries(table, snapshot)) {
    const partition = partitionJson(dataFile, metadata);
    const key = JSON.stringify([dataFile.specId, partition]);
    const row = partitions.get(key) ?? emptyPartition(dataFile.specId, partition);
    partitions.set(key, row);
    count(row, dataFile);
    const updatedMs = snapshotById(metadata, snapshotId)?.timestampMs;
    if (updatedMs !== undefined && (row.last_updated_at === null || instant(updatedMs) > String(row.last_updated_at))) {
      row.last_updated_at = instant(updatedMs);
      row.last_updated_snapshot_id = snapshotId;
    }
  }
  return [...partitions.values()];
}

function emptyPartition(specId: number, partition: Json): MetadataRow & { record_count: number } {
  return {
    partition,
    spec_id: specId,
    record_count: 0,
    file_count: 0,
    total_data_file_size_in_bytes: 0,
    position_delete_record_count: 0,
    position_delete_file_count: 0,
    equality_delete_record_count: 0,
    equality_delete_file_count: 0,
    last_updated_at: null,
    last_updated_snapshot_id: null,
  };
}

function count(row: MetadataRow, file: DataFile): void {
  const add = (column: string, amount: number) => row[column] = Number(row[column]) + amount;
  if (file.content === "data") {
    add("record_count", file.recordCount);
    add("file_count", 1);
    add("total_data_file_size_in_bytes", file.fileSizeBytes);
    return;
  }
  const kind = file.content === "position-deletes" ? "position_delete" : "equality_delete";
  add(`${kind}_record_count`, file.recordCount);
  add(`${kind}_file_count`, 1);
}

async function allEntries(table: LoadedTable, snapshot: Snapshot | undefined): Promise<ResolvedEntry[]> {
  const manifests = await table.io.readManifestList(snapshot);
  return (await table.io.readManifests(manifests, table.metadata)).flat();
}

async function liveEntries(table: LoadedTable, snapshot: Snapshot | undefined): Promise<ResolvedEntry[]> {
  return (await allEntries(table, snapshot)).filter(({ status }) => status !== "deleted");
}

function manifestRow(manifest: ManifestFile, metadata: TableMetadata): MetadataRow {
  const isData = manifest.content === "data";
  const columns = partitionColumns(specById(metadata, manifest.specId), metadata.schemas);
  const { addedFilesCount = null, existingFilesCount = null, deletedFilesCount = null } = manifest;
  return {
    content: isData ? 0 : 1,
    path: manifest.path,
    length: manifest.length,
    partition_spec_id: manifest.specId,
    added_snapshot_id: manifest.addedSnapshotId,
    added_data_files_count: isData ? addedFilesCount : 0,
    existing_data_files_count: isData ? existingFilesCount : 0,
    deleted_data_files_count: isData ? deletedFilesCount : 0,
    added_delete_files_count: isData ? 0 : addedFilesCount,
    existing_delete_files_count: isData ? 0 : existingFilesCount,
    deleted_delete_files_count: isData ? 0 : deletedFilesCount,
    partition_summaries: (manifest.partitions ?? []).map((summary, index) => summaryJson(summary, columns[index])),
  };
}

function summaryJson(summary: PartitionFieldSummary, column: PartitionColumn | undefined): Json {
  const text = (bytes: Uint8Array | undefined) =>
    bytes === undefined || column === undefined
      ? null
      : icebergValueText(column.type, valueFromBytes(column.type, bytes));
  return {
    contains_null: summary.containsNull,
    contains_nan: summary.containsNan ?? null,
    lower_bound: text(summary.lowerBound),
    upper_bound: text(summary.upperBound),
  };
}

/** Partition values as text by field name. */
export function partitionJson(file: DataFile, metadata: TableMetadata): { [field: string]: string | null } {
  const columns = partitionColumns(specById(metadata, file.specId), metadata.schemas);
  return Object.fromEntries(columns.map(({ field, type }, index) => {
    const value = file.partition[index] ?? null;
    return [field.name, value === null ? null : icebergValueText(type, value)];
  }));
}

function fileRowMaker(metadata: TableMetadata): (file: DataFile) => MetadataRow {
  // Newest schema last: a column has its newest name.
  const fields = new Map<number, IndexedField>(metadata.schemas.flatMap((schema) => [...fieldsById(schema)]));
  const name = (id: number) => fields.get(id)?.path ?? String(id);
  const counts = (map: Map<number, number> | undefined): Json =>
    map === undefined ? null : Object.fromEntries([...map].map(([id, value]) => [name(id), value]));
  const bounds = (map: Map<number, Uint8Array> | undefined): Json =>
    map === undefined ? null : Object.fromEntries([...map].flatMap(([id, bytes]) => {
      const type = fields.get(id)?.field.type;
      return type && isPrimitive(type) ? [[name(id), icebergValueText(type, valueFromBytes(type, bytes))]] : [];
    }));
  return (file) => ({
    content: CONTENT_CODE[file.content],
    file_path: file.path,
    file_format: file.format.toUpperCase(),
    spec_id: file.specId,
    partition: partitionJson(file, metadata),
    record_count: file.recordCount,
    file_size_in_bytes: file.fileSizeBytes,
    column_sizes: counts(file.columnSizes),
    value_counts: counts(file.valueCounts),
    null_value_counts: counts(file.nullValueCounts),
    nan_value_counts: counts(file.nanValueCounts),
    lower_bounds: bounds(file.lowerBounds),
    upper_bounds: bounds(file.upperBounds),
    split_offsets: file.splitOffsets ?? null,
    equality_ids: file.equalityIds ?? null,
    sort_order_id: file.sortOrderId ?? null,
  });
}
