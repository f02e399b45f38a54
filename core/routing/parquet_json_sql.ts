import { type Connection, memberSql, quoteName, quotePath, quoteText } from "../engine/duckdb.ts";
import { type SqlType, streamRows } from "../engine/duckdb_stream.ts";
import { isDiskFull, isOutOfMemory, SqlError } from "../engine/sql_error.ts";
import { showCharacter } from "../json/reader.ts";
import type { LocalRawFile } from "./raw_file.ts";

/**
 * A query of the rows of a Parquet file: the position of each, and the row as JSON.
 * Every digit is kept (DuckDB's own JSON takes wide numbers through a double); instants are RFC
 * 3339; bytes are UTF-8; what JSON has no number for (NaN, infinities) is text.
 */
export async function parquetRowsSql(connection: Connection, file: LocalRawFile): Promise<string> {
  const source = (options: string, path = file.path) =>
    `read_parquet(${quotePath(path)}, hive_partitioning = false${options})`;
  const columnsOf = async (path: string) => {
    const { columns, chunks } = await streamRows(connection, `SELECT * FROM ${source("", path)} LIMIT 0`);
    // To its end: what is left open holds memory.
    for await (const _none of chunks);
    return columns;
  };
  const path = file.plain?.path ?? file.path;
  const columns = await columnsOf(path);
  const meant = file.plain === undefined ? columns : await columnsOf(file.path);
  const text = new ValueText(file.plain?.names);
  const members = columns.map(({ name, type }, i) =>
    jsonMember(text.nameOf(name), text.orNull(quoteName(name), type, meant[i]!.type))
  );
  // The option would hide a column of that name, so DuckDB refuses it then; counting the rows takes
  // longer.
  const named = columns.some(({ name }) => name.toLowerCase() === ROW_NUMBER);
  const position = named ? "row_number() OVER () - 1" : ROW_NUMBER;
  return `SELECT ${position}, ${objectSql(members)} FROM ${source(named ? "" : `, ${ROW_NUMBER} = true`, path)}`;
}

/** How many rows a Parquet file says that it has. */
export async function parquetRows(connection: Connection, file: LocalRawFile): Promise<number> {
  const [row] = await connection.rows(`SELECT count(*) AS records FROM read_parquet(${quotePath(file.path)})`);
  return Number(row!.records);
}

/**
 * Whether a statement may have failed because of its file. Damaged bytes can cause any DuckDB
 * error, even `Binder` and `INTERNAL`, so this is every error that is not known to have another
 * cause.
 */
export function isFileFault(error: unknown): error is SqlError {
  if (!(error instanceof SqlError) || error.kind === "interrupted") return false;
  return !isOutOfMemory(error) && !isDiskFull(error);
}

/** DuckDB's reason for not reading a Parquet file, without its internal terms. */
export function whyNotParquet(file: LocalRawFile, error: SqlError): string {
  const places = [file.plain?.path, file.path].filter((path) => path !== undefined);
  const paths = new RegExp(places.map(RegExp.escape).join("|"), "g");
  const reason = error.said.split("\n", 1)[0]!
    .replace(/^(?:Error: )?(?:[A-Za-z-]+ )+Error: /, "")
    .replace(/^Failed to read (?:Parquet )?file "[^"]*": /, "")
    .replaceAll(/\bfile:\/\/(?=\/)/g, "")
    // At once: the name may be a URI, which has the path in it.
    .replaceAll(paths, () => file.name)
    // deno-lint-ignore no-control-regex
    .replace(/[\x00-\x1f\x7f]/g, (character) => showCharacter(character.charCodeAt(0)))
    .replace(/[\s.:!]+$/, "");
  return `not a Parquet file that can be read: ${reason}`;
}

const ROW_NUMBER = "file_row_number";

function jsonMember(name: string, value: string): string {
  return `${quoteText(`${JSON.stringify(name)}:`)} || ${value}`;
}

function objectSql(members: readonly string[]): string {
  return members.length === 0 ? "'{}'" : `'{' || ${members.join(" || ',' || ")} || '}'`;
}

/** SQL for the JSON text of values. */
class ValueText {
  readonly #names: ReadonlyMap<string, string>;

  constructor(names: ReadonlyMap<string, string> = new Map()) {
    this.#names = names;
  }

  nameOf(column: string): string {
    return this.#names.get(column) ?? column;
  }

  /**
   * `null` for null. `type` is what is read, `meant` what the file says that it is. `depth` tells
   * the variables of nested lambdas apart.
   */
  orNull(value: string, type: SqlType, meant: SqlType, depth = 0): string {
    return `coalesce(${this.#present(value, type, meant, depth)}, 'null')`;
  }

