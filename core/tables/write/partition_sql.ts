import { StreamlabError } from "../../base/errors.ts";
import { type Connection, quoteText } from "../../engine/duckdb.ts";
import { registerFunction } from "../../engine/scalar_function.ts";
import { type PartitionColumn } from "../../iceberg/format/partition_spec.ts";
import type { Value } from "../../iceberg/format/single_value.ts";
import { applyTransform } from "../../iceberg/format/transform.ts";
import type { PrimitiveType } from "../../iceberg/format/type.ts";
import { typeFromJson, typeToJson } from "../../iceberg/format/type_json.ts";
import { valueFromSqlText } from "../sql_value.ts";

const BUCKET_FUNCTION = "streamlab_bucket";

const MICROS_PER_DAY = 86_400_000_000;
const MICROS_PER_HOUR = 3_600_000_000;

/**
 * SQL for the value of a partition field of a row, printed so that `partitionValue` reads it back.
 * `value` is SQL for the source column.
 */
export function partitionSql(partition: PartitionColumn, value: string): string {
  const { transform } = partition.field;
  switch (transform.name) {
    case "identity":
      return printed(value, partition.source);
    case "void":
      return "NULL::VARCHAR";
    case "bucket":
      return `${BUCKET_FUNCTION}(${quoteText(typeText(partition.source))}, ${transform.buckets}, ${
        printed(value, partition.source)
      })`;
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

/**
 * Gives a database the function that `partitionSql` uses for buckets: SQL has no 32-bit Murmur3.
 */
export async function registerBucketFunction(connection: Connection): Promise<void> {
  const types = new Map<string, PrimitiveType>();
  const typeOf = (text: string) => {
    const known = types.get(text) ?? typeFromJson(text) as PrimitiveType;
    types.set(text, known);
    return known;
  };
  await registerFunction(connection, {
    name: BUCKET_FUNCTION,
    parameters: ["VARCHAR", "INTEGER", "VARCHAR"],
    returns: "INTEGER",
    call(type, buckets, value) {
      if (value === null) return null;
      const source = typeOf(type as string);
      const transform = { name: "bucket", buckets: buckets as number } as const;
      return applyTransform(transform, source, valueFromSqlText(source, value as string)) as number;
    },
  });
}

function typeText(type: PrimitiveType): string {
  return typeToJson(type) as string;
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
  // The smallest integers wrap to the largest, as in the reference implementation.
  const [wide, bits] = type.type === "int" ? ["BIGINT", 32n] as const : ["HUGEINT", 64n] as const;
  const exact = `(CAST(${value} AS ${wide}) - (((${value} % ${width}) + ${width}) % ${width}))`;
  return `(${exact} + CASE WHEN ${exact} < ${-(2n ** (bits - 1n))} THEN ${2n ** bits} ELSE 0 END)`;
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
