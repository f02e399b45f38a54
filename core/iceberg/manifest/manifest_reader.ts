import { type OpenContainer, openContainer, readBlock, readingContainer } from "../../avro/container.ts";
import type { Cursor } from "../../avro/cursor.ts";
import { StreamlabError } from "../../base/errors.ts";
import { type Json, parseJson } from "../../base/json.ts";
import { Memo } from "../../base/memo.ts";
import { avroName, namesById, recordFields, toBytes, typeFromAvro, valueFromAvro } from "./avro_field.ts";
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
import type { EntryStatus, ManifestEntry } from "../format/manifest_entry.ts";
import type { JsonObject } from "../format/json_field.ts";
import type { ManifestContent } from "../format/manifest_file.ts";
import {
  type PartitionColumn,
  partitionColumns,
  partitionFieldsFromJson,
  type PartitionSpec,
  type WrittenTypes,
  writtenTypes,
} from "../format/partition_spec.ts";
import { type Schema, schemaFromJson } from "../format/schema.ts";
import type { PrimitiveType } from "../format/type.ts";

type AvroRecord = Record<string, unknown>;

export interface DecodeManifestOptions {
  /**
   * The table's schemas, the newest last: what source columns of partitions were widened to since
   * the manifest was written, and the types of those that its schema lacks.
   */
  schemas: Schema[];
  /** From the manifest list, because headers of version 1 may lack it. */
  specId?: number;
  /**
   * Called with each file without its column statistics. Only the files it keeps are read whole,
   * which saves most of the time.
   */
  keep?: (file: DataFile) => boolean;
}

/** Counts include all entries, whatever `keep` says. */
export interface DecodedManifest extends Manifest {
  written: WrittenTypes;
  filesCounts: Record<EntryStatus, number>;
}

/**
 * Decodes a manifest of version 1 or 2 by any writer: fields are found by id. Inherited numbers
 * stay undefined. Throws `corrupt`, with the file named as `path`.
 */
export function decodeManifest(bytes: Uint8Array, path: string, options: DecodeManifestOptions): DecodedManifest {
  return readingContainer(path, () => {
    const container = openContainer(bytes);
    const { schema, spec, content } = readHeader(container, path, options.specId);
    const columns = columnsOf(container, spec, [schema, ...options.schemas]);
    const entryOf = entryReader(container, spec.specId, columns);
    return { schema, spec, content, written: writtenTypes(columns), ...readEntries(container, entryOf, options.keep) };
  });
}

function readHeader(
  { metadata }: OpenContainer,
  path: string,
  listedSpecId: number | undefined,
): { schema: Schema; spec: PartitionSpec; content: ManifestContent } {
  const schemaText = metadata.get("schema");
  const specText = metadata.get("partition-spec");
  if (schemaText === undefined || specText === undefined) {
    throw new StreamlabError("corrupt", `Cannot read the manifest ${path}: its header has no schema or partition spec`);
  }
  const content = metadata.get("content") ?? "data";
  if (content !== "data" && content !== "deletes") throw new Error("it holds neither data nor deletes");
  const schemaId = idFrom(metadata, "schema-id"), specId = idFrom(metadata, "partition-spec-id");
  const schema = schemas.get(`${schemaId} ${schemaText}`, () => schemaFromJson(parseJson(schemaText), schemaId));
  const fields = specFields.get(specText, () => partitionFieldsFromJson(asList(parseJson(specText))));
  return { schema, spec: { specId: listedSpecId ?? specId, fields }, content };
}

/** All manifests of a table say the same, but for the few schemas and specs that it has had. */
const schemas = new Memo<Schema>(64), specFields = new Memo<PartitionSpec["fields"]>(64);

/** 0 if version 1 leaves it out. */
function idFrom(metadata: Map<string, string>, key: string): number {
  return readCount(Number(metadata.get(key) ?? 0), key);
}

/** A number of files, rows or bytes, or an id. */
function readCount(value: unknown, what: string): number {
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value;
  throw new Error(`its ${what} is not a possible number`);
}

