import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { DuckDb } from "../../../core/engine/duckdb.ts";
import { keyNumberSql } from "../../../core/lake/dedupe_sql.ts";
import { KeyCollector } from "../../../core/routing/reader/key_collector.ts";
import { contractOf, TestReader } from "../reader/test_reader.ts";

const SECRET = "0011223344556677";

const contract = contractOf({
  properties: {
    text: { type: ["string", "null"] },
    small: { type: "integer", minimum: -2147483648, maximum: 2147483647 },
    large: { type: "integer" },
    flag: { type: "boolean" },
    id: { type: "string", format: "uuid" },
    day: { type: "string", format: "date" },
    at: { type: ["string", "null"], format: "date-time" },
  },
});

const records = [
  { text: "", small: 0, large: 0, flag: false, id: "00000000-0000-0000-0000-000000000000" },
  { text: "a", small: -2147483648, large: "-9223372036854775808", flag: true },
  { text: "'ü\u{10348}\u0000:", small: 7, large: "9223372036854775807", flag: true },
  { text: "x".repeat(99), small: 12, large: 34, flag: false },
  { text: "x".repeat(5_000), small: 12, large: 34, flag: false },
  { text: null, small: 1, large: 1, flag: true },
].map((record) => ({ id: "A0EEBC99-9c0b-4ef8-bb6d-6bb9bd380a11", at: "2026-03-01T00:00:00.000001Z", ...record }));

/** The longs are beyond what `JSON.stringify` writes as numbers. */
const text = records.map((record) => JSON.stringify(record).replace(/"large":"([^"]*)"/, '"large":$1')).join("\n");

function collect(by: string[]) {
  const reader = new TestReader(contract);
  const rule = { by, at: "at", withinMicros: "1" };
  return { reader, keys: KeyCollector.create(reader.instance, reader.events, { rule, secret: SECRET }) };
}

Deno.test("the reader numbers keys as DuckDB does, whatever they are made of", async () => {
  const database = await DuckDb.open({ threads: 1 });
  const connection = await database.connect();
  try {
    for (const by of [["text"], ["small"], ["large"], ["flag"], ["id"], ["text", "small", "large", "flag", "id"]]) {
      const { reader, keys } = collect(by);
      const { instance: { calls }, events } = reader;
      const name = reader.instance.place("raw/events/a.ndjson"), lines = reader.instance.place(text);
      calls.beginFile(events.handle, name.at, name.length);
      calls.scanLines(events.handle, lines.at, lines.length);
      strictEqual(calls.rowsOf(events.handle), records.length);
      keys!.take();
      const { files, positions, numbers, times } = keys!.end()!;
      deepStrictEqual([files, positions[1]], [["raw/events/a.ndjson"], 1]);
      const values = records.map(({ text, small, large, flag, id }) => {
        const quoted = text === null ? "NULL" : `decode(from_hex('${new TextEncoder().encode(text).toHex()}'))`;
        return `(${quoted}, '${small}'::INTEGER, '${large}'::BIGINT, ${flag}, '${id}'::UUID)`;
      });
      const rows = await connection.rows(`SELECT n FROM (
        SELECT ${keyNumberSql({ by }, SECRET)} AS n FROM (VALUES ${
        values.join(", ")
      }) AS t (text, small, large, flag, id)
      ) WHERE n IS NOT NULL`);
      strictEqual(times.length, rows.length);
      for (const [row, { n }] of rows.entries()) {
        const low = BigInt.asUintN(96, n as bigint);
        const found = [0, 1, 2].reduce((sum, word) => sum | BigInt(numbers[row * 3 + word]!) << BigInt(32 * word), 0n);
        strictEqual(found, low, `${by} of row ${row}`);
      }
    }
  } finally {
    connection.close();
    database.close();
  }
});

Deno.test("keys of columns that only DuckDB casts to text are left to it", () => {
  strictEqual(collect(["text", "day"]).keys, undefined);
});
