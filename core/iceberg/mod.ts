/**
 * Apache Iceberg tables, format version 2, read and written: the face of `core/iceberg` as a
 * package of its own. It needs a store (`core/storage/store.ts`), a clock and a source of chance;
 * it knows no query engine, so data files come and go as descriptions.
 */
export {
  type Catalog,
  identifierText,
  type LoadedTable,
  parseIdentifier,
  type TableChange,
  type TableCommit,
  type TableIdentifier,
} from "./catalog/catalog.ts";
export { FileCatalog } from "./catalog/file_catalog.ts";
export { RestCatalog } from "./catalog/rest_catalog.ts";
export { type CommitOptions, type CommitResult, commitTable, createTableIfAbsent } from "./commit.ts";
export { Transaction } from "./transaction.ts";

export { appendFiles, type AppendOptions } from "./action/append_files.ts";
export { type CreateTable, createTable, type PartitionColumnChoice } from "./action/create_table.ts";
export { expireSnapshots, type Retention } from "./action/expire_snapshots.ts";
export { type OverwriteFiles, overwriteFiles } from "./action/overwrite_files.ts";
export { type RewriteFiles, rewriteFiles } from "./action/rewrite_files.ts";
export { rewriteManifests } from "./action/rewrite_manifests.ts";
export { type RowDelta, rowDelta } from "./action/row_delta.ts";
export { removeProperties, setProperties } from "./action/set_properties.ts";
export { removeRef, setRef } from "./action/update_refs.ts";
export { updateSchema } from "./action/update_schema.ts";
export { replaceSortOrder, updateSpec } from "./action/update_partitioning.ts";
export { upgradeTable } from "./action/upgrade_table.ts";

export { buildDataFile, type ColumnStatistics, type DataFileFacts } from "./data_file_builder.ts";
export { planScan, type ScanFile, type ScanOptions, type ScanPlan, type SkippedFile } from "./scan/scan.ts";
export {
  reachableFiles,
  type ReachOptions,
  type TableFiles,
  type UnreachableFiles,
  unreachableFiles,
} from "./reachable_files.ts";
export { type EncodedFile, TableIo } from "./table_io.ts";
export { TableLocation } from "./table_location.ts";
export { normalizeUri } from "../storage/uri.ts";
export { tableMetadataFromText, tableMetadataToText } from "./table_metadata_json.ts";

export type { DataFile, FileContent, FileFormat } from "./format/data_file.ts";
export type { EntryStatus, ManifestEntry, ResolvedEntry } from "./format/manifest_entry.ts";
export type { ManifestContent, ManifestCounts, ManifestFile, PartitionFieldSummary } from "./format/manifest_file.ts";
export type { ManifestToWrite } from "./manifest/manifest_summary.ts";
export { type MappedField, mappedFieldId, type NameMapping, nameMapping } from "./format/name_mapping.ts";
export type { PartitionField, PartitionSpec, WrittenTypes } from "./format/partition_spec.ts";
export type { Comparison, Predicate } from "./format/predicate.ts";
export { findField, findFieldByPath, type Schema } from "./format/schema.ts";
export { type Value, valueFromBytes, valueToBytes } from "./format/single_value.ts";
export type { Snapshot, SnapshotRef } from "./format/snapshot.ts";
export type { SortField, SortOrder } from "./format/sort_order.ts";
export {
  currentSchema,
  type MetadataLogEntry,
  snapshotAsOf,
  snapshotById,
  snapshotOfRef,
  type TableMetadata,
} from "./format/table_metadata.ts";
export type { SchemaChange } from "./format/schema_change.ts";
export type { TableRequirement } from "./format/table_requirement.ts";
export type { TableUpdate } from "./format/table_update.ts";
export { applyTransform, type Transform } from "./format/transform.ts";
export type { SkipReason } from "./scan/file_pruner.ts";
export type { Field, ListType, MapType, PlainTypeName, PrimitiveType, StructType, Type } from "./format/type.ts";
export type { JsonObject } from "./format/json_field.ts";

export type { Clock } from "../base/clock.ts";
export type { Json } from "../base/json.ts";
export { type ErrorDetails, type ErrorKind, StreamlabError } from "../base/errors.ts";
export type { Random } from "../base/random.ts";
export type {
  FileInfo,
  GetFileOptions,
  ListedFile,
  ListOptions,
  ObjectAccess,
  PassedOver,
  ReadOptions,
  Store,
  UnfinishedWrite,
} from "../storage/store.ts";
