import { quotePath, quoteText } from "../engine/duckdb.ts";
import { isDiskFull, isOutOfMemory, SqlError } from "../engine/sql_error.ts";
import type { EventFormat } from "../lake/event_file.ts";
import type { PlainParquet } from "./plain_parquet.ts";
import { type RecordQuery, recordQuery } from "./sql/record_query.ts";

/** A raw file of a batch, ready to be read: on the local disk, unpacked. */
export interface LocalRawFile {
  /** Its number in the plan. */
  number: number;
  /** What the ledger and `_source_file` call it. */
  name: string;
  /** Absolute: its own, or that of a spool which holds it. */
  path: string;
  /** Where it begins in the spool; undefined for a file of its own. */
  offset?: number;
  /** Bytes, unpacked. */
  size: number;
  format: EventFormat;
  /** Of a Parquet file that DuckDB would not read as it is. */
  plain?: PlainParquet;
}

/** A file whose records SQL can read, and how many they are. */
export interface CountedFile extends LocalRawFile {
  records: number;
}

/** DuckDB's own limit on the text of one record, in bytes; larger ones take the exact way. */
const RECORD_BYTES_MAX = 16_777_216;

/**
 * `read_json_objects` over files of one format, none of them in a spool, with the column
 * `filename`.
 */
export function recordsOf(files: readonly LocalRawFile[], format: EventFormat): string {
  const layout = format === "json" ? "array" : "newline_delimited";
  const paths = files.map((file) => quotePath(file.path)).join(", ");
  return `read_json_objects([${paths}], format = '${layout}', filename = true, maximum_object_size = ${RECORD_BYTES_MAX}, compression = 'uncompressed')`;
}

/**
 * Whether a statement may have failed because of its input. Damaged bytes can cause any DuckDB
 * error, even `Binder` and `INTERNAL`, so this is every error that is not known to have another
 * cause. Whether a file was the cause shows when the others are routed without it.
 */
export function isFileFault(error: unknown): error is SqlError {
  if (!(error instanceof SqlError) || error.kind === "interrupted") return false;
  return !isOutOfMemory(error) && !isDiskFull(error);
}

/** Which of the files an error of DuckDB's names. */
export function blamedFile<F extends LocalRawFile>(error: unknown, files: readonly F[]): F | undefined {
  if (!(error instanceof SqlError)) return undefined;
  const named = files.filter((file) =>
    [file.path, file.plain?.path].some((path) => error.said.includes(`"${path}"`) || error.said.includes(`'${path}'`))
  );
  return named.length === 1 ? named[0] : undefined;
}

/** The columns of a record from its number among all that are read, and its file's place there. */
const PLACED = {
  file: "place.file",
  name: "place.name",
  position: "numbered.ordinal - place.start",
  record: "numbered.record",
};

/**
 * The records of JSON files, in their order. DuckDB numbers records only across all files, so that
 * each file's own count tells where it starts.
 */
export function jsonRecords(files: readonly CountedFile[], format: EventFormat): RecordQuery {
  let start = 0;
  const places = files.map((file) => {
    const place = `(${quoteText(file.path)}, ${file.number}, ${quoteText(file.name)}, ${start})`;
    start += file.records;
    return place;
  });
  return recordQuery(
    PLACED,
    `(
  SELECT json::VARCHAR AS record, filename, row_number() OVER () - 1 AS ordinal FROM ${recordsOf(files, format)}
) numbered JOIN (VALUES ${places.join(", ")}) place(path, file, name, start) ON numbered.filename = place.path`,
  );
}

/**
 * The same over a pack (`packed_files.ts`) of files, in the order of the pack. Files that are not
 * in the list are not in the pack.
 */
export function packedRecords(pack: string, files: readonly CountedFile[]): RecordQuery {
  let start = 0;
  const places = files.map((file) => {
    const place = `(${file.number}, ${quoteText(file.name)}, ${start}, ${file.records})`;
    start += file.records;
    return place;
  });
  const packed: LocalRawFile = { number: 0, name: pack, path: pack, size: 0, format: "json" };
  return recordQuery(
    PLACED,
    `(
  SELECT json::VARCHAR AS record, row_number() OVER () - 1 AS ordinal FROM ${recordsOf([packed], "json")}
) numbered JOIN (
  SELECT file, name, start, unnest(range(start, start + records)) AS ordinal FROM (VALUES ${
      places.join(", ")
    }) placed(file, name, start, records)
) place ON numbered.ordinal = place.ordinal`,
  );
}
