import { StreamlabError } from "../base/errors.ts";
import { type PartitionColumn } from "../iceberg/spec/partition_spec.ts";
import type { Value } from "../iceberg/spec/single_value.ts";
import { applyTransform } from "../iceberg/spec/transform.ts";
import type { PrimitiveType } from "../iceberg/spec/type.ts";
import { valueFromSqlText } from "./value_text.ts";

/** The function of the engine's that computes bucket numbers; see `partitionBucket`. */
export const BUCKET_FUNCTION = "streamlab_bucket";

const MICROS_PER_DAY = 86_400_000_000;
const MICROS_PER_HOUR = 3_600_000_000;

/**
 * SQL for the value of a partition field of a row, printed so that `partitionValue` reads it back. `value` is SQL for
 * the source column; `index` tells the field's place in the spec.
 */
export function partitionSql(partition: PartitionColumn, value: string, index: number): string {
  const { transform } = partition.field;
  switch (transform.name) {
    case "identity":
      return printed(value, partition.source);
    case "void":
      return "NULL::VARCHAR";
    case "bucket":
      return `${BUCKET_FUNCTION}(${index}, ${printed(value, partition.source)})`;
    case "truncate":
      return truncateSql(value, partition.source, transform.width);
    case "year":
      return `(year(${day(value, partition.source)}) - 1970)`;
    case "month":
      return `((year(${day(value, partition.source)}) - 1970) * 12 + month(${day(value, partition.source)}) - 1)`;
    case "day":
      return dayNumber(value, partition.source);
    case "hour":
      return floorDivide(`epoch_us(${value})`, MICROS_PER_HOUR);
    case "unknown":
      throw new StreamlabError(
        "unavailable",
        `Cannot write rows partitioned by "${transform.text}": the transform is not known here`,
      );
  }
}

/** The partition value that DuckDB printed. */
export function partitionValue(partition: PartitionColumn, text: string | null): Value | null {
  if (text === null) return null;
  // Days are printed as their number: dates would be parsed again for every file.
  if (partition.field.transform.name === "day") return Number(text);
  return valueFromSqlText(partition.type, text);
}

/** The bucket of a value that `partitionSql` printed. */
export function partitionBucket(partition: PartitionColumn, text: string | null): number | null {
  const value = text === null ? null : valueFromSqlText(partition.source, text);
  return applyTransform(partition.field.transform, partition.source, value) as number | null;
}

/** A value as the text that `valueFromSqlText` reads. */
function printed(value: string, type: PrimitiveType): string {
  if (type.type === "timestamptz" || type.type === "timestamp") return `CAST(epoch_us(${value}) AS VARCHAR)`;
  return `CAST(${value} AS VARCHAR)`;
}

function truncateSql(value: string, type: PrimitiveType, width: number): string {
  if (type.type === "string") return `left(${value}, ${width})`;
  if (type.type === "decimal") {
    const unit = `CAST(${width} * power(10::DOUBLE, -${type.scale}) AS DECIMAL(38, ${type.scale}))`;
    return `CAST(CAST(${value} AS DECIMAL(38, ${type.scale})) - (((${value} % ${unit}) + ${unit}) % ${unit}) AS VARCHAR)`;
  }
  return `(${value} - (((${value} % ${width}) + ${width}) % ${width}))`;
}

function day(value: string, type: PrimitiveType): string {
  return type.type === "date" ? value : `CAST(${value} AS DATE)`;
}

function dayNumber(value: string, type: PrimitiveType): string {
  if (type.type === "date") return `(${value} - DATE '1970-01-01')`;
  return floorDivide(`epoch_us(${value})`, MICROS_PER_DAY);
}

/** DuckDB's integer division cuts towards zero; before 1970 that is the wrong day. */
function floorDivide(value: string, divisor: number): string {
  return `(${value} // ${divisor} - CAST(${value} % ${divisor} < 0 AS INTEGER))`;
}
