import { type CopyOptions, copyToParquet, NO_DICTIONARIES, type WrittenFile } from "../../engine/copy.ts";
import { type Connection, quoteName, quotePath, quoteText } from "../../engine/duckdb.ts";
import { isOutOfMemory } from "../../engine/sql_error.ts";
import type { Field, Type } from "../../iceberg/format/type.ts";
import type { Scratch } from "../../disk/scratch.ts";
import { withPartitionValues } from "./partition_key.ts";
import { partitionKeys, type TargetTable, writtenFieldIds } from "./target_table.ts";

/**
 * Partitions written at once by `writeRowsInTurns`, at most. DuckDB takes a quarter of a megabyte
 * for each, and more while it writes it.
 */
const PARTITIONS_AT_ONCE = 100;
/** DuckDB's vectors: it holds one of every column for each partition, however few its rows are. */
const VECTOR_ROWS = 2_048;
/** Of a value in a vector: a text's. */
const LEAF_BYTES = 16;
/** DuckDB's rows in a row group. */
const ROW_GROUP_ROWS = 122_880;
/** What the vectors of the partitions of one turn, or of a row group, may come to. */
const TURN_BYTES = 128 << 20;

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
  hasNegativeZero = false,
): Promise<WrittenFile[]> {
  const partition = partitionKeys(table, columns);
  const rowGroupRows = Math.min(ROW_GROUP_ROWS, VECTOR_ROWS * atOnce(table, ROW_GROUP_ROWS));
  if (partition.length === 0) {
    const copy = { fieldIds: writtenFieldIds(table, columns), partitionColumns: [], rowGroupRows, hasNegativeZero };
    return await copyToParquet(connection, { ...copy, query, directory: scratch.subfolder(folder) });
  }
  const keys = partition.map(({ name }) => quoteName(name));
  const selected = [
    ...columns.map(quoteName),
    ...partition.map(({ key }, i) => `CAST(${key} AS VARCHAR) AS ${keys[i]}`),
  ];
  const sorted = `${scratch.subfolder(folder)}/sorted.parquet`;
  await connection.run(
    `COPY (SELECT ${selected.join(", ")} FROM (${query}) ORDER BY ${keys.join(", ")}) TO ${quoteText(sorted)}
  (FORMAT parquet, ROW_GROUP_SIZE ${rowGroupRows}${hasNegativeZero ? `, ${NO_DICTIONARIES}` : ""})`,
  );
  const source = `read_parquet(${quotePath(sorted)}, hive_partitioning = false)`;
  const found = await connection.rows(`SELECT DISTINCT ${keys.join(", ")} FROM ${source} ORDER BY ALL`);
  const written = await writeTurns(connection, {
    source,
    keys,
    partitions: found.map((row) => Object.values(row) as (string | null)[]),
    columns,
    copy: {
      fieldIds: writtenFieldIds(table, columns),
      partitionColumns: partition.map(({ name }) => name),
      hasNegativeZero,
    },
    directoryOf: (turn) => scratch.subfolder(`${folder}/${turn}`),
    partitionsAtOnce: atOnce(table, PARTITIONS_AT_ONCE),
  });
  scratch.removeFile(sorted);
  return await withPartitionValues(connection, partition, written);
}

interface Turns {
  /** SQL for the rows, in the order of their partitions. */
  source: string;
  /** Of the columns that name the partition. */
  keys: readonly string[];
  partitions: readonly (string | null)[][];
  columns: readonly string[];
  copy: Pick<CopyOptions, "fieldIds" | "partitionColumns" | "hasNegativeZero">;
  directoryOf(turn: number): string;
  partitionsAtOnce: number;
}

/** Writes a few partitions at a time, fewer when memory runs out, down to one. */
async function writeTurns(connection: Connection, turns: Turns): Promise<WrittenFile[]> {
  const { source, keys, partitions, copy } = turns;
  const written: WrittenFile[] = [];
  let count = turns.partitionsAtOnce;
  for (let from = 0, turn = 0; from < partitions.length; turn++) {
    const values = partitions.slice(from, from + count);
    const directory = turns.directoryOf(turn);
    try {
      if (count === 1) written.push(...await writePartition(connection, turns, values[0]!, directory));
      else {
        const query = `SELECT * FROM ${source} AS rows SEMI JOIN (VALUES ${values.map(tuple).join(", ")}) turn(${
          keys.join(", ")
        })
  ON ${keys.map((key) => `rows.${key} IS NOT DISTINCT FROM turn.${key}`).join(" AND ")}`;
        written.push(...await copyToParquet(connection, { ...copy, query, directory }));
      }
      from += count;
    } catch (error) {
      if (!isOutOfMemory(error) || count === 1) throw error;
      count = Math.ceil(count / 4);
    }
  }
  return written;
}

/** A single one needs none of the memory that DuckDB takes to tell partitions apart. */
async function writePartition(
  connection: Connection,
  { source, keys, columns, copy }: Turns,
  values: readonly (string | null)[],
  directory: string,
): Promise<WrittenFile[]> {
  const here = keys.map((key, i) => `${key} IS NOT DISTINCT FROM ${literal(values[i]!)}`).join(" AND ");
  const query = `SELECT ${columns.map(quoteName).join(", ")} FROM ${source} WHERE ${here}`;
  const written = await copyToParquet(connection, { ...copy, partitionColumns: [], query, directory });
  return written.map((file) => ({ ...file, partition: [...values] }));
}

/** How many vectors of every column fit into the memory of a turn; one at least. */
function atOnce(table: TargetTable, max: number): number {
  const vectorBytes = leavesOf(table.written) * LEAF_BYTES * VECTOR_ROWS;
  return Math.max(1, Math.min(max, Math.floor(TURN_BYTES / vectorBytes)));
}

function leavesOf(fields: readonly Field[]): number {
  return fields.reduce((sum, { type }) => sum + leavesOfType(type), 0);
}

function leavesOfType(type: Type): number {
  switch (type.type) {
    case "struct":
      return 1 + leavesOf(type.fields);
    case "list":
      return 1 + leavesOfType(type.element);
    case "map":
      return 2 + leavesOfType(type.value);
    default:
      return 1;
  }
}

function tuple(values: readonly (string | null)[]): string {
  return `(${values.map(literal).join(", ")})`;
}

function literal(value: string | null): string {
  return value === null ? "NULL::VARCHAR" : quoteText(value);
}
