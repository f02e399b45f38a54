import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { type Connection, quoteText } from "../../core/engine/duckdb.ts";
import { closeOff } from "../../core/query/sql_session.ts";
import { say } from "../support/say.ts";
import { allowedNames, callsWith, type CatalogFunction, catalogFunctions, withConnection } from "./function_calls.ts";

const MARKER = "marker-that-only-the-file-holds";

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