function readEntries(
  container: OpenContainer,
  entryOf: (record: AvroRecord) => ManifestEntry,
  keep: DecodeManifestOptions["keep"],
): Pick<DecodedManifest, "entries" | "filesCounts"> {
  const whole = container.decoder(MANIFEST_LONGS);
  const slim = container.decoder({ ...MANIFEST_LONGS, skippedFieldIds: STATISTICS_FIELD_IDS });
  const entries: ManifestEntry[] = [];
  const filesCounts = { existing: 0, added: 0, deleted: 0 };
  const readEntry = (cursor: Cursor) => {
    const start = cursor.at;
    if (keep) {
      const entry = entryOf(slim(cursor) as AvroRecord);
      filesCounts[entry.status]++;
      if (!keep(entry.dataFile)) return;
    }
    cursor.at = start;
    const entry = entryOf(whole(cursor) as AvroRecord);
    if (!keep) filesCounts[entry.status]++;
    entries.push(entry);
  };
  for (const block of container.blocks()) readBlock(block, readEntry);
  return { entries, filesCounts };
}

/** The Avro schema of `data_file`. */
function fileRecordOf({ schema }: OpenContainer): Json | undefined {
  const name = namesById(schema, ENTRY_FIELD_NAMES).get(2);
  return recordFields(schema).find((field) => field.name === name)?.type;
}

function columnsOf(container: OpenContainer, spec: PartitionSpec, schemas: Schema[]): PartitionColumn[] {
  const fileRecord = fileRecordOf(container), name = namesById(fileRecord, DATA_FILE_FIELD_NAMES).get(102);
  const partition = recordFields(recordFields(fileRecord).find((field) => field.name === name)?.type);
  const written = new Map<number, PrimitiveType>();
  for (const field of partition) {
    const type = typeFromAvro(field.type), id = field["field-id"];
    if (type !== undefined && typeof id === "number") written.set(id, type);
  }
  return partitionColumns(spec, schemas, written);
}

function entryReader(
  container: OpenContainer,
  specId: number,
  columns: PartitionColumn[],
): (record: AvroRecord) => ManifestEntry {
  const names = namesById(container.schema, ENTRY_FIELD_NAMES);
  const read = dataFileReader(specId, columns, fileRecordOf(container));
  const [status, snapshotId, sequence, fileSequence, dataFile] = [0, 1, 3, 4, 2].map((id) => names.get(id)!);
  return (record) => {
    const code = STATUS_CODES[record[status!] as number];
    if (code === undefined) throw new Error("an entry is neither existing, nor added, nor deleted");
    const entry: ManifestEntry = {
      status: code,
      dataFile: read(record[dataFile!] as AvroRecord),
    };
    const own = longIn(record[snapshotId!]), ownSequence = longIn(record[sequence!]);
    const ownFileSequence = longIn(record[fileSequence!]);
    if (own !== undefined) entry.snapshotId = own;
    if (ownSequence !== undefined) entry.sequenceNumber = ownSequence;
    if (ownFileSequence !== undefined) entry.fileSequenceNumber = ownFileSequence;
    return entry;
  };
}

/** Undefined means inherited. */
function longIn(value: unknown): bigint | undefined {
  if (value === null || value === undefined) return undefined;
  if (typeof value !== "bigint") throw new Error("an entry has something else than a number");
  return value;
}

/**
 * Makes a function from an Avro `data_file` record to a `DataFile`, which looks up all names once.
 */
