import { counted } from "../../base/counted.ts";
import { decodeContainer, encodeContainer, readingContainer } from "../../avro/container.ts";
import type { Json } from "../../base/json.ts";
import { listOf, namesById, optionalField, requiredField, toBuffer, toBytes } from "./avro_field.ts";
import type { ManifestFile, PartitionFieldSummary } from "../format/manifest_file.ts";
import type { Snapshot } from "../format/snapshot.ts";

/** Lengths and row counts fit a number. Sequence numbers and snapshot ids stay `bigint`. */
const MANIFEST_LIST_LONGS = { numberFieldIds: new Set([501, 512, 513, 514]) } as const;

/** How many manifests are in the list. Only our own lists have it. */
const COUNT_KEY = "streamlab.manifests";

const FIELD_NAMES: Record<number, string> = {
  500: "manifest_path",
  501: "manifest_length",
  502: "partition_spec_id",
  503: "added_snapshot_id",
  504: "added_files_count",
  505: "existing_files_count",
  506: "deleted_files_count",
  507: "partitions",
  512: "added_rows_count",
  513: "existing_rows_count",
  514: "deleted_rows_count",
  515: "sequence_number",
  516: "min_sequence_number",
  517: "content",
  519: "key_metadata",
};

const summarySchema: Json = {
  type: "record",
  name: "r508",
  fields: [
    requiredField(509, "contains_null", "boolean"),
    optionalField(518, "contains_nan", "boolean"),
    optionalField(510, "lower_bound", "bytes"),
    optionalField(511, "upper_bound", "bytes"),
  ],
};

/** Version 2 (specification: "Manifest Lists"). */
const manifestListSchema: Json = {
  type: "record",
  name: "manifest_file",
  fields: [
    requiredField(500, "manifest_path", "string"),
    requiredField(501, "manifest_length", "long"),
    requiredField(502, "partition_spec_id", "int"),
    requiredField(517, "content", "int"),
    requiredField(515, "sequence_number", "long"),
    requiredField(516, "min_sequence_number", "long"),
    requiredField(503, "added_snapshot_id", "long"),
    requiredField(504, "added_files_count", "int"),
    requiredField(505, "existing_files_count", "int"),
    requiredField(506, "deleted_files_count", "int"),
    requiredField(512, "added_rows_count", "long"),
    requiredField(513, "existing_rows_count", "long"),
    requiredField(514, "deleted_rows_count", "long"),
    optionalField(507, "partitions", listOf(508, summarySchema)),
    optionalField(519, "key_metadata", "bytes"),
  ],
};

export function encodeManifestList(
  manifests: ManifestFile[],
  snapshot: Pick<Snapshot, "snapshotId" | "parentSnapshotId" | "sequenceNumber">,
  sync: Uint8Array,
): Uint8Array {
  return encodeContainer({
    schema: manifestListSchema,
    longs: MANIFEST_LIST_LONGS,
    metadata: {
      "snapshot-id": String(snapshot.snapshotId),
      "parent-snapshot-id": String(snapshot.parentSnapshotId ?? "null"),
      "sequence-number": String(snapshot.sequenceNumber),
      "format-version": "2",
      [COUNT_KEY]: String(manifests.length),
    },
    records: manifests.map((manifest) => ({
      manifest_path: manifest.path,
      manifest_length: manifest.length,
      partition_spec_id: manifest.specId,
      content: manifest.content === "deletes" ? 1 : 0,
      sequence_number: manifest.sequenceNumber,
      min_sequence_number: manifest.minSequenceNumber,
      added_snapshot_id: manifest.addedSnapshotId,
      added_files_count: manifest.addedFilesCount ?? 0,
      existing_files_count: manifest.existingFilesCount ?? 0,
      deleted_files_count: manifest.deletedFilesCount ?? 0,
      added_rows_count: manifest.addedRowsCount ?? 0,
      existing_rows_count: manifest.existingRowsCount ?? 0,
      deleted_rows_count: manifest.deletedRowsCount ?? 0,
      partitions: manifest.partitions?.map(summaryToAvro) ?? null,
      key_metadata: manifest.keyMetadata ? toBuffer(manifest.keyMetadata) : null,
    })),
    sync,
  });
}

