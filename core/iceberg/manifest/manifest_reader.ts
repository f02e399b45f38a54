import { containerDecoder, type OpenContainer, openContainer, readingContainer } from "../../avro/container.ts";
import { Cursor } from "../../avro/cursor.ts";
import { StreamlabError } from "../../base/errors.ts";
import { parseJson } from "../../base/json.ts";
import { avroName, namesById, recordFields, toBytes, valueFromAvro } from "./avro_field.ts";
import type { Manifest } from "./manifest_avro.ts";
import {
  CONTENT_CODES,
  DATA_FILE_FIELD_NAMES,
  ENTRY_FIELD_NAMES,
  MANIFEST_LONGS,
  STATISTICS_FIELD_IDS,
  STATUS_CODES,
} from "./manifest_avro_schema.ts";
import type { DataFile, FileFormat } from "../format/data_file.ts";
import type { ManifestEntry } from "../format/manifest_entry.ts";
import { partitionColumns, partitionFieldsFromJson, type PartitionSpec } from "../format/partition_spec.ts";
import { type Schema, schemaFromJson } from "../format/schema.ts";

type AvroRecord = Record<string, unknown>;

export interface DecodeManifestOptions {
  /** The table's, for types of partition source columns that the manifest's own schema lacks. */
  schemas: Schema[];
  /** As the manifest list knows it; headers of version 1 may lack it. */
  specId?: number;
  /**
   * Sees each file without its column statistics; only those it keeps are read whole, which saves
   * most of the time.
   */
  keep?: (file: DataFile) => boolean;
}

/**
 * The manifest in those bytes, of version 1 or 2, by any writer: fields are found by id. Numbers to
 * inherit stay undefined. Throws `corrupt`, naming the file as `path`.
 */
export function decodeManifest(bytes: Uint8Array, path: string, options: DecodeManifestOptions): Manifest {
  return readingContainer(path, () => {
    const container = openContainer(bytes);
    const { schema, spec } = readHeader(container, path);
    if (options.specId !== undefined) spec.specId = options.specId;
    const entryOf = entryReader(container, spec, [...options.schemas, schema]);
    const content = container.metadata.get("content") === "deletes" ? "deletes" : "data";
    return { schema, spec, content, entries: readEntries(container, entryOf, options.keep) };
  });
}

function readHeader({ metadata }: OpenContainer, path: string): { schema: Schema; spec: PartitionSpec } {
  const schemaText = metadata.get("schema");
  const specText = metadata.get("partition-spec");
  if (schemaText === undefined || specText === undefined) {
    throw new StreamlabError("corrupt", `Cannot read the manifest ${path}: its header has no schema or partition spec`);
  }
  return {
    schema: schemaFromJson(parseJson(schemaText), Number(metadata.get("schema-id") ?? 0)),
    spec: {
      specId: Number(metadata.get("partition-spec-id") ?? 0),
      fields: partitionFieldsFromJson(asList(parseJson(specText))),
    },
  };
}

function readEntries(
  { schema, metadata, blocks }: OpenContainer,
  entryOf: (record: AvroRecord) => ManifestEntry,
  keep: DecodeManifestOptions["keep"],
): ManifestEntry[] {
  const whole = containerDecoder(metadata, schema, MANIFEST_LONGS);
  const slim = containerDecoder(metadata, schema, { ...MANIFEST_LONGS, skippedFieldIds: STATISTICS_FIELD_IDS });
  const entries: ManifestEntry[] = [];
  for (const { count, data } of blocks()) {
    const cursor = new Cursor(data);
    for (let i = 0; i < count; i++) {
      const start = cursor.at;
      if (keep && !keep(entryOf(slim(cursor) as AvroRecord).dataFile)) continue;
      cursor.at = start;
      entries.push(entryOf(whole(cursor) as AvroRecord));
    }
  }
  return entries;
}

function entryReader(
  { schema }: OpenContainer,
  spec: PartitionSpec,
  schemas: Schema[],
): (record: AvroRecord) => ManifestEntry {
  const names = namesById(schema, ENTRY_FIELD_NAMES);
  const fileRecord = recordFields(schema).find((field) => field.name === names.get(2))?.type;
  const read = dataFileReader(spec, partitionColumns(spec, schemas), fileRecord);
  const [status, snapshotId, sequence, fileSequence, dataFile] = [0, 1, 3, 4, 2].map((id) => names.get(id)!);
  return (record) => {
    const entry: ManifestEntry = {
      status: STATUS_CODES[Number(record[status!])] ?? "existing",
      dataFile: read(record[dataFile!] as AvroRecord),
    };
    if (typeof record[snapshotId!] === "bigint") entry.snapshotId = record[snapshotId!] as bigint;
    if (typeof record[sequence!] === "bigint") entry.sequenceNumber = record[sequence!] as bigint;
    if (typeof record[fileSequence!] === "bigint") entry.fileSequenceNumber = record[fileSequence!] as bigint;
    return entry;
  };
}

/** A function from the Avro record of a `data_file` to ours, with all names looked up once. */
function dataFileReader(
  spec: PartitionSpec,
  columns: ReturnType<typeof partitionColumns>,
  fileRecord: Parameters<typeof recordFields>[0],
): (record: AvroRecord) => DataFile {
  const names = namesById(fileRecord, DATA_FILE_FIELD_NAMES);
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
      content: CONTENT_CODES[Number(record[name(134)] ?? 0)] ?? "data",
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
  const numbers = (id: number) => (record[name(id)] as Map<number, number> | null | undefined) ?? undefined;
  const bounds = (id: number) => (record[name(id)] as Map<number, Uint8Array> | null | undefined) ?? undefined;
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

/** The header holds only the fields; some writers put the whole spec there. */
function asList(json: ReturnType<typeof parseJson>): Parameters<typeof partitionFieldsFromJson>[0] {
  if (Array.isArray(json)) return json;
  const fields = json !== null && typeof json === "object" ? json.fields : undefined;
  return Array.isArray(fields) ? fields : [];
}
