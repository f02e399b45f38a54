/**
 * The columns of Iceberg's metadata tables, as `from_json` takes them: a SQL type, or an object of
 * them for a struct, or a list.
 */
import type { Json } from "../../base/json.ts";
import { partitionColumns } from "../../iceberg/format/partition_spec.ts";
import type { TableMetadata } from "../../iceberg/format/table_metadata.ts";
import type { PrimitiveType } from "../../iceberg/format/type.ts";
import { sqlTypeOf } from "../../tables/sql_type.ts";

export type ColumnShape = string | [ColumnShape] | { [name: string]: ColumnShape };
export type RowShape = { [column: string]: ColumnShape };
/** A row as JSON, to be read back by the shape of its table. */
export type MetadataRow = { [column: string]: Json };

export const SNAPSHOT_COLUMNS: RowShape = {
  committed_at: "TIMESTAMPTZ",
  snapshot_id: "BIGINT",
  parent_id: "BIGINT",
  operation: "VARCHAR",
  manifest_list: "VARCHAR",
  summary: "MAP(VARCHAR, VARCHAR)",
};

export const HISTORY_COLUMNS: RowShape = {
  made_current_at: "TIMESTAMPTZ",
  snapshot_id: "BIGINT",
  parent_id: "BIGINT",
  is_current_ancestor: "BOOLEAN",
};

export const REF_COLUMNS: RowShape = {
  name: "VARCHAR",
  type: "VARCHAR",
  snapshot_id: "BIGINT",
  max_reference_age_in_ms: "BIGINT",
  min_snapshots_to_keep: "INTEGER",
  max_snapshot_age_in_ms: "BIGINT",
};

export const MANIFEST_COLUMNS: RowShape = {
  content: "INTEGER",
  path: "VARCHAR",
  length: "BIGINT",
  partition_spec_id: "INTEGER",
  added_snapshot_id: "BIGINT",
  added_data_files_count: "INTEGER",
  existing_data_files_count: "INTEGER",
  deleted_data_files_count: "INTEGER",
  added_delete_files_count: "INTEGER",
  existing_delete_files_count: "INTEGER",
  deleted_delete_files_count: "INTEGER",
  partition_summaries: [{
    contains_null: "BOOLEAN",
    contains_nan: "BOOLEAN",
    lower_bound: "VARCHAR",
    upper_bound: "VARCHAR",
  }],
};

export const METADATA_LOG_COLUMNS: RowShape = {
  timestamp: "TIMESTAMPTZ",
  file: "VARCHAR",
  latest_snapshot_id: "BIGINT",
  latest_schema_id: "INTEGER",
  latest_sequence_number: "BIGINT",
};

export function fileColumns(metadata: TableMetadata): RowShape {
  return {
    content: "INTEGER",
    file_path: "VARCHAR",
    file_format: "VARCHAR",
    spec_id: "INTEGER",
    ...partitionColumn(metadata),
    record_count: "BIGINT",
    file_size_in_bytes: "BIGINT",
    column_sizes: "MAP(VARCHAR, BIGINT)",
    value_counts: "MAP(VARCHAR, BIGINT)",
    null_value_counts: "MAP(VARCHAR, BIGINT)",
    nan_value_counts: "MAP(VARCHAR, BIGINT)",
    lower_bounds: "MAP(VARCHAR, VARCHAR)",
    upper_bounds: "MAP(VARCHAR, VARCHAR)",
    split_offsets: ["BIGINT"],
    equality_ids: ["INTEGER"],
    sort_order_id: "INTEGER",
  };
}

export function entryColumns(metadata: TableMetadata): RowShape {
  return {
    status: "INTEGER",
    snapshot_id: "BIGINT",
    sequence_number: "BIGINT",
    file_sequence_number: "BIGINT",
    data_file: fileColumns(metadata),
  };
}

export function partitionsColumns(metadata: TableMetadata): RowShape {
  return {
    ...partitionColumn(metadata),
    spec_id: "INTEGER",
    record_count: "BIGINT",
    file_count: "INTEGER",
    total_data_file_size_in_bytes: "BIGINT",
    position_delete_record_count: "BIGINT",
    position_delete_file_count: "INTEGER",
    equality_delete_record_count: "BIGINT",
    equality_delete_file_count: "INTEGER",
    last_updated_at: "TIMESTAMPTZ",
    last_updated_snapshot_id: "BIGINT",
  };
}

/** The partition fields of all specs, by name; a table that never had one has no such column. */
function partitionFields(metadata: TableMetadata): Map<string, PrimitiveType> {
  const fields = new Map<string, PrimitiveType>();
  for (const spec of metadata.partitionSpecs) {
    for (const { field, type } of partitionColumns(spec, metadata.schemas)) {
      if (field.transform.name !== "void") fields.set(field.name, type);
    }
  }
  return fields;
}

function partitionColumn(metadata: TableMetadata): RowShape {
  const fields = [...partitionFields(metadata)].map(([name, type]) => [name, shapeOf(type)]);
  return fields.length === 0 ? {} : { partition: Object.fromEntries(fields) };
}

/** Bytes are shown as hexadecimal text: JSON has no other way to bring them in. */
function shapeOf(type: PrimitiveType): string {
  return type.type === "binary" || type.type === "fixed" ? "VARCHAR" : sqlTypeOf(type);
}

/** An instant as SQL reads it. */
export function instant(ms: number): string {
  return new Date(ms).toISOString();
}
