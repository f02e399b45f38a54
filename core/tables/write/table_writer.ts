import { copyToParquet, type WrittenFile } from "../../engine/copy.ts";
import { type Connection, quoteName, quotePath, quoteText, type SqlValue } from "../../engine/duckdb.ts";
import type { Scratch } from "../../disk/scratch.ts";
import { withPartitionValues } from "./partition_key.ts";
import { partitionKeys, type TargetTable, writtenFieldIds } from "./target_table.ts";

/**
 * Partitions written at once by `writeRowsInTurns`. DuckDB takes a quarter of a megabyte for each,
 * and more while it writes it.
 */
const PARTITIONS_AT_ONCE = 100;

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
): Promise<WrittenFile[]> {
  const partition = partitionKeys(table, columns);
  const selected = [...columns.map(quoteName), ...partition.map(({ name, key }) => `${key} AS ${quoteName(name)}`)];
  const written = await copyToParquet(connection, {
    query: partition.length === 0 ? query : `SELECT ${selected.join(", ")} FROM (${query})`,
    directory: scratch.subfolder(folder),
    fieldIds: writtenFieldIds(table, columns),
    partitionColumns: partition.map(({ name }) => name),
  });
  return await withPartitionValues(connection, partition, written);
}

/**
 * Does the same in little memory for any number of partitions, but writes all twice: to scratch, in
 * the order of their partitions, and from there a few partitions at a time.
 */
export async function writeRowsInTurns(
  connection: Connection,
  scratch: Scratch,
  folder: string,
  table: TargetTable,
  query: string,
  columns: readonly string[],
): Promise<WrittenFile[]> {
  const partition = partitionKeys(table, columns);
  if (partition.length === 0) return await writeRows(connection, scratch, folder, table, query, columns);
  const keys = partition.map(({ name }) => quoteName(name));
  const selected = [
    ...columns.map(quoteName),
    ...partition.map(({ key }, i) => `CAST(${key} AS VARCHAR) AS ${keys[i]}`),
  ];
  const sorted = `${scratch.subfolder(folder)}/sorted.parquet`;
  await connection.run(
    `COPY (SELECT ${selected.join(", ")} FROM (${query}) ORDER BY ${keys.join(", ")}) TO ${quoteText(sorted)}`,
  );
  const source = `read_parquet(${quotePath(sorted)}, hive_partitioning = false)`;
  const found = await connection.rows(`SELECT DISTINCT ${keys.join(", ")} FROM ${source} ORDER BY ALL`);
  const written: WrittenFile[] = [];
  for (let from = 0; from < found.length; from += PARTITIONS_AT_ONCE) {
    const turn = found.slice(from, from + PARTITIONS_AT_ONCE).map((row) => Object.values(row));
    written.push(
      ...await copyToParquet(connection, {
        query: `SELECT * FROM ${source} rows SEMI JOIN (VALUES ${turn.map(tuple).join(", ")}) turn(${keys.join(", ")})
  ON ${keys.map((key) => `rows.${key} IS NOT DISTINCT FROM turn.${key}`).join(" AND ")}`,
        directory: scratch.subfolder(`${folder}/${from}`),
        fieldIds: writtenFieldIds(table, columns),
        partitionColumns: partition.map(({ name }) => name),
      }),
    );
  }
  return await withPartitionValues(connection, partition, written);
}

function tuple(values: readonly SqlValue[]): string {
  return `(${values.map((value) => value === null ? "NULL::VARCHAR" : quoteText(value as string)).join(", ")})`;
}
