import { rejects } from "node:assert/strict";
import { DuckDb } from "../../core/engine/duckdb.ts";
import { isOutOfMemory } from "../../core/engine/sql_error.ts";
import { scratchFolder } from "../support/scratch_folder.ts";

Deno.test("memory that runs out while a statement is committed is told as such", async () => {
  const database = await DuckDb.open({ threads: 1, memory: "10MB", tempDirectory: scratchFolder() });
  try {
    const connection = await database.connect();
    await connection.run("CREATE TEMP TABLE kept (key UHUGEINT, time BIGINT, part INTEGER)");
    // What DuckDB notes of deleted rows, it cannot spill.
    const fill = async () => {
      for (let part = 0; part < 20; part++) {
        const rows = `range(${part}00000, ${part + 1}00000) r(i)`;
        await connection.run(
          `INSERT INTO kept SELECT i, i, ${part} FROM ${rows}; DELETE FROM kept WHERE part = ${part}`,
        );
      }
    };
    await rejects(fill(), isOutOfMemory);
  } finally {
    database.close();
  }
});
