import { encodeContainer } from "../../avro/container.ts";
import { stringifyJson } from "../../base/json.ts";
import { avroName, toBuffer, valueToAvro } from "./avro_field.ts";
import { CONTENT_CODES, MANIFEST_LONGS, manifestAvroSchema, STATUS_CODES } from "./manifest_avro_schema.ts";
import type { DataFile } from "../format/data_file.ts";
import type { ManifestEntry } from "../format/manifest_entry.ts";
import type { ManifestContent } from "../format/manifest_file.ts";
import {
  partitionColumns,
  partitionFieldsToJson,
  type PartitionSpec,
  type WrittenTypes,
} from "../format/partition_spec.ts";
import { type Schema, schemaToJson } from "../format/schema.ts";

export interface Manifest {
  schema: Schema;
  /** The table's, for the types of partition source columns that are gone by now. */
  schemas?: readonly Schema[];
  /** What partition values were written as before, where no schema has the column any more. */
  written?: WrittenTypes | undefined;
  spec: PartitionSpec;
  content: ManifestContent;
  entries: ManifestEntry[];
}

/**
 * The bytes of a version 2 manifest (specification: "Manifests"). `sync` is 16 bytes for Avro's
 * block marker.
 */
export function encodeManifest(manifest: Manifest, sync: Uint8Array): Uint8Array {
  const { schema, schemas = [], spec, content, written } = manifest;
  const columns = partitionColumns(spec, [...schemas, schema], written);
  const names = columns.map((column) => avroName(column.field.name));
  const records = manifest.entries.map((entry) => {
    const partition: Record<string, unknown> = {};
    columns.forEach(({ type }, i) => {
      const value = entry.dataFile.partition[i] ?? null;
      partition[names[i]!] = value === null ? null : valueToAvro(type, value);
    });
    return {
      status: STATUS_CODES.indexOf(entry.status),
      snapshot_id: entry.snapshotId ?? null,
      sequence_number: entry.sequenceNumber ?? null,
      file_sequence_number: entry.fileSequenceNumber ?? null,
      data_file: dataFileToAvro(entry.dataFile, partition),
    };
  });
  return encodeContainer({
    schema: manifestAvroSchema(columns),
    longs: MANIFEST_LONGS,
    metadata: {
      schema: stringifyJson(schemaToJson(schema)),
      "schema-id": String(schema.schemaId),
      "partition-spec": stringifyJson(partitionFieldsToJson(spec)),
      "partition-spec-id": String(spec.specId),
      "format-version": "2",
      content,
    },
    records,
    sync,
  });
}

function dataFileToAvro(file: DataFile, partition: Record<string, unknown>): Record<string, unknown> {
  return {
    content: CONTENT_CODES.indexOf(file.content),
    file_path: file.path,
    // Java writes the upper-case names of its enumeration and reads either case.
    file_format: file.format.toUpperCase(),
    partition,
    record_count: file.recordCount,
    file_size_in_bytes: file.fileSizeBytes,
    column_sizes: mapToAvro(file.columnSizes),
    value_counts: mapToAvro(file.valueCounts),
    null_value_counts: mapToAvro(file.nullValueCounts),
    nan_value_counts: mapToAvro(file.nanValueCounts),
    lower_bounds: boundsToAvro(file.lowerBounds),
    upper_bounds: boundsToAvro(file.upperBounds),
    key_metadata: file.keyMetadata ? toBuffer(file.keyMetadata) : null,
    split_offsets: file.splitOffsets ?? null,
    equality_ids: file.equalityIds ?? null,
    sort_order_id: file.sortOrderId ?? null,
    referenced_data_file: file.referencedDataFile ?? null,
  };
}

type AvroMap<Value> = { key: number; value: Value }[];

function mapToAvro(map: Map<number, number> | undefined): AvroMap<number> | null {
  return map ? Array.from(map, ([key, value]) => ({ key, value })) : null;
}

function boundsToAvro(map: Map<number, Uint8Array> | undefined): AvroMap<Uint8Array> | null {
  return map ? Array.from(map, ([key, value]) => ({ key, value: toBuffer(value) })) : null;
}
