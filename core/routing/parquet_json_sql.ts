import { type Connection, quoteName, quotePath, quoteText } from "../engine/duckdb.ts";
import { type SqlType, streamRows } from "../engine/duckdb_stream.ts";
import type { SqlError } from "../engine/sql_error.ts";
import { showCharacter } from "../json/reader.ts";
import { type RecordQuery, recordQuery } from "./sql/record_query.ts";
import type { LocalFile } from "./record_sql.ts";

/**
 * The records of one Parquet file, as JSON: its rows written out.
 * Every digit is kept (DuckDB's own JSON takes wide numbers through a double); instants are RFC
 * 3339; what JSON has no number for (NaN, infinities) is text.
 */
export async function parquetRecords(connection: Connection, file: LocalFile): Promise<RecordQuery> {
  const source = (options: string) => `read_parquet(${quotePath(file.path)}, hive_partitioning = false${options})`;
  const { columns } = await streamRows(connection, `SELECT * FROM ${source("")} LIMIT 0`);
  const members = columns.map(({ name, type }) => memberSql(name, jsonText(quoteName(name), type, 0)));
  // The option hides a column of that name, so DuckDB refuses it there; to count the rows takes
  // longer.
  const named = columns.some(({ name }) => name.toLowerCase() === ROW_NUMBER);
  const position = named ? "row_number() OVER () - 1" : ROW_NUMBER;
  return recordQuery(
    { file: String(file.number), name: quoteText(file.name), position, record: objectSql(members) },
    source(named ? "" : `, ${ROW_NUMBER} = true`),
  );
}

/** How many rows a Parquet file says that it has. */
export async function parquetRows(connection: Connection, file: LocalFile): Promise<number> {
  const [row] = await connection.rows(`SELECT count(*) AS records FROM read_parquet(${quotePath(file.path)})`);
  return Number(row!.records);
}

/** DuckDB's reason for not reading a Parquet file, without words that only we understand. */
export function whyNotParquet(file: LocalFile, error: SqlError): string {
  const reason = error.said.split("\n", 1)[0]!
    .replace(/^(?:Error: )?(?:[A-Za-z-]+ )+Error: /, "")
    .replace(/^Failed to read (?:Parquet )?file "[^"]*": /, "")
    .replaceAll(file.path, file.name)
    // deno-lint-ignore no-control-regex
    .replace(/[\x00-\x1f\x7f]/g, (character) => showCharacter(character.charCodeAt(0)))
    .replace(/[\s.:!]+$/, "");
  return `not a Parquet file that can be read: ${reason}`;
}

const ROW_NUMBER = "file_row_number";

function memberSql(name: string, value: string): string {
  return `${quoteText(`${JSON.stringify(name)}:`)} || ${value}`;
}

function objectSql(members: readonly string[]): string {
  return members.length === 0 ? "'{}'" : `'{' || ${members.join(" || ',' || ")} || '}'`;
}

/**
 * SQL for a value's JSON text; `null` for null. `depth` tells the variables of nested lambdas
 * apart.
 */
function jsonText(value: string, type: SqlType, depth: number): string {
  return `coalesce(${presentText(value, type, depth)}, 'null')`;
}

function presentText(value: string, type: SqlType, depth: number): string {
  const item = `v${depth}`;
  switch (type.kind) {
    case "boolean":
    case "integer":
    case "bigint":
    case "decimal":
    case "json":
      return `CAST(${value} AS VARCHAR)`;
    case "float":
    case "double":
      return `CASE WHEN isfinite(${value}) THEN CAST(CAST(${value} AS DOUBLE) AS VARCHAR) ELSE ${quoted(value)} END`;
    case "timestamptz":
      return quoted(`strftime(${value}, '%Y-%m-%dT%H:%M:%S.%fZ')`);
    case "timestamp":
      return quoted(`strftime(${value}, '%Y-%m-%dT%H:%M:%S.%f')`);
    case "list":
      return `'[' || array_to_string(list_transform(${value}, lambda ${item}: ${
        jsonText(item, type.children[0]!.type, depth + 1)
      }), ',') || ']'`;
    case "map": {
      const pair = `${quoted(`${item}.key`)} || ':' || ${jsonText(`${item}.value`, type.children[1]!.type, depth + 1)}`;
      return `'{' || array_to_string(list_transform(map_entries(${value}), lambda ${item}: ${pair}), ',') || '}'`;
    }
    case "struct": {
      const members = type.children.map(({ name, type: inner }) =>
        memberSql(name, jsonText(`${value}.${quoteName(name)}`, inner, depth))
      );
      return `CASE WHEN ${value} IS NOT NULL THEN ${objectSql(members)} END`;
    }
    default:
      return quoted(value);
  }
}

/** A value's text as a JSON string. */
function quoted(value: string): string {
  return `CAST(to_json(CAST(${value} AS VARCHAR)) AS VARCHAR)`;
}
