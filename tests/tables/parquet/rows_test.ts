import { deepStrictEqual } from "node:assert/strict";
import { DuckDb, quotePath } from "../../../core/engine/duckdb.ts";
import { jsonRows, withTextualBytes } from "./json_rows.ts";
import { inFolder } from "../../support/own_folder.ts";
import { withSeed } from "../../support/seed.ts";
import { TableMaker } from "./random_table.ts";
import { type WriteOptions, writeTable } from "./written_table.ts";

const WAYS: Record<string, WriteOptions> = {
  "in one row group": {},
  "in several row groups": { groupRows: 70 },
  "in many pages": { limits: { rowsMax: 7 } },
  "in pages of few bytes": { limits: { bytesMax: 200 } },
  "without dictionaries": { limits: { dictionaryBytesMax: 0 } },
  "with dictionaries that overflow": { limits: { dictionaryBytesMax: 100 } },
  "with delta encoding": { limits: { delta: true, dictionaryBytesMax: 0 } },
};

for (const [way, options] of Object.entries(WAYS)) {
  Deno.test(`rows of every type are read as they were written, ${way}`, () =>
    withSeed((random) =>
      inFolder(async (folder) => {
        const { fields, rows } = new TableMaker(random).table(200);
        const path = `${folder}/a.parquet`;
        writeTable(path, fields, rows, options);
        const db = await DuckDb.open({ threads: 1 });
        try {
          const connection = await db.connect();
          await connection.run(`CREATE TABLE wanted AS ${await jsonRows(`${folder}/a.json`, fields, rows)}`);
          const found = withTextualBytes(fields, `FROM read_parquet(${quotePath(path)})`);
          const count = async (sql: string) => (await connection.rows(`SELECT count(*) AS n FROM (${sql})`))[0]!.n;
          deepStrictEqual(await count(found), BigInt(rows.length));
          deepStrictEqual(await connection.rows(`SELECT * FROM (FROM wanted EXCEPT ALL ${found}) LIMIT 1`), []);
        } finally {
          db.close();
        }
      })
    ));
}
