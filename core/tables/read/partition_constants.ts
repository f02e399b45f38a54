import type { DataFile } from "../../iceberg/format/data_file.ts";
import { partitionColumns } from "../../iceberg/format/partition_spec.ts";
import { specById, type TableMetadata } from "../../iceberg/format/table_metadata.ts";
import { sqlLiteral } from "../sql_value.ts";

/**
 * SQL for columns with one value in all rows of a file, by field id: the sources of identity
 * partitions, which files may leave out (specification: "Column Projection").
 */
export function partitionConstants(
  metadata: TableMetadata,
  { specId, partition }: Pick<DataFile, "specId" | "partition">,
): Map<number, string> {
  const constants = new Map<number, string>();
  partitionColumns(specById(metadata, specId), metadata.schemas).forEach(({ field, source }, index) => {
    const value = partition[index] ?? null;
    if (field.transform.name === "identity" && value !== null) constants.set(field.sourceId, sqlLiteral(source, value));
  });
  return constants;
}
