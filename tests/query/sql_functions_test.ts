import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { type Connection, quoteText } from "../../core/engine/duckdb.ts";
import { functionVerdict } from "../../core/query/sql_functions.ts";
import verdicts from "../../core/query/sql_functions.json" with { type: "json" };
import { say } from "../support/say.ts";
import { allowedNames, withConnection } from "./function_calls.ts";

const TABLE_PATH = new URL("../../core/query/sql_functions.json", import.meta.url);
const UNREAD = "is new, and nobody has looked at it";

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
