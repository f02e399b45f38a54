import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { type Connection, DuckDb } from "../../core/engine/duckdb.ts";
import type { PrimitiveType } from "../../core/iceberg/format/type.ts";
import type { OrderedColumn } from "../../core/tables/ordered_column.ts";
import { spanSql, zOrderSql } from "../../core/tables/z_order_sql.ts";

async function withConnection(action: (connection: Connection) => Promise<void>): Promise<void> {
  const db = await DuckDb.open({ threads: 1 });
  const connection = await db.connect();
  try {
    await action(connection);
  } finally {
    connection.close();
    db.close();
  }
}

/** `wanted` of each row, along the curve. */
async function along(connection: Connection, select: string, columns: OrderedColumn[], wanted: string) {
  const [row] = await connection.rows(spanSql(select, columns));
  const spans = columns.map((_column, i) => ({
    low: row![`low${i}`] as string | null,
    high: row![`high${i}`] as string | null,
  }));
  const { select: source, keys } = zOrderSql(select, columns, spans, "turn_");
  const rows = await connection.rows(`SELECT ${wanted} AS v FROM (${source}) ORDER BY ${keys.join(", ")}`);
  return rows.map(({ v }) => v);
}

/** The bits of the numbers in turn, the first number's first. */
function interleaved(numbers: number[], bits: number): number {
  let result = 0;
  for (let bit = bits - 1; bit >= 0; bit--) for (const number of numbers) result = 2 * result + (number >> bit & 1);
  return result;
}

Deno.test("bits of two to eight columns take turns", () =>
  withConnection(async (connection) => {
    for (const [count, bits] of [[2, 4], [3, 3], [4, 2], [5, 2], [7, 1], [8, 1]] as const) {
      const columns = Array.from({ length: count }, (_, i): OrderedColumn => ({ sql: `c${i}`, type: { type: "int" } }));
      const values = columns.map(({ sql }, i) => `(i >> ${i * bits} & ${2 ** bits - 1})::INT AS ${sql}`);
      const select = `SELECT ${values.join(", ")} FROM range(${2 ** (count * bits)}) r(i)`;
      const found = await along(connection, select, columns, `[${columns.map(({ sql }) => sql).join(", ")}]`);
      const places = (found as { items: number[] }[]).map(({ items }) => interleaved(items, bits));
      deepStrictEqual(places, Array.from({ length: places.length }, (_, i) => i), `${count} columns`);
    }
  }));

const values: [PrimitiveType, string][] = [
  [{ type: "boolean" }, "hash(i) % 2 = 0"],
  [{ type: "int" }, "(hash(i) % 4294967296)::BIGINT - 2147483648"],
  [{ type: "long" }, "CASE i WHEN 5 THEN -9223372036854775808 WHEN 6 THEN 9223372036854775807 ELSE i - 50 END::BIGINT"],
  [
    { type: "float" },
    "CASE i % 9 WHEN 1 THEN 'inf' WHEN 2 THEN 'nan' WHEN 3 THEN '-inf' ELSE tan(i)::VARCHAR END::FLOAT",
  ],
  [{ type: "double" }, "CASE i % 9 WHEN 1 THEN 'inf' WHEN 2 THEN 'nan' ELSE exp(tan(i))::VARCHAR END::DOUBLE"],
  [{ type: "decimal", precision: 38, scale: 4 }, "(tan(i) * 1e20)::DECIMAL(38, 4)"],
  [{ type: "decimal", precision: 9, scale: 2 }, "tan(i)::DECIMAL(9, 2)"],
  [{ type: "date" }, "DATE '1850-01-01' + (hash(i) % 99999)::INT"],
  [{ type: "time" }, "TIME '00:00:00' + to_microseconds((hash(i) % 86400000000)::BIGINT)"],
  [{ type: "timestamp" }, "TIMESTAMP '1960-01-01' + to_microseconds((hash(i) % 1000000000000000)::BIGINT)"],
  [
    { type: "timestamptz" },
    "TIMESTAMPTZ '1960-01-01 00:00:00+00' + to_microseconds((hash(i) % 1000000000000000)::BIGINT)",
  ],
  [{ type: "string" }, "'https://example.org/' || repeat(chr((hash(i) % 55000 + 32)::INT), (i % 4)::INT)"],
  [{ type: "uuid" }, "md5(i::VARCHAR)::UUID"],
  [{ type: "binary" }, "unhex(md5(i::VARCHAR))[1:i % 8]"],
];

Deno.test("every type's keys have the order of its values, nulls first, also where all are equal or null", () =>
  withConnection(async (connection) => {
    for (const [type, sql] of values) {
      for (
        const value of [`CASE WHEN i % 8 = 0 THEN NULL ELSE ${sql} END`, `CASE WHEN i = 3 THEN ${sql} END`, "NULL"]
      ) {
        const select = `SELECT CAST(${value} AS ${await typeOf(connection, sql)}) AS v FROM range(100) r(i)`;
        const found = await along(connection, select, [{ sql: "v", type }], "v::VARCHAR");
        const expected = await connection.rows(`SELECT v::VARCHAR AS text FROM (${select}) ORDER BY v NULLS FIRST`);
        deepStrictEqual(found, expected.map(({ text }) => text), `${type.type}: ${value}`);
      }
    }
  }));

async function typeOf(connection: Connection, sql: string): Promise<string> {
  const [row] = await connection.rows(`SELECT typeof(${sql}) AS t FROM range(1) r(i)`);
  return row!.t as string;
}

Deno.test("what all values have in common takes no turns: stretches of rows are narrow in both columns", () =>
  withConnection(async (connection) => {
    const select = `SELECT 'user-' || lpad((hash(i) % 1000)::VARCHAR, 6, '0') AS who,
      TIMESTAMPTZ '2026-03-01 00:00:00+00' + to_seconds((hash(-i) % 86400)::INT) AS at FROM range(6400) r(i)`;
    const columns: OrderedColumn[] = [{ sql: "who", type: { type: "string" } }, {
      sql: `"at"`,
      type: { type: "timestamptz" },
    }];
    const rows = await along(connection, select, columns, `[who[6:]::INT, epoch("at")::INT % 86400]`);
    const places = (rows as { items: number[] }[]).map(({ items }) => items);
    strictEqual(places.length, 6400);
    const spanOf = (items: number[]) => Math.max(...items) - Math.min(...items);
    let who = 0, at = 0;
    for (let from = 0; from < places.length; from += 400) {
      const stretch = places.slice(from, from + 400);
      who += spanOf(stretch.map((place) => place[0]!)) / 1_000 / 16;
      at += spanOf(stretch.map((place) => place[1]!)) / 86_400 / 16;
    }
    ok(who < 0.5 && at < 0.5, `a sixteenth of the rows spans ${who} and ${at} of all`);
  }));
