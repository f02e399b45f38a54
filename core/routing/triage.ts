import type { Connection } from "../engine/duckdb.ts";
import { isOutOfMemory } from "../engine/sql_error.ts";
import { JsonArrayScan } from "../json/array_scan.ts";
import { FilePartReader, readFileSigns } from "../disk/scratch.ts";
import { arrayHint } from "./file_kind.ts";
import { countJsonLines } from "./packed_files.ts";
import { parquetRows, whyNotParquet } from "./parquet_json_sql.ts";
import { blamedFile, type CountedFile, isFileFault, type LocalRawFile, recordsOf } from "./record_sql.ts";

export interface Counted {
  /** Files whose records SQL may read. */
  readable: CountedFile[];
  /** Files that only the exact way can read, if any can. */
  doubtful: LocalRawFile[];
  /** Files without a record that could be read, with the reason. */
  broken: BrokenFile[];
}

/** A file that cannot be read at all: what is wrong with it. */
export interface BrokenFile {
  number: number;
  name: string;
  path: string;
  /** Where it begins in its spool, if it lies in one. */
  offset?: number;
  size: number;
  detail: string;
}

/**
 * After so many failures the rest is counted file by file: each failure repeats the work on all the
 * others.
 */
const FAILURES_MAX = 3;

/**
 * Counts the records of every file, and finds those that SQL must not touch. An array is read
 * strictly from end to end, for DuckDB is not strict, and one record that is no JSON condemns its
 * whole file. Lines stand for themselves: there it is enough that DuckDB can read them all, or, of
 * a file in a spool, that they can stand in an array.
 */
export async function countRecords(connection: Connection, files: readonly LocalRawFile[]): Promise<Counted> {
  const counted: Counted = { readable: [], doubtful: [], broken: [] };
  const reader = new FilePartReader();
  const unspooled: LocalRawFile[] = [];
  try {
    for (const file of files) {
      if (file.format === "json") countArray(file, reader, counted);
      else if (file.offset === undefined) unspooled.push(file);
      else countLines(file, reader, counted);
    }
  } finally {
    reader.close();
  }
  await countReadable(connection, unspooled, counted);
  return counted;
}

function countArray(file: LocalRawFile, reader: FilePartReader, counted: Counted): void {
  const scan = new JsonArrayScan();
  reader.visit(file.path, file.offset ?? 0, file.size, (block) => scan.push(block));
  const verdict = scan.end();
  if (verdict.kind === "corrupt") counted.broken.push({ ...file, detail: verdict.detail + arrayHint(file) });
  else if (verdict.records === 0) counted.broken.push({ ...file, detail: "the array is empty" });
  else counted.readable.push({ ...file, records: verdict.records });
}

function countLines(file: LocalRawFile, reader: FilePartReader, counted: Counted): void {
  const records = countJsonLines(reader.read(file.path, file.offset ?? 0, file.size)) ?? 0;
  if (records > 0) counted.readable.push({ ...file, records });
  else counted.doubtful.push(file);
}

async function countReadable(connection: Connection, files: readonly LocalRawFile[], counted: Counted): Promise<void> {
  const sound: LocalRawFile[] = [];
  for (const file of files) {
    if (file.format === "parquet") await countParquet(connection, file, counted);
    else (looksSound(file) ? sound : counted.doubtful).push(file);
  }
  await countTogether(connection, sound, counted);
}

/**
 * DuckDB takes vertical tabs and form feeds for white space, and no byte order mark before lines.
 */
function looksSound(file: LocalRawFile): boolean {
  const { first, oddSpace, byteOrderMark } = readFileSigns(file.path);
  return first !== undefined && !oddSpace && !byteOrderMark;
}

async function countTogether(connection: Connection, files: readonly LocalRawFile[], counted: Counted): Promise<void> {
  let rest = [...files];
  for (let failures = 0; rest.length > 0 && failures < FAILURES_MAX; failures++) {
    try {
      return addCounts(counted, rest, await countsByPath(connection, rest));
    } catch (error) {
      if (!isFileFault(error) && !isOutOfMemory(error)) throw error;
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
      if (!isFileFault(error) && !isOutOfMemory(error)) throw error;
      counted.doubtful.push(file);
    }
  }
}

async function countsByPath(connection: Connection, files: readonly LocalRawFile[]): Promise<Map<string, number>> {
  const rows = await connection.rows(
    `SELECT filename, count(json) AS records FROM ${recordsOf(files, files[0]!.format)} GROUP BY filename`,
  );
  return new Map(rows.map((row) => [row.filename as string, Number(row.records)]));
}

/** A file without any record is no event file either: the exact way says why. */
function addCounts(counted: Counted, files: readonly LocalRawFile[], counts: ReadonlyMap<string, number>): void {
  for (const file of files) {
    const records = counts.get(file.path) ?? 0;
    if (records > 0) counted.readable.push({ ...file, records });
    else counted.doubtful.push(file);
  }
}

async function countParquet(connection: Connection, file: LocalRawFile, counted: Counted): Promise<void> {
  try {
    const records = await parquetRows(connection, file);
    if (records > 0) counted.readable.push({ ...file, records });
    else counted.broken.push({ ...file, detail: "a Parquet file without rows" });
  } catch (error) {
    if (isOutOfMemory(error)) counted.doubtful.push(file);
    else if (isFileFault(error)) counted.broken.push({ ...file, detail: whyNotParquet(file, error) });
    else throw error;
  }
}
