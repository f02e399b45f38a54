import { strictEqual } from "node:assert/strict";
import { DuckDb } from "../../core/engine/duckdb.ts";
import { AUDIT_TABLES, TAKE_FILES, TAKE_STATES } from "../../core/maintain/audit/audit_sql.ts";

type State = "same" | "changed" | "gone";

/** What a file is found to be by the answers, each of one or more lines of it. */
async function stateAfter(answers: readonly (readonly State[])[]): Promise<string> {
  const database = await DuckDb.open({ threads: 1 });
  try {
    const connection = await database.connect();
    await connection.run(AUDIT_TABLES);
    await connection.run("INSERT INTO ledger_lines VALUES ('a.json', 'e', 1, 1, 1, 0, 0, 'ingested')");
    await connection.run(TAKE_FILES);
    for (const states of answers) {
      await connection.appendText("states", states.map((state) => ["a.json", "1", state]));
      await connection.run(TAKE_STATES);
    }
    const rows = await connection.rows("SELECT state FROM files");
    strictEqual(rows.length, 1);
    return rows[0]!.state as string;
  } finally {
    database.close();
  }
}

for (
  const [worst, one, other] of [
    ["gone", "same", "gone"],
    ["changed", "same", "changed"],
    ["changed", "gone", "changed"],
    ["same", "same", "same"],
    ["gone", "gone", "gone"],
  ] as const
) {
  Deno.test(`a file that is first ${one} and then ${other} is ${worst}, whichever is told first`, async () => {
    for (const [first, second] of [[one, other], [other, one]] as const) {
      strictEqual(await stateAfter([[first], [second]]), worst, `${first}, then ${second}`);
      strictEqual(await stateAfter([[first, second]]), worst, `${first} and ${second} at once`);
    }
  });
}
