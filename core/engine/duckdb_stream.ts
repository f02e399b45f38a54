import type { DuckDBDataChunk, DuckDBResult, DuckDBType } from "@duckdb/node-api";
import { type Connection, type SqlValue } from "./duckdb.ts";
import { loadNodeApi } from "./duckdb_library.ts";

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
  async function* chunks() {
    for await (const chunk of chunksOf(connection, result)) yield chunk.getRows();
  }
  return { columns, chunks: chunks() };
}

/**
 * The columns of one query's result, piece by piece, as they lie in memory, in words of 32 bits,
 * the low ones first: all of them are numbers of 64 or 128 bits, none null. Many rows come much
 * cheaper so than value by value.
 */
export async function* streamWords(
  connection: Connection,
  sql: string,
): AsyncGenerator<{ rows: number; columns: Uint32Array[] }> {
  const result = await connection.stream(sql);
  for await (const chunk of chunksOf(connection, result)) {
    const columns = Array.from({ length: chunk.columnCount }, (_, column) => wordsOf(chunk.getColumnVector(column)));
    yield { rows: chunk.rowCount, columns };
  }
}

/** The library has them in fields that its types do not tell. */
function wordsOf(vector: object): Uint32Array {
  const { items, dataView } = vector as { items?: ArrayBufferView; dataView?: ArrayBufferView };
  const { buffer, byteOffset, byteLength } = (items ?? dataView)!;
  return new Uint32Array(buffer, byteOffset, byteLength / Uint32Array.BYTES_PER_ELEMENT);
}

/** A result with rows left holds the whole database, even where its connection is closed. */
async function* chunksOf(connection: Connection, result: DuckDBResult): AsyncGenerator<DuckDBDataChunk> {
  let chunk: DuckDBDataChunk | undefined;
  let isOver = false;
  try {
    while ((chunk = await connection.fetch(result)) !== undefined) yield chunk;
    isOver = true;
  } finally {
    if (!isOver) {
      connection.interrupt();
      // Only what was computed already still comes.
      while (await hasMore(result));
    }
  }
}

async function hasMore(result: DuckDBResult): Promise<boolean> {
  try {
    return ((await result.fetchChunk())?.rowCount ?? 0) > 0;
  } catch {
    return false;
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
