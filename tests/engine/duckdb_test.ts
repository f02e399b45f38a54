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

Deno.test("rows are in the table as soon as an appender that stays open was given them", () =>
  withConnection(async (connection) => {
    await connection.run("CREATE TEMP TABLE texts (text VARCHAR)");
    const appender = await connection.textAppender("texts");
    for (let count = 1; count <= 3; count++) {
      appender.append([[`${count}`]]);
      deepStrictEqual(await connection.rows("SELECT count(*)::INT AS rows FROM texts"), [{ rows: count }]);
    }
    appender.close();
  }));
