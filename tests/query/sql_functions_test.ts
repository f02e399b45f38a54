import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { type Connection, DuckDb, quoteText } from "../../core/engine/duckdb.ts";
import { closeOff } from "../../core/query/sql_session.ts";
import { functionVerdict } from "../../core/query/sql_functions.ts";
import verdicts from "../../core/query/sql_functions.json" with { type: "json" };
import { say } from "../support/say.ts";
import { callsWith, type CatalogFunction, catalogFunctions } from "./function_calls.ts";

const TABLE_PATH = new URL("../../core/query/sql_functions.json", import.meta.url);
const UNREAD = "is new, and nobody has looked at it";
const MARKER = "marker-that-only-the-file-holds";

async function withConnection(action: (connection: Connection) => Promise<void>): Promise<void> {
  const database = await DuckDb.open({ threads: 1 });
  try {
    await action(await database.connect());
  } finally {
    database.close();
  }
}

Deno.test("every function of this DuckDB is allowed or refused by the table, and the table has no others", () =>
  withConnection(async (connection) => {
    const rows = await connection.rows(
      `SELECT DISTINCT function_type || ' ' || function_name AS function FROM duckdb_functions() ORDER BY function`,
    );
    const present = rows.map((row) => String(row.function));
    const known = verdicts.flatMap(({ functions }) => functions);
    if (Deno.env.get("STREAMLAB_REFRESH") === "1") await refresh(present, known);
    else {
      deepStrictEqual(present.filter((name) => !known.includes(name)), [], "not in core/query/sql_functions.json");
      deepStrictEqual(known.filter((name) => !present.includes(name)), [], "not in this DuckDB");
      strictEqual(known.length, new Set(known).size);
    }
    say(`${present.length} functions, ${allowedNames().length} of them allowed`);
  }));

/** What is new is refused until somebody has moved it to where it belongs. */
async function refresh(present: string[], known: string[]): Promise<void> {
  const groups = verdicts.map(({ functions, ...rest }) => ({
    ...rest,
    functions: functions.filter((name) => present.includes(name)),
  })).filter(({ functions, why }) => functions.length > 0 && why !== UNREAD);
  const fresh = present.filter((name) => !known.includes(name));
  if (fresh.length > 0) groups.push({ why: UNREAD, allowed: false, functions: fresh });
  await Deno.writeTextFile(TABLE_PATH, `${JSON.stringify(groups, null, 2)}\n`);
}

function allowedNames(): string[] {
  return verdicts.filter(({ allowed }) => allowed).flatMap(({ functions }) => functions);
}

Deno.test("somebody has looked at each function that the table holds", () => {
  deepStrictEqual(verdicts.filter(({ why }) => why === UNREAD), []);
});

Deno.test("a macro that is allowed calls only what is allowed, and lists of DuckDB's own", () =>
  withConnection(async (connection) => {
    const rows = await connection.rows(
      `SELECT function_name AS name, macro_definition AS definition, function_type AS kind FROM duckdb_functions()
WHERE function_type IN ('macro', 'table_macro') AND macro_definition IS NOT NULL`,
    );
    const lists = /^(duckdb_(types|views|constraints)|pragma_database_size)$/;
    let count = 0;
    for (const { name, definition, kind } of rows) {
      if (!allowedNames().includes(`${kind} ${name}`)) continue;
      count++;
      const text = String(definition).replaceAll(/\bNULL\b/g, "null");
      for (const called of await calledFunctions(connection, kind === "macro" ? `SELECT ${text}` : text)) {
        const verdict = functionVerdict(called, "expression") ?? functionVerdict(called, "from");
        // The name that histogram is given is judged as a table's (question.ts).
        const isKnown = lists.test(called) || (called === "query_table" && String(name).startsWith("histogram"));
        ok(verdict?.allowed || isKnown, `${name} calls ${called}`);
      }
    }
    ok(count > 100, `${count}`);
  }));

async function calledFunctions(connection: Connection, sql: string): Promise<Set<string>> {
  const [row] = await connection.rows(`SELECT json_serialize_sql(${quoteText(sql)})::VARCHAR AS tree`);
  const tree = JSON.parse(String(row!.tree));
  strictEqual(tree.error, false, `${sql}: ${tree.error_message}`);
  const found = new Set<string>();
  JSON.stringify(tree, (key, value) => {
    if (key === "function_name") found.add(value);
    return value;
  });
  return found;
}

