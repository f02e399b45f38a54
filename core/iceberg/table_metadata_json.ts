import { messageOf, StreamlabError } from "../base/errors.ts";
import { type Json, parseJson, stringifyJson } from "../base/json.ts";
import {
  type JsonObject,
  longToJson,
  readArray,
  readInteger,
  readLong,
  readObject,
  readOptionalInteger,
  readOptionalLong,
  readString,
  readStringMap,
} from "./format/json_field.ts";
import {
  FIRST_PARTITION_FIELD_ID,
  partitionFieldsFromJson,
  partitionSpecFromJson,
  partitionSpecToJson,
} from "./format/partition_spec.ts";
import { highestFieldId, schemaFromJson, schemaToJson } from "./format/schema.ts";
import { MAIN_BRANCH, type Snapshot, type SnapshotRef } from "./format/snapshot.ts";
import { refFromJson, refToJson, snapshotFromJson, snapshotToJson } from "./format/snapshot_json.ts";
import { sortOrderFromJson, sortOrderToJson, unsorted } from "./format/sort_order.ts";
import type { MetadataLogEntry, TableMetadata } from "./format/table_metadata.ts";

/**
 * The JSON text of each part that was read or written before. Parts are never changed in place, so
 * an untouched one comes out byte by byte as it was, unknown fields included; and a table of
 * thousands of snapshots is not written out anew every second.
 */
/**
 * Field of metadata.json and of metadata-log entries, ours: which commit wrote that version (file
 * catalog only). Nobody needs it to read a table.
 */
const COMMIT_ID_KEY = "streamlab-commit-id";

const partTexts = new WeakMap<object, string>();

function partText<Part extends object>(part: Part, toJson: (part: Part) => Json): string {
  let text = partTexts.get(part);
  if (text === undefined) {
    text = stringifyJson(toJson(part));
    partTexts.set(part, text);
  }
  return text;
}

function partFromJson<Part extends object>(json: Json, fromJson: (json: Json) => Part): Part {
  const part = fromJson(json);
  partTexts.set(part, stringifyJson(json));
  return part;
}

/**
 * The text of a metadata file (specification: Appendix C, "Table Metadata and Snapshots"), of
 * format version 2.
 */
export function tableMetadataToText(metadata: TableMetadata): string {
  if (metadata.formatVersion !== 2) {
    throw new StreamlabError("usage", `Cannot write a table of format version ${metadata.formatVersion}`, {
      hint: metadata.formatVersion === 1 ? "Upgrade the table to version 2 first" : "Use an engine that knows it",
    });
  }
  const texts = knownTexts(metadata);
  const source = metadata.source ?? {};
  const parts: string[] = [];
  for (const [key, value] of Object.entries(source)) {
    const text = texts.has(key) ? texts.get(key) : VERSION1_KEYS.has(key) ? undefined : stringifyJson(value);
    if (text !== undefined) parts.push(`${JSON.stringify(key)}:${text}`);
    texts.delete(key);
  }
  for (const [key, text] of texts) if (text !== undefined) parts.push(`${JSON.stringify(key)}:${text}`);
  return `{${parts.join(",")}}`;
}

/** Gone in version 2 (specification: Appendix E). */
const VERSION1_KEYS = new Set(["schema", "partition-spec"]);

