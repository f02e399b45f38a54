import type { WrittenColumn, WrittenFile } from "../../engine/copy.ts";
import { buildDataFile, type ColumnStatistics } from "../../iceberg/data_file_builder.ts";
import type { DataFile } from "../../iceberg/format/data_file.ts";
import type { PartitionColumn } from "../../iceberg/format/partition_spec.ts";
import { findFieldByPath, type Schema } from "../../iceberg/format/schema.ts";
import { isPrimitive } from "../../iceberg/format/type.ts";
import { partitionValue } from "./partition_text.ts";
import { valueFromSqlText } from "../sql_value.ts";

/** Where a file stands now, by its URI, and how the table is partitioned. */
export interface DataFilePlace {
  uri: string;
  specId: number;
  partition: readonly PartitionColumn[];
}

/** Describes a file that the engine wrote, for a manifest. */
export function dataFileOf(written: Omit<WrittenFile, "path">, place: DataFilePlace, schema: Schema): DataFile {
  const partition = place.partition.map((part, index) => partitionValue(part, written.partition[index] ?? null));
  return describeFile(written, { ...place, partition }, schema);
}

/** Describes a file whose rows all come from files of one partition. */
export function describeFile(
  written: Omit<WrittenFile, "path">,
  place: Pick<DataFile, "specId" | "partition"> & { uri: string; sortOrderId?: number | undefined },
  schema: Schema,
): DataFile {
  return buildDataFile({
    path: place.uri,
    specId: place.specId,
    partition: place.partition,
    recordCount: Number(written.records),
    fileSizeBytes: Number(written.size),
    columns: written.columns.flatMap((column) => statistics(column, schema)),
    // The first row group starts behind the four bytes of Parquet's magic number.
    splitOffsets: [4],
    sortOrderId: place.sortOrderId,
  }, schema);
}

function statistics(column: WrittenColumn, schema: Schema): ColumnStatistics[] {
  const field = findFieldByPath(schema, column.path.join("."));
  if (field === undefined || !isPrimitive(field.type)) return [];
  const { type } = field;
  const real = type.type === "float" || type.type === "double";
  // With a NaN among the values DuckDB's smallest and largest are not what Iceberg means by bounds.
  const bounded = column.min !== undefined && column.max !== undefined && !column.hasNan;
  return [{
    fieldId: field.id,
    sizeBytes: Number(column.size),
    valueCount: Number(column.values),
    nullCount: Number(column.nulls),
    nanCount: real && !column.hasNan ? 0 : undefined,
    min: bounded ? valueFromSqlText(type, column.min!) : undefined,
    max: bounded ? valueFromSqlText(type, column.max!) : undefined,
  }];
}
