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
  type TableIdentifier,
} from "./catalog/catalog.ts";
export { FileCatalog } from "./catalog/file_catalog.ts";
export { RestCatalog } from "./catalog/rest_catalog.ts";
export { commitTable, createTableIfAbsent } from "./commit.ts";
export { Transaction } from "./transaction.ts";

export { appendFiles } from "./action/append_files.ts";
export { createTable } from "./action/create_table.ts";
export { expireSnapshots } from "./action/expire_snapshots.ts";
export { overwriteFiles } from "./action/overwrite_files.ts";
export { rewriteFiles } from "./action/rewrite_files.ts";
export { rewriteManifests } from "./action/rewrite_manifests.ts";
export { rowDelta } from "./action/row_delta.ts";
export { removeProperties, setProperties } from "./action/set_properties.ts";
export { removeRef, setRef } from "./action/update_refs.ts";
export { updateSchema } from "./action/update_schema.ts";
export { replaceSortOrder, updateSpec } from "./action/update_partitioning.ts";
export { upgradeTable } from "./action/upgrade_table.ts";

export { buildDataFile } from "./data_file_builder.ts";
export { planScan } from "./scan/scan.ts";
export { reachableFiles, unreachableFiles } from "./reachable_files.ts";
export { TableLocation } from "./table_location.ts";
export { normalizeUri } from "../storage/uri.ts";
export { tableMetadataFromText, tableMetadataToText } from "./table_metadata_json.ts";

export type { DataFile } from "./format/data_file.ts";
export { mappedFieldId, nameMapping } from "./format/name_mapping.ts";
export type { PartitionSpec } from "./format/partition_spec.ts";
export type { Predicate } from "./format/predicate.ts";
export { findField, findFieldByPath, type Schema } from "./format/schema.ts";
export { type Value, valueFromBytes, valueToBytes } from "./format/single_value.ts";
export type { Snapshot, SnapshotRef } from "./format/snapshot.ts";
export type { SortOrder } from "./format/sort_order.ts";
export {
  currentSchema,
  snapshotAsOf,
  snapshotById,
  snapshotOfRef,
  type TableMetadata,
} from "./format/table_metadata.ts";
export { applyTransform, type Transform } from "./format/transform.ts";
export type { Field, Type } from "./format/type.ts";
