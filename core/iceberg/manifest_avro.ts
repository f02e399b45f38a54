import { decodeContainer, encodeContainer } from "../avro/container.ts";
import { StreamlabError } from "../base/errors.ts";
import { parseJson, stringifyJson } from "../base/json.ts";
import { avroName, namesById, recordFields, toBuffer, toBytes, valueFromAvro, valueToAvro } from "./avro_field.ts";
import { dataFileFieldNames, entryFieldNames, manifestAvroSchema, manifestLongs } from "./manifest_avro_schema.ts";
import type { DataFile, FileContent, FileFormat } from "./spec/data_file.ts";
import type { EntryStatus, ManifestEntry } from "./spec/manifest_entry.ts";
import type { ManifestContent } from "./spec/manifest_file.ts";
import {
  partitionColumns,
  partitionFieldsFromJson,
  partitionFieldsToJson,
  type PartitionSpec,
} from "./spec/partition_spec.ts";
import { type Schema, schemaFromJson, schemaToJson } from "./spec/schema.ts";

export interface Manifest {
  schema: Schema;
  spec: PartitionSpec;
  content: ManifestContent;
  entries: ManifestEntry[];
}

const statuses: EntryStatus[] = ["existing", "added", "deleted"];
const contents: FileContent[] = ["data", "position-deletes", "equality-deletes"];

