import { deepStrictEqual } from "node:assert/strict";
import { type Connection, DuckDb } from "../../../core/engine/duckdb.ts";
import { keyNumberSql } from "../../../core/lake/dedupe_sql.ts";
import { SpilledKeys } from "../../../core/routing/repeats/spilled_keys.ts";
import { scratchFolder } from "../../support/scratch_folder.ts";

const RULE = { by: ["id"], at: "at", withinMicros: "0" };
const SECRET = "s";
const MEMORY = "10MB";

/** Keys by number, `from` to below `to`, all at one time. */
function keysSql(from: number, to: number): string {
  const key = keyNumberSql(RULE, SECRET);
  return `SELECT ${key} AS key, 0::BIGINT AS time FROM (SELECT i::VARCHAR AS id FROM range(${from}, ${to}) r(i))`;
}

/** A batch with these keys. */
async function batchFile(connection: Connection, folder: string, ids: readonly number[]): Promise<string> {
  const path = `${folder}/batch.parquet`;
  await connection.run(`COPY (
    SELECT id::VARCHAR AS id, make_timestamp(0) AS at, 'f' AS _source_file, position AS _source_position
    FROM (SELECT unnest([${ids.join(", ")}]) AS id, unnest(range(${ids.length})) AS position)
  ) TO '${path}' (FORMAT parquet)`);
  return path;
}

Deno.test("keys that are forgotten again and again take no memory, and repeat nothing", async () => {
  const folder = scratchFolder();
  const database = await DuckDb.open({ threads: 1, memory: MEMORY, tempDirectory: `${folder}/spill` });
  try {
    const connection = await database.connect();
    const keys = new SpilledKeys(connection);
    await keys.begin();
    const groups = 12, size = 100_000;
    await keys.read(keysSql(0, size), 1);
    for (let group = 2; group <= groups; group++) {
      await keys.read(keysSql((group - 1) * size, group * size), group);
      // Each time another share of what is there.
      if (group % 2 === 0) await keys.forget(new Set([group - 1]));
      if (group % 4 === 0) await keys.forget(new Set([group - 2]));
    }
    const ids = Array.from({ length: groups }, (_, group) => group * size + 7);
    const path = await batchFile(connection, folder, ids);
    await keys.noteBatch(RULE, SECRET, [path]);
    const { repeats, keys: kept } = await keys.decide({ from: 0n, to: 0n }, 0n);
    deepStrictEqual([repeats, kept], [new Map([["f", [3, 7, 11]]]), groups - 3]);
  } finally {
    database.close();
  }
});