/** Every field that we know with its text; undefined leaves it out. */
function knownTexts(metadata: TableMetadata): Map<string, string | undefined> {
  const list = <Part extends object>(parts: Part[], toJson: (part: Part) => Json) =>
    `[${parts.map((part) => partText(part, toJson)).join(",")}]`;
  const refs = Object.entries(metadata.refs).map(([name, ref]) =>
    `${JSON.stringify(name)}:${partText(ref, refToJson)}`
  );
  const current = metadata.currentSnapshotId;
  return new Map<string, string | undefined>([
    ["format-version", String(metadata.formatVersion)],
    ["table-uuid", JSON.stringify(metadata.tableUuid)],
    ["location", JSON.stringify(metadata.location)],
    ["last-sequence-number", String(metadata.lastSequenceNumber)],
    ["last-updated-ms", String(metadata.lastUpdatedMs)],
    ["last-column-id", String(metadata.lastColumnId)],
    ["current-schema-id", String(metadata.currentSchemaId)],
    ["schemas", list(metadata.schemas, schemaToJson)],
    ["default-spec-id", String(metadata.defaultSpecId)],
    ["partition-specs", list(metadata.partitionSpecs, partitionSpecToJson)],
    ["last-partition-id", String(metadata.lastPartitionId)],
    ["default-sort-order-id", String(metadata.defaultSortOrderId)],
    ["sort-orders", list(metadata.sortOrders, sortOrderToJson)],
    ["properties", partText(metadata.properties, (properties) => properties)],
    // Java's -1 for "none" is read, not written: leaving the field out is what the specification
    // knows.
    ["current-snapshot-id", current === undefined ? undefined : String(current)],
    ["refs", `{${refs.join(",")}}`],
    ["snapshots", list(metadata.snapshots, snapshotToJson)],
    ["statistics", list(metadata.statistics, (json) => json)],
    ["partition-statistics", list(metadata.partitionStatistics, (json) => json)],
    [
      "snapshot-log",
      list(metadata.snapshotLog, (entry) => ({
        "timestamp-ms": entry.timestampMs,
        "snapshot-id": longToJson(entry.snapshotId),
      })),
    ],
    ["metadata-log", list(metadata.metadataLog, metadataLogEntryToJson)],
    [COMMIT_ID_KEY, metadata.commitId === undefined ? undefined : JSON.stringify(metadata.commitId)],
  ]);
}

function metadataLogEntryToJson(entry: MetadataLogEntry): Json {
  const json: JsonObject = { "timestamp-ms": entry.timestampMs, "metadata-file": entry.metadataFile };
  if (entry.commitId !== undefined) json[COMMIT_ID_KEY] = entry.commitId;
  return json;
}

/**
 * Reads metadata of version 1 or 2, by any writer; `where` names it in errors. Version 3 passes
 * where it uses nothing beyond version 2.
 */
export function tableMetadataFromText(text: string, where: string): TableMetadata {
  return readingMetadata(where, () => tableMetadataFromJson(parseJson(text)));
}

/** Calls `read`; what it throws becomes `corrupt`. `where` says whose metadata it is. */
export function readingMetadata<Result>(where: string, read: () => Result): Result {
  try {
    return read();
  } catch (error) {
    // Too deep for the stack, too long for a list.
    const reason = error instanceof RangeError ? "it is nested too deep, or too large" : messageOf(error);
    const hint = error instanceof StreamlabError ? error.hint : undefined;
    throw new StreamlabError("corrupt", `Cannot read the table metadata ${where}: ${reason}`, {
      cause: error,
      hint,
    });
  }
}

export function tableMetadataFromJson(json: Json): TableMetadata {
  const source = readObject(json, "table metadata");
  const formatVersion = readInteger(source, "format-version");
  if (formatVersion < 1 || formatVersion > 3) {
    throw new StreamlabError("corrupt", `format version ${formatVersion} is not known here`, {
      hint: "Use an engine that knows it",
    });
  }
  const schemas = readSchemas(source);
  const partitionSpecs = readSpecs(source);
  const current = readOptionalLong(source, "current-snapshot-id");
  const currentSnapshotId = current === undefined || current === -1n ? undefined : current;
  const partitionIds = partitionSpecs.flatMap((spec) => spec.fields.map((field) => field.fieldId));
  const snapshots = list(source, "snapshots", snapshotFromJson, []);
  const refs = readRefs(source, currentSnapshotId);
  checkSnapshots(snapshots, refs, currentSnapshotId);
  const lastSchemaId = schemas[schemas.length - 1]?.schemaId ?? 0;
  return {
    formatVersion,
    tableUuid: typeof source["table-uuid"] === "string" ? source["table-uuid"] : "",
    location: readString(source, "location"),
    lastSequenceNumber: readOptionalLong(source, "last-sequence-number") ?? 0n,
    lastUpdatedMs: readInteger(source, "last-updated-ms"),
    lastColumnId: readOptionalInteger(source, "last-column-id") ?? Math.max(0, ...schemas.map(highestFieldId)),
    schemas,
    currentSchemaId: readOptionalInteger(source, "current-schema-id") ?? lastSchemaId,
    partitionSpecs,
    defaultSpecId: readOptionalInteger(source, "default-spec-id") ?? 0,
    lastPartitionId: readOptionalInteger(source, "last-partition-id") ??
      Math.max(FIRST_PARTITION_FIELD_ID - 1, ...partitionIds),
    sortOrders: list(source, "sort-orders", sortOrderFromJson, [unsorted]),
    defaultSortOrderId: readOptionalInteger(source, "default-sort-order-id") ?? 0,
    properties: partFromJson(source.properties ?? {}, readStringMap),
    currentSnapshotId,
    snapshots,
    snapshotLog: list(source, "snapshot-log", snapshotLogEntryFromJson, []),
    metadataLog: list(source, "metadata-log", metadataLogEntryFromJson, []),
    refs,
    statistics: list(source, "statistics", (item) => readObject(item, "statistics"), []),
    partitionStatistics: list(source, "partition-statistics", (item) => readObject(item, "statistics"), []),
    commitId: typeof source[COMMIT_ID_KEY] === "string" ? source[COMMIT_ID_KEY] as string : undefined,
    source: withoutParts(source),
  };
}