/** A folder with one file in it, which holds the marker. */
async function withFile(action: (path: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "streamlab-functions-" });
  try {
    await Deno.writeTextFile(`${folder}/secret.csv`, `a\n${MARKER}\n`);
    await action(`${folder}/secret.csv`);
    deepStrictEqual([...Deno.readDirSync(folder)].map(({ name }) => name), ["secret.csv"]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** The file's name, and SQL that reads it: as text, and as DuckDB writes it down. */
async function hostileTexts(connection: Connection, path: string): Promise<string[]> {
  const sql = `SELECT nothing FROM read_csv(${quoteText(path)}, columns = {'a': 'INTEGER'})`;
  const [row] = await connection.rows(`SELECT json_serialize_sql(${quoteText(sql)})::VARCHAR AS tree`);
  return [path, sql, String(row!.tree)];
}

/** What a statement says: its rows, or its error. */
async function said(connection: Connection, sql: string): Promise<string> {
  try {
    const reader = await connection.inner.runAndReadAll(sql);
    return JSON.stringify(reader.getRows(), (_, value) => typeof value === "bigint" ? `${value}` : value);
  } catch (error) {
    return String(error);
  }
}

Deno.test("no allowed function says anything of a file whose name stands in any of its arguments", () =>
  withConnection(async (connection) =>
    await withFile(async (path) => {
      const allowed = allowedNames();
      const functions = (await catalogFunctions(connection))
        .filter(({ kind, name }) => allowed.includes(`${kind} ${name}`) && !/^histogram/.test(name));
      const calls = await allCalls(connection, functions, path);
      const before = await answers(connection, calls);
      await Deno.rename(path, `${path}.gone`);
      const after = await answers(connection, calls);
      await Deno.rename(`${path}.gone`, path);
      for (const [call, answer] of before) {
        ok(!answer.includes(MARKER), `${call} reads the file: ${answer}`);
        // Time and chance differ from call to call; nothing else may.
        if (!/now|today|current|random|uuid|time|age|ago|query|txid|_id|user/i.test(call)) {
          strictEqual(after.get(call), answer, `${call} knows whether the file is there`);
        }
      }
      const scalars = new Set(functions.filter(({ kind }) => kind === "scalar").map(({ name }) => name));
      const names = new Set(functions.map(({ name }) => name));
      say(`${names.size} functions, ${scalars.size} of them scalar, in ${calls.length} calls, twice each`);
    })
  ));

Deno.test("a function that the table would wrongly allow reads nothing either: DuckDB is closed off", () =>
  withConnection(async (connection) =>
    await withFile(async (path) => {
      const functions = (await catalogFunctions(connection)).filter(({ kind }) => kind !== "pragma");
      const calls = await allCalls(connection, functions, path);
      // It would be read, and shown by an error, from inside a scalar function too.
      const readers = calls.filter((call) => /read_text|json_serialize_plan/.test(call));
      const shown = [...(await answers(connection, readers)).values()].filter((answer) => answer.includes(MARKER));
      ok(shown.length >= 2, `${shown.length}`);
      await closeOff(connection, []);
      for (const [call, answer] of await answers(connection, calls)) {
        ok(!answer.includes(MARKER), `${call} reads the file: ${answer}`);
      }
      say(`${new Set(functions.map(({ name }) => name)).size} functions in ${calls.length} calls`);
    })
  ));

async function allCalls(connection: Connection, functions: CatalogFunction[], path: string): Promise<string[]> {
  const texts = await hostileTexts(connection, path);
  // They wait as long as they are told; `arrow_scan` takes addresses.
  const tried = functions.filter(({ name }) => !/^(sleep_ms|pg_sleep|arrow_scan.*)$/.test(name));
  return [...new Set(tried.flatMap((each) => texts.flatMap((text) => callsWith(each, text))))];
}

async function answers(connection: Connection, calls: string[]): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const call of calls) found.set(call, await said(connection, call));
  return found;
}