  #present(value: string, type: SqlType, meant: SqlType, depth: number): string {
    const item = `v${depth}`;
    const inner = (of: string, child: number) =>
      this.orNull(of, type.children[child]!.type, meant.children[child]!.type, depth + 1);
    switch (type.kind) {
      case "list":
        return `'[' || array_to_string(list_transform(${value}, lambda ${item}: ${inner(item, 0)}), ',') || ']'`;
      case "map": {
        const key = keyText(memberSql(item, "key"), type.children[0]!.type, meant.children[0]!.type);
        const pair = `${key} || ':' || ${inner(memberSql(item, "value"), 1)}`;
        return `'{' || array_to_string(list_transform(map_entries(${value}), lambda ${item}: ${pair}), ',') || '}'`;
      }
      case "struct": {
        const members = type.children.map(({ name, type: child }, i) =>
          jsonMember(
            this.nameOf(name),
            this.orNull(memberSql(value, name), child, meant.children[i]!.type, depth),
          )
        );
        return `CASE WHEN ${value} IS NOT NULL THEN ${objectSql(members)} END`;
      }
      default:
        return scalarText(value, type, meant);
    }
  }
}

function keyText(key: string, type: SqlType, meant: SqlType): string {
  if (["list", "map", "struct", "json"].includes(type.kind)) return quoted(key);
  const text = scalarText(key, type, meant);
  return `CASE WHEN starts_with(${text}, '"') THEN ${text} ELSE '"' || ${text} || '"' END`;
}

function scalarText(value: string, type: SqlType, meant: SqlType): string {
  if (type.kind === "bigint" && meant.kind !== "bigint") return nanosText(value, meant);
  switch (type.kind) {
    case "boolean":
    case "integer":
    case "bigint":
    case "json":
      return `CAST(${value} AS VARCHAR)`;
    case "decimal":
      // Without a digit for the whole DuckDB prints none: `.5`.
      return type.scale < type.width
        ? `CAST(${value} AS VARCHAR)`
        : String.raw`regexp_replace(CAST(${value} AS VARCHAR), '^(-?)\.', '\10.')`;
    case "float":
    case "double":
      return `CASE WHEN isfinite(${value}) THEN CAST(CAST(${value} AS DOUBLE) AS VARCHAR)
  WHEN isnan(${value}) THEN '"nan"' ELSE ${quoted(value)} END`;
    case "timestamptz":
      return finiteText(value, quoted(`strftime(${value}, '%Y-%m-%dT%H:%M:%S.%fZ')`), 2n ** 63n - 1n);
    case "timestamp":
      return finiteText(value, quoted(`strftime(${value}, '%Y-%m-%dT%H:%M:%S.%f')`), 2n ** 63n - 1n);
    case "date":
      return finiteText(value, quoted(`strftime(${value}, '%Y-%m-%d')`), 2n ** 31n - 1n);
    case "time":
      return timeText(value, `epoch_us(${value})`, quoted(value));
    case "blob":
      return bytesText(value);
    default:
      return quoted(value);
  }
}

/** What DuckDB takes for infinite is a number of days or microseconds like any other. */
function finiteText(value: string, text: string, largest: bigint): string {
  return `CASE WHEN isfinite(${value}) THEN ${text} WHEN ${value} IS NOT NULL THEN
  CASE WHEN ${value} > make_date(1970, 1, 1) THEN '${largest}' ELSE '-${largest}' END END`;
}

/** A number where it is no time of day. */
function timeText(value: string, micros: string, text: string): string {
  return `CASE WHEN ${value} IS NULL THEN NULL WHEN ${micros} BETWEEN 0 AND 86399999999 THEN ${text}
  ELSE CAST(${micros} AS VARCHAR) END`;
}

/** Of an instant or a time of day in nanoseconds, all digits: what is finer is cut by the judge. */
function nanosText(value: string, meant: SqlType): string {
  // DuckDB's division cuts towards zero.
  const micros = `(${value} // 1000 - CAST(${value} % 1000 < 0 AS INTEGER))`;
  const digits = `((${value} % 1000 + 1000) % 1000)`;
  const finer = `lpad(CAST(${digits} AS VARCHAR), 3, '0')`;
  const text = (format: string) => `strftime(make_timestamp(${micros}), '${format}')`;
  // As DuckDB prints a time of day.
  if (meant.kind === "time") {
    return timeText(value, micros, quoted(`rtrim(rtrim(${text("%H:%M:%S.%f")} || ${finer}, '0'), '.')`));
  }
  const zone = meant.kind === "timestamptz" ? " || 'Z'" : "";
  return quoted(`${text("%Y-%m-%dT%H:%M:%S.%f")} || CASE WHEN ${digits} = 0 THEN '' ELSE ${finer} END${zone}`);
}

/**
 * Bytes as UTF-8. Where they are not, each stands for itself, and the odd ones as halves of
 * surrogate pairs, as Python's `surrogateescape` has it: no event can hold such text, so the judge
 * makes the row a dead letter that says where it stands.
 */
function bytesText(value: string): string {
  const printed = `CAST(${value} AS VARCHAR)`;
  const odd = String.raw`regexp_replace(${printed}, '\\x([89A-F][0-9A-F])', '\\udc\1', 'g')`;
  const escaped = String.raw`regexp_replace(${odd}, '\\x([0-7][0-9A-F])', '\\u00\1', 'g')`;
  return `coalesce(CAST(to_json(TRY(decode(${value}))) AS VARCHAR), '"' || ${escaped} || '"')`;
}

/** A value's text as a JSON string. */
function quoted(value: string): string {
  return `CAST(to_json(CAST(${value} AS VARCHAR)) AS VARCHAR)`;
}
