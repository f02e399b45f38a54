import { quote } from "./column_sql.ts";

/**
 * The columns by which all that follows sees a record, wherever it comes from. No column of a
 * contract starts with `_`, so none is taken for one of these.
 */
export const RECORD_COLUMNS = {
  /** INTEGER: the number of its file. */
  file: "_file",
  /** VARCHAR: what the file is called in the ledger and in `_source_file`. */
  name: "_name",
  /** BIGINT: its place in the file, from 0. */
  position: "_position",
  /** VARCHAR: its exact text. */
  record: "_record",
} as const;

/** A query of records. */
export interface RecordQuery {
  /** With the columns of `RECORD_COLUMNS` and no others; each record is one row. */
  readonly sql: string;
}

/** A query from SQL for each column. */
export function recordQuery(columns: Readonly<Record<keyof typeof RECORD_COLUMNS, string>>, from: string): RecordQuery {
  const { file, name, position, record } = columns;
  const selected = [
    `CAST(${file} AS INTEGER) AS ${quote(RECORD_COLUMNS.file)}`,
    `${name} AS ${quote(RECORD_COLUMNS.name)}`,
    `CAST(${position} AS BIGINT) AS ${quote(RECORD_COLUMNS.position)}`,
    `${record} AS ${quote(RECORD_COLUMNS.record)}`,
  ];
  return { sql: `SELECT ${selected.join(", ")} FROM ${from}` };
}

/** The records of all of them; at least one. */
export function unionRecords(queries: readonly RecordQuery[]): RecordQuery {
  return { sql: queries.map(({ sql }) => `(${sql})`).join(" UNION ALL ") };
}
