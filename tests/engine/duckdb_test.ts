import { deepStrictEqual } from "node:assert/strict";
import { type Connection, DuckDb } from "../../core/engine/duckdb.ts";

async function withConnection(action: (connection: Connection) => Promise<void>): Promise<void> {
  const database = await DuckDb.open({ threads: 1 });
  const connection = await database.connect();
  try {
    await action(connection);
  } finally {
    connection.close();
    database.close();
  }
}

Deno.test("text comes back from DuckDB as it is, byte order marks and NUL included", () =>
  withConnection(async (connection) => {
    const texts = ["\ufeff", "\ufeffx", "\ufeff longer than what fits into a string's head", "a\0b", "😀", ""];
    await connection.run("CREATE TEMP TABLE texts (text VARCHAR)");
    await connection.appendText("texts", texts.map((text) => [text]));
    const rows = await connection.rows("SELECT text, length(text)::INT AS length FROM texts");
    deepStrictEqual(rows, texts.map((text) => ({ text, length: [...text].length })));
  }));
