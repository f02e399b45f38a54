import { counted } from "../../base/counted.ts";
import { StreamlabError } from "../../base/errors.ts";
import type { DataFile } from "../format/data_file.ts";
import { currentSchema, type TableMetadata } from "../format/table_metadata.ts";

/**
 * Refuses, before anything is written, data files that no reader could use: a description that
 * contradicts the table, or itself (specification: "Data File Fields").
 */
export function checkAdded(metadata: TableMetadata, files: readonly DataFile[]): void {
  const seen = new Set<string>();
  for (const file of files) {
    const reason = seen.has(file.path) ? "it is named twice" : whyNot(metadata, file);
    if (reason !== undefined) throw new StreamlabError("usage", `Cannot append ${file.path}: ${reason}`);
    seen.add(file.path);
  }
}

function whyNot(metadata: TableMetadata, file: DataFile): string | undefined {
  const { content, path, specId, partition, recordCount, fileSizeBytes } = file;
  if (path === "") return "it has no path";
  if (content !== "data") return `it holds ${content}, which a row delta adds`;
  if (file.equalityIds !== undefined) return "only equality deletes have equalityIds";
  const spec = metadata.partitionSpecs.find((candidate) => candidate.specId === specId);
  if (spec === undefined) return `the table has no partition spec ${specId}`;
  if (partition.length !== spec.fields.length) {
    return `its partition has ${partition.length} of the ${counted(spec.fields.length, "value")} of spec ${specId}`;
  }
  if (!isCount(recordCount)) return `its recordCount is ${recordCount}`;
  if (!isCount(fileSizeBytes) || fileSizeBytes === 0) return `its fileSizeBytes is ${fileSizeBytes}`;
  return whyNotStatistics(metadata, file);
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

/**
 * Statistics by ids that no schema ever had would be those of another table's file. Ids are handed
 * out in order, and a schema that had one may be gone.
 */
function whyNotStatistics(metadata: TableMetadata, file: DataFile): string | undefined {
  const { columnSizes, valueCounts, nullValueCounts, nanValueCounts, lowerBounds, upperBounds } = file;
  for (const map of [columnSizes, valueCounts, nullValueCounts, nanValueCounts, lowerBounds, upperBounds]) {
    const strange = [...map?.keys() ?? []].find((id) => id < 1 || id > metadata.lastColumnId);
    if (strange !== undefined) return `its statistics have the field id ${strange}, which the table never had`;
  }
  const required = currentSchema(metadata).fields.filter((field) => field.required);
  const missing = required.find(({ id }) => (nullValueCounts?.get(id) ?? 0) > 0);
  return missing === undefined ? undefined : `the required column ${missing.name} has nulls in it`;
}
