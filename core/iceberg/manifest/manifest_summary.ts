import { lowerBound, upperBound } from "../format/bound.ts";
import type { ManifestEntry } from "../format/manifest_entry.ts";
import type { ManifestContent, ManifestCounts, ManifestFile, PartitionFieldSummary } from "../format/manifest_file.ts";
import {
  type PartitionColumn,
  partitionColumns,
  type PartitionSpec,
  type WrittenTypes,
} from "../format/partition_spec.ts";
import { type Value, valueToBytes } from "../format/single_value.ts";
import { compareValues } from "../format/value_order.ts";
import type { Schema } from "../format/schema.ts";

/** Everything that a manifest and its line in the list are written from. */
export interface ManifestToWrite {
  /** Kept in the file's header. */
  schema: Schema;
  /** The table's, for the types of partition source columns that are gone by now. */
  schemas: readonly Schema[];
  /** What partition values were written as before, where no schema has the column any more. */
  written?: WrittenTypes | undefined;
  /** The spec of all entries. */
  spec: PartitionSpec;
  /** Whether it lists data or deletes. */
  content: ManifestContent;
  /** Written in this order. */
  entries: ManifestEntry[];
  /** The snapshot that adds the manifest. */
  snapshotId: bigint;
  /** The sequence number of that snapshot. */
  sequenceNumber: bigint;
}

/** The line of the manifest list for a manifest just written (specification: "Manifest Lists"). */
export function summarizeManifest(manifest: ManifestToWrite, path: string, length: number): ManifestFile {
  const { entries, sequenceNumber } = manifest;
  const columns = partitionColumns(manifest.spec, [...manifest.schemas, manifest.schema], manifest.written);
  return {
    path,
    length,
    specId: manifest.spec.specId,
    content: manifest.content,
    sequenceNumber,
    minSequenceNumber: minSequenceNumber(entries, sequenceNumber),
    addedSnapshotId: manifest.snapshotId,
    ...countEntries(entries),
    partitions: columns.map((column, i) =>
      summarizeField(column, entries.map((entry) => entry.dataFile.partition[i] ?? null))
    ),
  };
}

/** Files and rows by status. */
export function countEntries(entries: ManifestEntry[]): Required<ManifestCounts> {
  const files = (status: ManifestEntry["status"]) => entries.filter((entry) => entry.status === status);
  const rows = (status: ManifestEntry["status"]) =>
    files(status).reduce((sum, entry) => sum + entry.dataFile.recordCount, 0);
  return {
    addedFilesCount: files("added").length,
    existingFilesCount: files("existing").length,
    deletedFilesCount: files("deleted").length,
    addedRowsCount: rows("added"),
    existingRowsCount: rows("existing"),
    deletedRowsCount: rows("deleted"),
  };
}

/** The lowest number of the live files. Files without a number inherit the snapshot's. */
function minSequenceNumber(entries: ManifestEntry[], sequenceNumber: bigint): bigint {
  let lowest = sequenceNumber;
  for (const entry of entries) {
    if (entry.status === "deleted") continue;
    const own = entry.sequenceNumber ?? sequenceNumber;
    if (own < lowest) lowest = own;
  }
  return lowest;
}

/**
 * String bounds are cut like those of columns, with the upper one rounded up, because readers prune
 * by them.
 */
function summarizeField(column: PartitionColumn, values: (Value | null)[]): PartitionFieldSummary {
  const summary: PartitionFieldSummary = { containsNull: values.includes(null), containsNan: false };
  let lowest: Value | undefined, highest: Value | undefined;
  for (const value of values) {
    if (value === null) continue;
    if (Number.isNaN(value)) {
      summary.containsNan = true;
      continue;
    }
    if (lowest === undefined || compareValues(value, lowest) < 0) lowest = value;
    if (highest === undefined || compareValues(value, highest) > 0) highest = value;
  }
  if (lowest === undefined || highest === undefined) return summary;
  const upper = upperBound(column.type, highest);
  summary.lowerBound = valueToBytes(column.type, upper === undefined ? lowest : lowerBound(column.type, lowest));
  // Without a shorter upper bound, the whole value is the bound.
  summary.upperBound = valueToBytes(column.type, upper ?? highest);
  return summary;
}
