import type { Connection } from "../../engine/duckdb.ts";
import { quoteText } from "../../engine/duckdb.ts";
import { readFileEnds } from "../../engine/scratch.ts";
import { blamedFile, type CountedFile, globbed, isDataError, type LocalFile, recordsOf } from "./source.ts";

export interface Counted {
  /** Files that DuckDB reads from end to end, and whose text between the records is JSON as well. */
  readable: CountedFile[];
  /** Files that are broken, empty, or that only the exact way can read. */
  doubtful: LocalFile[];
}

/** After so many failures the rest is counted file by file: each failure repeats the work on all the others. */
const FAILURES_MAX = 3;

/** Counts the records of every file, and finds those that SQL must not touch, because one of them would stop a whole query. */
export async function countRecords(connection: Connection, files: readonly LocalFile[]): Promise<Counted> {
  const counted: Counted = { readable: [], doubtful: [] };
  for (const format of ["json", "ndjson"] as const) {
    const sound: LocalFile[] = [];
    for (const file of files) {
      if (file.format === format) (looksWhole(file) ? sound : counted.doubtful).push(file);
    }
    await countTogether(connection, sound, counted);
  }
  for (const file of files) {
    if (file.format === "parquet") await countParquet(connection, file, counted);
  }
  return counted;
}

/**
 * DuckDB takes an array that ends after a comma for whole, and vertical tabs and form feeds for white space; what else it
 * accepts between records is what JSON has there (tried with 1.5.5, see the tests).
 */
function looksWhole(file: LocalFile): boolean {
  const { first, last, oddSpace, byteOrderMark } = readFileEnds(file.path);
  if (oddSpace) return false;
  return file.format === "json" ? first === 0x5b && last === 0x5d : first !== undefined && !byteOrderMark;
}

async function countTogether(connection: Connection, files: readonly LocalFile[], counted: Counted): Promise<void> {
  let rest = [...files];
  for (let failures = 0; rest.length > 0 && failures < FAILURES_MAX; failures++) {
    try {
      return addCounts(counted, rest, await countsByPath(connection, rest));
    } catch (error) {
      if (!isDataError(error)) throw error;
      const blamed = blamedFile(error, rest);
      if (blamed === undefined) break;
      counted.doubtful.push(blamed);
      rest = rest.filter((file) => file !== blamed);
    }
  }
  for (const file of rest) {
    try {
      addCounts(counted, [file], await countsByPath(connection, [file]));
    } catch (error) {
      if (!isDataError(error)) throw error;
      counted.doubtful.push(file);
    }
  }
}

async function countsByPath(connection: Connection, files: readonly LocalFile[]): Promise<Map<string, number>> {
  const rows = await connection.rows(
    `SELECT filename, count(json) AS records FROM ${recordsOf(files, files[0]!.format)} GROUP BY filename`,
  );
  return new Map(rows.map((row) => [row.filename as string, Number(row.records)]));
}

/** A file without any record is no event file either: the exact way says why. */
function addCounts(counted: Counted, files: readonly LocalFile[], counts: ReadonlyMap<string, number>): void {
  for (const file of files) {
    const records = counts.get(file.path) ?? 0;
    if (records > 0) counted.readable.push({ ...file, records });
    else counted.doubtful.push(file);
  }
}

async function countParquet(connection: Connection, file: LocalFile, counted: Counted): Promise<void> {
  try {
    const [row] = await connection.rows(
      `SELECT count(*) AS records FROM read_parquet(${quoteText(globbed(file.path))})`,
    );
    addCounts(counted, [file], new Map([[file.path, Number(row!.records)]]));
  } catch (error) {
    if (!isDataError(error)) throw error;
    counted.doubtful.push(file);
  }
}
