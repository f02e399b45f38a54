import type { Json } from "../../base/json.ts";
import { avroName, avroType, intKeyedMap, listOf, optionalField, requiredField } from "./avro_field.ts";
import type { FileContent } from "../format/data_file.ts";
import type { EntryStatus } from "../format/manifest_entry.ts";
import type { PartitionColumn } from "../format/partition_spec.ts";

/**
 * Longs of manifests that are counts and sizes fit a number. Sequence numbers and snapshot ids stay
 * `bigint`.
 */
export const MANIFEST_LONGS = {
  numberFieldIds: new Set([103, 104, 105, 118, 120, 122, 124, 133, 139]),
} as const;

/** The meaning of the numbers for status and content, by index. */
export const STATUS_CODES: readonly EntryStatus[] = ["existing", "added", "deleted"];
export const CONTENT_CODES: readonly FileContent[] = ["data", "position-deletes", "equality-deletes"];

/** The maps of column statistics, which are nearly all of a manifest's bytes. */
export const STATISTICS_FIELD_IDS: ReadonlySet<number> = new Set([108, 109, 110, 111, 125, 128, 137]);

/** The names in the specification, by field id. Names in a file's own schema take precedence. */
export const ENTRY_FIELD_NAMES: Record<number, string> = {
  0: "status",
  1: "snapshot_id",
  2: "data_file",
  3: "sequence_number",
  4: "file_sequence_number",
};

export const DATA_FILE_FIELD_NAMES: Record<number, string> = {
  100: "file_path",
  101: "file_format",
  102: "partition",
  103: "record_count",
  104: "file_size_in_bytes",
  108: "column_sizes",
  109: "value_counts",
  110: "null_value_counts",
  125: "lower_bounds",
  128: "upper_bounds",
  131: "key_metadata",
  132: "split_offsets",
  134: "content",
  135: "equality_ids",
  137: "nan_value_counts",
  140: "sort_order_id",
  143: "referenced_data_file",
};

/**
 * The Avro schema of a version 2 manifest (specification: "Manifest Entry Fields", "Data File
 * Fields").
 */
export function manifestAvroSchema(partition: PartitionColumn[]): Json {
  return {
    type: "record",
    name: "manifest_entry",
    fields: [
      requiredField(0, "status", "int"),
      optionalField(1, "snapshot_id", "long"),
      optionalField(3, "sequence_number", "long"),
      optionalField(4, "file_sequence_number", "long"),
      requiredField(2, "data_file", { type: "record", name: "r2", fields: dataFileFields(partition) }),
    ],
  };
}

function dataFileFields(partition: PartitionColumn[]): Json[] {
  const partitionFields = partition.map(({ field, type }) => {
    const name = avroName(field.name);
    const avroField = optionalField(field.fieldId, name, avroType(type, String(field.fieldId)));
    return name === field.name ? avroField : { ...avroField as object, "iceberg-field-name": field.name };
  });
  return [
    requiredField(134, "content", "int"),
    requiredField(100, "file_path", "string"),
    requiredField(101, "file_format", "string"),
    requiredField(102, "partition", { type: "record", name: "r102", fields: partitionFields }),
    requiredField(103, "record_count", "long"),
    requiredField(104, "file_size_in_bytes", "long"),
    optionalField(108, "column_sizes", intKeyedMap(117, 118, "long")),
    optionalField(109, "value_counts", intKeyedMap(119, 120, "long")),
    optionalField(110, "null_value_counts", intKeyedMap(121, 122, "long")),
    optionalField(137, "nan_value_counts", intKeyedMap(138, 139, "long")),
    optionalField(125, "lower_bounds", intKeyedMap(126, 127, "bytes")),
    optionalField(128, "upper_bounds", intKeyedMap(129, 130, "bytes")),
    optionalField(131, "key_metadata", "bytes"),
    optionalField(132, "split_offsets", listOf(133, "long")),
    optionalField(135, "equality_ids", listOf(136, "int")),
    optionalField(140, "sort_order_id", "int"),
    optionalField(143, "referenced_data_file", "string"),
  ];
}
