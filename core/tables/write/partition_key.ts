import type { WrittenFile } from "../../engine/copy.ts";
import { type Connection, quotePath } from "../../engine/duckdb.ts";

/** A partition field of rows that are to be written. */
export interface PartitionKey {
  /** Of the column that names the partition. */
  name: string;
  /** SQL for the value, printed. */
  value: string;
  /** SQL for that column. */
  key: string;
  isText: boolean;
}

/**
 * Longer texts are hashed: DuckDB names folders by keys, with three characters for each odd byte,
 * and names are limited to 255.
 */
const KEY_BYTES_MAX = 70;

/** `isText`: the value is any text that users send, and so may be too long to name a folder. */
export function sqlPartitionKey(name: string, value: string, isText: boolean): PartitionKey {
  const key = `CASE WHEN strlen(${value}) <= ${KEY_BYTES_MAX} THEN 'v' || ${value} ELSE 'h' || sha256(${value}) END`;
  return { name, value, key: isText ? key : value, isText };
}

/**
 * The files with their partition values instead of the keys; if the key is a hash, the value is
 * read from the file.
 */
export async function withPartitionValues(
  connection: Connection,
  partition: readonly PartitionKey[],
  written: readonly WrittenFile[],
): Promise<WrittenFile[]> {
  if (!partition.some(({ isText }) => isText)) return [...written];
  const files: WrittenFile[] = [];
  for (const file of written) {
    const values: (string | null)[] = [];
    for (const [index, key] of file.partition.entries()) {
      const { isText, value } = partition[index]!;
      if (key === null || !isText) values.push(key);
      else if (key.startsWith("v")) values.push(key.slice(1));
      else {
        const source = `read_parquet(${quotePath(file.path)}, hive_partitioning = false)`;
        const [row] = await connection.rows(`SELECT ${value} AS value FROM ${source} LIMIT 1`);
        values.push(row!.value as string);
      }
    }
    files.push({ ...file, partition: values });
  }
  return files;
}
