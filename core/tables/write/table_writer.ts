import { copyToParquet, type WrittenFile } from "../../engine/copy.ts";
import { type Connection, quoteName } from "../../engine/duckdb.ts";
import type { Scratch } from "../../disk/scratch.ts";
import { withPartitionValues } from "./partition_key.ts";
import { partitionKeys, type TargetTable, writtenFieldIds } from "./target_table.ts";

/**
 * Writes the rows of a query as data files of a table. `columns` are the query's, all of them
 * columns of the table. The files lie in scratch until they are placed.
 */
export async function writeRows(
  connection: Connection,
  scratch: Scratch,
  folder: string,
  table: TargetTable,
  query: string,
  columns: readonly string[],
  hasNegativeZero = false,
): Promise<WrittenFile[]> {
  const partition = partitionKeys(table, columns);
  const selected = [...columns.map(quoteName), ...partition.map(({ name, key }) => `${key} AS ${quoteName(name)}`)];
  const written = await copyToParquet(connection, {
    query: partition.length === 0 ? query : `SELECT ${selected.join(", ")} FROM (${query})`,
    directory: scratch.subfolder(folder),
    fieldIds: writtenFieldIds(table, columns),
    partitionColumns: partition.map(({ name }) => name),
    hasNegativeZero,
  });
  return await withPartitionValues(connection, partition, written);
}