function dataFileReader(
  specId: number,
  columns: PartitionColumn[],
  fileRecord: Parameters<typeof recordFields>[0],
): (record: AvroRecord) => DataFile {
  checkStatistics(fileRecord);
  const names = namesById(fileRecord, DATA_FILE_FIELD_NAMES);
  const name = (id: number) => names.get(id)!;
  const partitionRecord = recordFields(fileRecord).find((field) => field.name === name(102))?.type;
  const partitionNames = namesById(
    partitionRecord,
    Object.fromEntries(columns.map(({ field }) => [field.fieldId, avroName(field.name)])),
  );
  const parts = columns.map(({ field, type }) => ({ name: partitionNames.get(field.fieldId)!, type }));
  const written = new Set(recordFields(partitionRecord).map((field) => field.name));
  const missing = parts.find((part) => !written.has(part.name));
  // Read as null, the value would hide rows.
  if (missing !== undefined) throw new Error(`its entries have no partition field "${missing.name}"`);
  return (record) => {
    const partition = (record[name(102)] ?? undefined) as AvroRecord | undefined;
    if (typeof partition !== "object") throw new Error("a file has no partition");
    const content = CONTENT_CODES[(record[name(134)] ?? 0) as number];
    const path = record[name(100)], format = record[name(101)];
    if (content === undefined) throw new Error("a file holds neither data nor deletes");
    if (typeof path !== "string" || path === "" || typeof format !== "string") throw new Error("a file has no path");
    const file: DataFile = {
      content,
      path,
      format: format.toLowerCase() as FileFormat,
      specId,
      partition: parts.map((part) => {
        const value = partition[part.name] ?? null;
        return value === null ? null : valueFromAvro(part.type, value);
      }),
      recordCount: readCount(record[name(103)], "number of records"),
      fileSizeBytes: readCount(record[name(104)], "size of a file"),
    };
    readStatistics(file, record, name);
    readRest(file, record, name);
    return file;
  };
}

/** The Avro types of values in the maps of column statistics. */
const STATISTICS_TYPES: Record<number, readonly string[]> = {
  108: ["long", "int"],
  109: ["long", "int"],
  110: ["long", "int"],
  137: ["long", "int"],
  125: ["bytes"],
  128: ["bytes"],
};

/** Once per manifest: checking each value would take half as long as reading them all. */
function checkStatistics(fileRecord: Json | undefined): void {
  for (const field of recordFields(fileRecord)) {
    const types = STATISTICS_TYPES[field["field-id"] as number];
    const branches = Array.isArray(field.type) ? field.type : [field.type ?? null];
    if (types === undefined || branches.every((branch) => branch === "null" || isMapOf(branch, types))) continue;
    throw new Error(`the ${field.name} of its files are no map from column to value`);
  }
}

function isMapOf(type: Json, valueTypes: readonly string[]): boolean {
  const [key, value] = recordFields((type as JsonObject | null)?.items);
  const isArray = (type as JsonObject | null)?.type === "array";
  return isArray && key?.name === "key" && plainType(key.type) === "int" && value?.name === "value" &&
    valueTypes.includes(plainType(value.type));
}

/** `"int"`, also where it is written as `{"type": "int"}`, as DuckDB's extension does. */
function plainType(type: Json | undefined): string {
  return String((type as JsonObject | null)?.type ?? type);
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
  if (splitOffsets !== undefined) file.splitOffsets = numbersIn(splitOffsets);
  if (equalityIds !== undefined) file.equalityIds = numbersIn(equalityIds);
  if (sortOrderId !== undefined) file.sortOrderId = numbersIn([sortOrderId])[0]!;
  if (referencedDataFile !== undefined) file.referencedDataFile = textIn(referencedDataFile);
}

function numbersIn(values: unknown): number[] {
  if (!Array.isArray(values)) throw new Error("a file has something else than a list of numbers");
  return values.map((value) => {
    const number = Number(value);
    if (!Number.isSafeInteger(number)) throw new Error("a file has something else than a number");
    return number;
  });
}

function textIn(value: unknown): string {
  if (typeof value !== "string") throw new Error("a file has something else than a text");
  return value;
}

/** The header holds only the fields; some writers put the whole spec there. */
function asList(json: ReturnType<typeof parseJson>): Parameters<typeof partitionFieldsFromJson>[0] {
  if (Array.isArray(json)) return json;
  const fields = json !== null && typeof json === "object" ? json.fields : undefined;
  return Array.isArray(fields) ? fields : [];
}