/**
 * The source is kept for the order of its fields and for those that we do not know; of the lists
 * that grow with the table, every part has its text already.
 */
function withoutParts(source: JsonObject): JsonObject {
  return { ...source, ...Object.fromEntries(GROWING_LISTS.filter((key) => key in source).map((key) => [key, null])) };
}

const GROWING_LISTS = ["snapshots", "snapshot-log", "metadata-log", "statistics", "partition-statistics"];

function list<Part extends object>(
  source: JsonObject,
  key: string,
  fromJson: (json: Json) => Part,
  absent: Part[],
): Part[] {
  if (source[key] === undefined || source[key] === null) return absent;
  return readArray(source, key).map((item) => partFromJson(item, fromJson));
}

/**
 * Version 1 may have only `schema` and `partition-spec` (specification: Appendix E, "Version 2").
 */
function readSchemas(source: JsonObject): TableMetadata["schemas"] {
  if (Array.isArray(source.schemas)) return list(source, "schemas", (json) => schemaFromJson(json), []);
  return [schemaFromJson(source.schema ?? null)];
}

function readSpecs(source: JsonObject): TableMetadata["partitionSpecs"] {
  if (Array.isArray(source["partition-specs"])) return list(source, "partition-specs", partitionSpecFromJson, []);
  return [{ specId: 0, fields: partitionFieldsFromJson(readArray(source, "partition-spec")) }];
}

/**
 * `main` stands for the current snapshot even where no reference says so ("Table Metadata Fields").
 */
function readRefs(source: JsonObject, currentSnapshotId: bigint | undefined): Record<string, SnapshotRef> {
  const refs: Record<string, SnapshotRef> = Object.fromEntries(
    Object.entries(readObject(source.refs ?? {}, "refs")).map(([name, ref]) => [name, partFromJson(ref, refFromJson)]),
  );
  if (currentSnapshotId !== undefined && !refs[MAIN_BRANCH]) {
    refs[MAIN_BRANCH] = { snapshotId: currentSnapshotId, type: "branch" };
  }
  return refs;
}

/**
 * As Iceberg's own library checks them. A current snapshot that is not there would read as an empty
 * table, and what a branch that is not there keeps would be deleted.
 */
function checkSnapshots(snapshots: Snapshot[], refs: Record<string, SnapshotRef>, current: bigint | undefined): void {
  const ids = new Set(snapshots.map((snapshot) => snapshot.snapshotId));
  if (current !== undefined && !ids.has(current)) {
    throw new StreamlabError("corrupt", `Cannot read table metadata: its current snapshot ${current} is not in it`);
  }
  for (const [name, { snapshotId }] of Object.entries(refs)) {
    if (ids.has(snapshotId) && (name !== MAIN_BRANCH || snapshotId === current)) continue;
    const state = ids.has(snapshotId) ? "another than the current one" : "not in it";
    throw new StreamlabError("corrupt", `Cannot read table metadata: snapshot ${snapshotId} of ${name} is ${state}`);
  }
}

function snapshotLogEntryFromJson(json: Json): TableMetadata["snapshotLog"][number] {
  const object = readObject(json, "snapshot-log");
  return { snapshotId: readLong(object, "snapshot-id"), timestampMs: readInteger(object, "timestamp-ms") };
}

function metadataLogEntryFromJson(json: Json): MetadataLogEntry {
  const object = readObject(json, "metadata-log");
  const entry: MetadataLogEntry = {
    metadataFile: readString(object, "metadata-file"),
    timestampMs: readInteger(object, "timestamp-ms"),
  };
  if (typeof object[COMMIT_ID_KEY] === "string") entry.commitId = object[COMMIT_ID_KEY] as string;
  return entry;
}
