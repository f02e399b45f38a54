import { deepStrictEqual, ok, rejects } from "node:assert/strict";
import { type Connection, DuckDb } from "../../core/engine/duckdb.ts";
import { streamRows } from "../../core/engine/duckdb_stream.ts";

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

Deno.test("who closes a database closes its connections, and may close them before and after", async () => {
  const database = await DuckDb.open({ threads: 1 });
  const [early, late] = [await database.connect(), await database.connect()];
  early.close();
  database.close();
  await rejects(late.run("SELECT 1"));
  late.interrupt();
  late.close();
});

const ENDLESS = "SELECT sum(a.range * b.range) FROM range(1_000_000_000) a, range(1_000_000_000) b";

for (
  const [how, run] of Object.entries<(connection: Connection) => Promise<unknown>>({
    "for its rows": (connection) => connection.rows(ENDLESS),
    "for nothing": (connection) => connection.run(ENDLESS),
    "for a stream of rows": (connection) => connection.stream(ENDLESS),
  })
) {
  Deno.test(`a connection that was stopped stops a statement that begins only then, run ${how}`, () =>
    withConnection(async (connection) => {
      void connection.stop();
      await rejects(run(connection), { kind: "interrupted" });
    }));
}

Deno.test("a connection that is closed while a statement runs lets it end", async () => {
  const database = await DuckDb.open({ threads: 1 });
  const connection = await database.connect();
  const running = connection.rows("SELECT count(*)::INT AS rows FROM range(1_000)");
  database.close();
  deepStrictEqual(await running, [{ rows: 1_000 }]);
  await rejects(connection.run("SELECT 1"));
});

Deno.test("an answer that was not read to its end stops with its connection", async () => {
  const database = await DuckDb.open({ threads: 1 });
  const connection = await database.connect();
  const { chunks } = await streamRows(connection, "FROM range(10_000_000)");
  let rows = 0;
  await rejects(async () => {
    for await (const chunk of chunks) {
      rows += chunk.length;
      database.close();
    }
  }, { kind: "interrupted" });
  ok(rows < 10_000_000, `${rows} rows came`);
});

/** Threads of a new process after `statements` in each of two databases of a hundred threads. */
async function threadsAfter(statements: string): Promise<number> {
  const engine = new URL("../../core/engine/", import.meta.url);
  const program = `import { DuckDb } from "${engine}duckdb.ts";
import { streamRows } from "${engine}duckdb_stream.ts";
const kept = [];
for (let round = 0; round < 2; round++) {
  const database = await DuckDb.open({ threads: 100 });
  const connection = await database.connect();
  kept.push(connection);
  ${statements}
  database.close();
}
console.log([...Deno.readDirSync("/proc/self/task")].length);`;
  const args = ["eval", "--no-check", program];
  const { stdout } = await new Deno.Command(Deno.execPath(), { args, stderr: "inherit" }).output();
  return Number(new TextDecoder().decode(stdout));
}

const LEFT_OPEN: Record<string, string> = {
  "a connection": `await connection.run("SELECT 1");`,
  "a statement that failed": `await connection.rows("SELECT error('no')").catch(() => undefined);`,
  "an answer that was not read to its end": `const answer = await streamRows(connection, "FROM range(100_000)");
  kept.push(answer);
  for await (const _rows of answer.chunks) break;`,
};

for (const [what, statements] of Object.entries(LEFT_OPEN)) {
  Deno.test({
    name: `${what} does not keep a closed database and its threads`,
    // Where threads can be counted.
    ignore: Deno.build.os !== "linux",
    async fn() {
      const threads = await threadsAfter(statements);
      ok(threads > 0 && threads < 150, `There are ${threads} threads`);
    },
  });
}