/** The bytes of a version 2 manifest (specification: "Manifests"). `sync` is 16 bytes for Avro's block marker. */
export function encodeManifest(manifest: Manifest, sync: Uint8Array): Uint8Array {
  const { schema, spec, content } = manifest;
  const columns = partitionColumns(spec, [schema]);
  const names = columns.map((column) => avroName(column.field.name));
  const records = manifest.entries.map((entry) => {
    const partition: Record<string, unknown> = {};
    columns.forEach(({ type }, i) => {
      const value = entry.dataFile.partition[i] ?? null;
      partition[names[i]!] = value === null ? null : valueToAvro(type, value);
    });
    return {
      status: statuses.indexOf(entry.status),
      snapshot_id: entry.snapshotId ?? null,
      sequence_number: entry.sequenceNumber ?? null,
      file_sequence_number: entry.fileSequenceNumber ?? null,
      data_file: dataFileToAvro(entry.dataFile, partition),
    };
  });
  return encodeContainer({
    schema: manifestAvroSchema(columns),
    longs: manifestLongs,
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
    content: contents.indexOf(file.content),
    file_path: file.path,
    // Java writes its enumeration's upper case names and reads either.
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

type AvroRecord = Record<string, unknown>;

/**
 * The manifest in those bytes, of version 1 or 2, by any writer: fields are found by id. `schemas` are the table's, for types
 * of partition source columns that the manifest's own schema lacks. Numbers to inherit stay undefined.
 */
export function decodeManifest(bytes: Uint8Array, path: string, schemas: Schema[]): Manifest {
  const container = decodeContainer<AvroRecord>(bytes, manifestLongs, path);
  const header = (key: string) => container.metadata.get(key);
  const schemaText = header("schema");
  const specText = header("partition-spec");
  if (schemaText === undefined || specText === undefined) {
    throw new StreamlabError("corrupt", `Cannot read the manifest ${path}: its header has no schema or partition spec`);
  }
  const schema = schemaFromJson(parseJson(schemaText), Number(header("schema-id") ?? 0));
  const spec: PartitionSpec = {
    specId: Number(header("partition-spec-id") ?? 0),
    fields: partitionFieldsFromJson(asList(parseJson(specText))),
  };
  const entryNames = namesById(container.schema, entryFieldNames);
  const fileRecord = recordFields(container.schema).find((field) => field.name === entryNames.get(2))?.type;
  const read = dataFileReader(spec, partitionColumns(spec, [...schemas, schema]), fileRecord);
  const [status, snapshotId, sequence, fileSequence, dataFile] = [0, 1, 3, 4, 2].map((id) => entryNames.get(id)!);
  const entries = container.records.map((record) => {
    const entry: ManifestEntry = {
      status: statuses[Number(record[status!])] ?? "existing",
      dataFile: read(record[dataFile!] as AvroRecord),
    };
    if (typeof record[snapshotId!] === "bigint") entry.snapshotId = record[snapshotId!] as bigint;
    if (typeof record[sequence!] === "bigint") entry.sequenceNumber = record[sequence!] as bigint;
    if (typeof record[fileSequence!] === "bigint") entry.fileSequenceNumber = record[fileSequence!] as bigint;
    return entry;
  });
  return { schema, spec, content: header("content") === "deletes" ? "deletes" : "data", entries };
}

/** A function from the Avro record of a `data_file` to ours, with all names looked up once. */
function dataFileReader(
  spec: PartitionSpec,
  columns: ReturnType<typeof partitionColumns>,
  fileRecord: Parameters<typeof recordFields>[0],
): (record: AvroRecord) => DataFile {
  const names = namesById(fileRecord, dataFileFieldNames);
  const name = (id: number) => names.get(id)!;
  const partitionRecord = recordFields(fileRecord).find((field) => field.name === name(102))?.type;
  const partitionNames = namesById(
    partitionRecord,
    Object.fromEntries(columns.map(({ field }) => [field.fieldId, avroName(field.name)])),
  );
  const parts = columns.map(({ field, type }) => ({ name: partitionNames.get(field.fieldId)!, type }));
  return (record) => {
    const partition = record[name(102)] as AvroRecord;
    const file: DataFile = {
      content: contents[Number(record[name(134)] ?? 0)] ?? "data",
      path: String(record[name(100)]),
      format: String(record[name(101)]).toLowerCase() as FileFormat,
      specId: spec.specId,
      partition: parts.map((part) => {
        const value = partition[part.name] ?? null;
        return value === null ? null : valueFromAvro(part.type, value);
      }),
      recordCount: Number(record[name(103)]),
      fileSizeBytes: Number(record[name(104)]),
    };
    readStatistics(file, record, name);
    readRest(file, record, name);
    return file;
  };
}

function readStatistics(file: DataFile, record: AvroRecord, name: (id: number) => string): void {
  const numbers = (id: number) => mapFromAvro(record[name(id)] as AvroMap<number> | null);
  const bounds = (id: number) => boundsFromAvro(record[name(id)] as AvroMap<Uint8Array> | null);
  file.columnSizes = numbers(108);
  file.valueCounts = numbers(109);
  file.nullValueCounts = numbers(110);
  file.nanValueCounts = numbers(137);
  file.lowerBounds = bounds(125);
  file.upperBounds = bounds(128);
}

function readRest(file: DataFile, record: AvroRecord, name: (id: number) => string): void {
  const value = (id: number) => record[name(id)] ?? undefined;
  const keyMetadata = value(131), splitOffsets = value(132), equalityIds = value(135), sortOrderId = value(140);
  const referencedDataFile = value(143);
  if (keyMetadata !== undefined) file.keyMetadata = toBytes(keyMetadata as Uint8Array);
  if (splitOffsets !== undefined) file.splitOffsets = (splitOffsets as number[]).map(Number);
  if (equalityIds !== undefined) file.equalityIds = equalityIds as number[];
  if (sortOrderId !== undefined) file.sortOrderId = sortOrderId as number;
  if (referencedDataFile !== undefined) file.referencedDataFile = referencedDataFile as string;
}

function mapFromAvro(list: AvroMap<number> | null | undefined): Map<number, number> | undefined {
  if (!list) return undefined;
  const map = new Map<number, number>();
  for (const { key, value } of list) map.set(key, Number(value));
  return map;
}

function boundsFromAvro(list: AvroMap<Uint8Array> | null | undefined): Map<number, Uint8Array> | undefined {
  if (!list) return undefined;
  const map = new Map<number, Uint8Array>();
  for (const { key, value } of list) map.set(key, toBytes(value));
  return map;
}

/** The header holds only the fields; some writers put the whole spec there. */
function asList(json: ReturnType<typeof parseJson>): Parameters<typeof partitionFieldsFromJson>[0] {
  if (Array.isArray(json)) return json;
  const fields = json !== null && typeof json === "object" ? json.fields : undefined;
  return Array.isArray(fields) ? fields : [];
}
