import type { PartitionColumn } from "../../iceberg/format/partition_spec.ts";
import type { Value } from "../../iceberg/format/single_value.ts";
import { valueFromSqlText } from "../sql_value.ts";
import { valueText } from "../value_text.ts";

/** A partition value, printed so that `partitionValue` reads it back. */
export function partitionText({ field, type }: PartitionColumn, value: Value | null): string | null {
  if (value === null) return null;
  // Days are printed as their number.
  return field.transform.name === "day" ? String(value) : valueText(type, value);
}

/** The value that `partitionText` printed. */
export function partitionValue({ field, type }: PartitionColumn, text: string | null): Value | null {
  if (text === null) return null;
  // Dates would be parsed again for every file.
  return field.transform.name === "day" ? Number(text) : valueFromSqlText(type, text);
}
