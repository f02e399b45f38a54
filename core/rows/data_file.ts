import type { WrittenColumn, WrittenFile } from "../engine/copy.ts";
import { lowerBound, upperBound } from "../iceberg/spec/bound.ts";
import type { DataFile } from "../iceberg/spec/data_file.ts";
import type { PartitionColumn } from "../iceberg/spec/partition_spec.ts";
import { fieldsById, findFieldByPath, type Schema } from "../iceberg/spec/schema.ts";
import { valueToBytes } from "../iceberg/spec/single_value.ts";
import { isPrimitive, type PrimitiveType } from "../iceberg/spec/type.ts";
import { partitionValue } from "./partition_sql.ts";
import { valueFromSqlText } from "./value_text.ts";

/** Describes a file that the engine wrote, for a manifest. `uri` is where it stands now. */
export function dataFileOf(
  written: WrittenFile,
  uri: string,
  schema: Schema,
  specId: number,
  partition: readonly PartitionColumn[],
): DataFile {
  const file: Required<Pick<DataFile, MetricName>> = {
    columnSizes: new Map(),
    valueCounts: new Map(),
    nullValueCounts: new Map(),
    nanValueCounts: new Map(),
    lowerBounds: new Map(),
    upperBounds: new Map(),
  };
  for (const column of written.columns) {
    const field = findFieldByPath(schema, column.path.join("."));
    if (field !== undefined && isPrimitive(field.type)) {
      addMetrics(file, field.id, field.type, column, isRepeated(schema, field.id));
    }
  }
  return {
    content: "data",
    path: uri,
    format: "parquet",
    specId,
    partition: partition.map((part, index) => partitionValue(part, written.partition[index] ?? null)),
    recordCount: Number(written.records),
    fileSizeBytes: Number(written.size),
    ...file,
    // The first row group starts behind the four bytes of Parquet's magic number.
    splitOffsets: [4],
  };
}

type MetricName = "columnSizes" | "valueCounts" | "nullValueCounts" | "nanValueCounts" | "lowerBounds" | "upperBounds";

function addMetrics(
  file: Required<Pick<DataFile, MetricName>>,
  id: number,
  type: PrimitiveType,
  column: WrittenColumn,
  repeated: boolean,
): void {
  file.columnSizes.set(id, Number(column.size));
  file.valueCounts.set(id, Number(column.values));
  file.nullValueCounts.set(id, Number(column.nulls));
  const real = type.type === "float" || type.type === "double";
  if (real && !column.hasNan) file.nanValueCounts.set(id, 0);
  // Inside lists and maps a bound says nothing about a row, and readers do not look at it.
  if (repeated || column.min === undefined || column.max === undefined || (real && column.hasNan)) return;
  const upper = upperBound(type, valueFromSqlText(type, column.max));
  file.lowerBounds.set(id, valueToBytes(type, lowerBound(type, valueFromSqlText(type, column.min))));
  if (upper !== undefined) file.upperBounds.set(id, valueToBytes(type, upper));
}

function isRepeated(schema: Schema, id: number): boolean {
  return fieldsById(schema).get(id)!.repeated;
}
