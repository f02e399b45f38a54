import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { systemClock } from "../../core/base/clock.ts";
import { ask } from "../e2e/program.ts";
import { pythonTest } from "../support/python.ts";
import { sparkTest } from "../support/spark.ts";
import { besideConsume, foreignIds, withBusyLake } from "./served_lake.ts";

const writesMsMax = 120_000;

async function untilWritten(folder: string, rows: number): Promise<void> {
  const endMs = performance.now() + writesMsMax;
  while ((await foreignIds(folder)).length < rows && performance.now() < endMs) await systemClock.sleep(200);
}

pythonTest(
  "PyIceberg appends to and deletes from the table that a running consumer fills",
  (python) =>
    withBusyLake(async (lake) => {
      const stop = `${lake.folder}/stop`;
      const writing = python.json<{ written: string[]; deleted: string[] }>("foreign_writer.py", lake.uri, stop);
      await besideConsume(lake, async () => {
        await untilWritten(lake.folder, 5);
        await Deno.writeTextFile(stop, "");
        const { written, deleted } = await writing;
        ok(written.length + deleted.length >= 3, `${written.length} rows were added, ${deleted.length} deleted`);
        return written;
      });
    }),
);

pythonTest(
  "DuckDB creates, fills and reads tables beside a running consumer",
  (python) =>
    withBusyLake(async (lake) => {
      await besideConsume(lake, async () => {
        const { own, written, read } = await python.json<{ own: string[]; written: string[]; read: number }>(
          "duckdb_writer.py",
          lake.uri,
        );
        const [seen] = await ask(lake.folder, "SELECT list(name ORDER BY id) AS names FROM lab.shared");
        deepStrictEqual(own, seen!.names);
        ok(read > 0, `${read} events`);
        return written;
      });
    }),
);

sparkTest(
  "Spark creates, changes and reads tables beside a running consumer",
  (useSpark) =>
    withBusyLake((lake) =>
      useSpark(lake.uri, async (spark) => {
        await besideConsume(lake, async () => {
          const table = "lake.lab.shared";
          await spark.sql("CREATE NAMESPACE IF NOT EXISTS lake.lab");
          await spark.sql(
            `CREATE TABLE ${table} (id BIGINT, name STRING) USING iceberg PARTITIONED BY (bucket(2, id))`,
          );
          await spark.sql(`INSERT INTO ${table} SELECT id, concat('n', id) FROM range(20)`);
          await spark.sql(`DELETE FROM ${table} WHERE id < 5`);
          await spark.sql(`ALTER TABLE ${table} ADD COLUMN extra STRING`);
          await spark.sql(`UPDATE ${table} SET extra = 'x' WHERE id % 2 = 0`);
          const [counted] = await ask(lake.folder, "SELECT count(*) AS n, count(extra) AS extras FROM lab.shared");
          deepStrictEqual([Number(counted!.n), Number(counted!.extras)], [15, 7]);
          const written = ["spark-0", "spark-1", "spark-2"];
          for (const id of written) {
            await spark.sql(
              `INSERT INTO lake.bronze.events (user_id, event_id, event_type, event_timestamp, _ingested_at,
              _source_file, _source_position, _batch_id, product_id, properties)
            VALUES ('foreign', '${id}', 'foreign', TIMESTAMP '2026-03-01 12:00:00', TIMESTAMP '2026-03-01 12:00:00',
              'foreign', 0, 0, NULL, NULL)`,
            );
          }
          const [ours] = await spark.sql("SELECT count(*) AS n FROM lake.bronze.events WHERE _source_file = 'foreign'");
          strictEqual(JSON.parse(ours!).n, written.length);
          return written;
        });
      })
    ),
);
