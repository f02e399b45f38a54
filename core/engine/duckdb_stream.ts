import type { DuckDBType } from "@duckdb/node-api";
import { type Connection, type SqlValue } from "./duckdb.ts";
import { loadNodeApi } from "./duckdb_library.ts";
import { SqlError } from "./sql_error.ts";

/** What a column holds, by how its values look in memory. */
export type SqlKind =
  | "boolean"
  /** `number`, up to 32 bits. */
  | "integer"
  /** `bigint`: 64 or 128 bits, with or without sign. */
  | "bigint"
  /** `number`, 32 bits. */
  | "float"
  /** `number`. */
  | "double"
  /** `{ value: bigint, scale }`. */
  | "decimal"
  | "text"
  /** `string` that is JSON text. */
  | "json"
  /** `{ bytes }`. */
  | "blob"
  /** `{ days }` since 1970-01-01. */
  | "date"
  /** `{ micros: bigint }`. */
  | "time"
  | "timestamp"
  | "timestamptz"
  /** `{ items }`. */
  | "list"
  /** `{ entries }`, an object by field name. */
  | "struct"
  /** `{ entries: { key, value }[] }`. */
  | "map"
  /**
   * All others, by their `toString()`: uuid, interval, enum, bit, union, timestamps of other units.
   */
  | "other";

export interface SqlType {
  kind: SqlKind;
  /** As SQL writes it: `DECIMAL(9,2)`. */
  sql: string;
  /** Of a decimal. */
  width: number;
  scale: number;
  /** The fields of a struct; a list's one element; a map's key and value. */
  children: { name: string; type: SqlType }[];
}

export interface SqlColumn {
  /** Unique within the result: a name that stands twice gets `:1`, as DuckDB does. */
  name: string;
  type: SqlType;
}

/**
 * A result whose rows come in pieces of up to 2,048; later pieces are computed when they are asked
 * for.
 */
export interface RowStream {
  columns: SqlColumn[];
  /** The IANA name of the time zone in which texts show instants; UTC without it. */
  timeZone?: string;
  /** May be walked once. Fails with `SqlError`. */
  chunks: AsyncIterable<SqlValue[][]>;
}

/**
 * Runs one query; its rows stay within the memory of one chunk. The connection is busy until they
 * have been walked.
 */
export async function streamRows(connection: Connection, sql: string): Promise<RowStream> {
  const { DuckDBTypeId } = await loadNodeApi();
  const result = await connection.stream(sql);
  const names = result.deduplicatedColumnNames();
  const columns = result.columnTypes().map((type, index) => ({
    name: names[index]!,
    type: sqlType(type, DuckDBTypeId as unknown as Record<string, number>),
  }));
  let isOver = false;
  const next = async () => {
    try {
      const rows = (await result.fetchChunk())?.getRows();
      isOver = rows === undefined || rows.length === 0;
      return isOver ? undefined : rows;
    } catch (error) {
      isOver = true;
      throw new SqlError(error);
    }
  };
  async function* chunks() {
    try {
      for (let rows = await next(); rows !== undefined; rows = await next()) yield rows;
    } finally {
      if (!isOver) await leave();
    }
  }
  /** A result with rows left holds the whole database, even where its connection is closed. */
  async function leave() {
    connection.interrupt();
    // Only what was computed already still comes.
    while (!isOver) await next().catch(() => undefined);
  }
  return { columns, chunks: chunks() };
}

/**
 * The columns of one query's result, piece by piece, where all are of numbers up to 32 bits: many
 * rows come much cheaper so than one by one.
 */
export async function* streamNumbers(connection: Connection, sql: string): AsyncGenerator<number[][]> {
  const result = await connection.stream(sql);
  for (;;) {
    let columns: number[][] | undefined;
    try {
      columns = (await result.fetchChunk())?.getColumns() as number[][] | undefined;
    } catch (error) {
      throw new SqlError(error);
    }
    // The last piece has no rows, and then no columns either.
    if (!columns?.[0]?.length) return;
    yield columns;
  }
}

const KINDS: Record<string, SqlKind> = {
  BOOLEAN: "boolean",
  TINYINT: "integer",
  SMALLINT: "integer",
  INTEGER: "integer",
  UTINYINT: "integer",
  USMALLINT: "integer",
  UINTEGER: "integer",
  BIGINT: "bigint",
  UBIGINT: "bigint",
  HUGEINT: "bigint",
  UHUGEINT: "bigint",
  FLOAT: "float",
  DOUBLE: "double",
  DECIMAL: "decimal",
  VARCHAR: "text",
  BLOB: "blob",
  DATE: "date",
  TIME: "time",
  TIMESTAMP: "timestamp",
  TIMESTAMP_TZ: "timestamptz",
  LIST: "list",
  ARRAY: "list",
  STRUCT: "struct",
  MAP: "map",
};

function sqlType(type: DuckDBType, ids: Record<string, number>): SqlType {
  const name = Object.keys(ids).find((key) => ids[key] === type.typeId) ?? "";
  // One cast instead of a branch for each of thirty classes: the parts of a type by name.
  const parts = type as unknown as {
    width?: number;
    scale?: number;
    valueType?: DuckDBType;
    keyType?: DuckDBType;
    entryNames?: readonly string[];
    entryTypes?: readonly DuckDBType[];
  };
  const kind = KINDS[name] ?? "other";
  const children: [string, DuckDBType | undefined][] = kind === "struct"
    ? parts.entryNames!.map((entry, index) => [entry, parts.entryTypes![index]])
    : kind === "map"
    ? [["key", parts.keyType], ["value", parts.valueType]]
    : kind === "list"
    ? [["element", parts.valueType]]
    : [];
  return {
    kind: kind === "text" && type.alias === "JSON" ? "json" : kind,
    sql: type.toString(),
    width: parts.width ?? 0,
    scale: parts.scale ?? 0,
    children: children.map(([childName, child]) => ({ name: childName, type: sqlType(child!, ids) })),
  };
}