function summaryToAvro(summary: PartitionFieldSummary): Record<string, unknown> {
  return {
    contains_null: summary.containsNull,
    contains_nan: summary.containsNan ?? null,
    lower_bound: summary.lowerBound ? toBuffer(summary.lowerBound) : null,
    upper_bound: summary.upperBound ? toBuffer(summary.upperBound) : null,
  };
}

type AvroRecord = Record<string, unknown>;

/**
 * Decodes lists of version 1 or 2 by any writer. What version 1 lacks becomes 0, `data` or
 * undefined.
 */
export function decodeManifestList(bytes: Uint8Array, path: string): ManifestFile[] {
  const container = decodeContainer<AvroRecord>(bytes, MANIFEST_LIST_LONGS, path);
  return readingContainer(path, () => {
    const names = namesById(container.schema, FIELD_NAMES);
    const wanted = container.metadata.get(COUNT_KEY);
    // A list that is cut at the end of a block would look like a shorter list.
    if (wanted !== undefined && Number(wanted) !== container.records.length) {
      throw new Error(`it has ${container.records.length} of its ${counted(Number(wanted), "manifest")}`);
    }
    return container.records.map((record) => manifestFromAvro((id) => record[names.get(id)!] ?? undefined));
  });
}

function manifestFromAvro(value: (id: number) => unknown): ManifestFile {
  const path = value(500), code = value(517) ?? 0;
  if (typeof path !== "string" || path === "") throw new Error("a manifest has no path");
  if (code !== 0 && code !== 1) throw new Error("a manifest holds neither data nor deletes");
  const number = (id: number) => {
    // Writers use int or long.
    const found = Number(value(id));
    if (Number.isSafeInteger(found) && found >= 0) return found;
    throw new Error(`the ${FIELD_NAMES[id]} of a manifest is not a possible number`);
  };
  const long = (id: number, absent: bigint) => {
    const found = value(id) ?? absent;
    if (typeof found === "bigint") return found;
    if (typeof found === "number" && Number.isSafeInteger(found)) return BigInt(found);
    throw new Error(`the ${FIELD_NAMES[id]} of a manifest is no number`);
  };
  const manifest: ManifestFile = {
    path,
    length: number(501),
    specId: value(502) === undefined ? 0 : number(502),
    content: code === 1 ? "deletes" : "data",
    sequenceNumber: long(515, 0n),
    minSequenceNumber: long(516, 0n),
    addedSnapshotId: long(503, -1n),
  };
  const count = (id: number) => value(id) === undefined ? undefined : number(id);
  manifest.addedFilesCount = count(504);
  manifest.existingFilesCount = count(505);
  manifest.deletedFilesCount = count(506);
  manifest.addedRowsCount = count(512);
  manifest.existingRowsCount = count(513);
  manifest.deletedRowsCount = count(514);
  const partitions = value(507) as AvroRecord[] | undefined;
  if (partitions) manifest.partitions = partitions.map(summaryFromAvro);
  const keyMetadata = value(519);
  if (keyMetadata !== undefined) manifest.keyMetadata = ownBytes(keyMetadata as Uint8Array);
  return manifest;
}

/** The field names inside are the same in every version. */
function summaryFromAvro(record: AvroRecord): PartitionFieldSummary {
  const summary: PartitionFieldSummary = { containsNull: record.contains_null === true };
  if (typeof record.contains_nan === "boolean") summary.containsNan = record.contains_nan;
  if (record.lower_bound) summary.lowerBound = ownBytes(record.lower_bound as Uint8Array);
  if (record.upper_bound) summary.upperBound = ownBytes(record.upper_bound as Uint8Array);
  return summary;
}

/** What is kept of a list would keep all of its bytes as long as a part of them is in it. */
function ownBytes(bytes: Uint8Array): Uint8Array {
  return toBytes(bytes).slice();
}
