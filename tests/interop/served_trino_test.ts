import { deepStrictEqual, rejects } from "node:assert/strict";
import { ask, succeed } from "../e2e/program.ts";
import { Trino, trinoTest } from "../support/trino.ts";
import { besideConsume, type BusyLake, withBusyLake } from "./served_lake.ts";

function trinoOnBusyLake(name: string, run: (lake: BusyLake, trino: Trino) => Promise<void>): void {
  trinoTest(
    name,
    () => withBusyLake((lake) => Trino.use(lake.uri, `${lake.folder}/trino`, (trino) => run(lake, trino))),
  );
}

/** In words that both understand. */
const FACTS = `count(*) AS n, count(DISTINCT event_id) AS ids, count(product_id) AS products,
  sum(cardinality(properties)) AS entries, sum(hour(event_timestamp) * 60 + minute(event_timestamp)) AS minutes`;

/** As it is now, and as it was. */
async function readsTheSame(folder: string, trino: Trino): Promise<void> {
  const [first] = await trino.sql(
    'SELECT CAST(snapshot_id AS VARCHAR) FROM bronze."events$snapshots" ORDER BY committed_at LIMIT 1',
  );
  const versions = [["", ""], [`FOR VERSION AS OF ${first}`, `AT (VERSION => ${first})`]];
  for (const [theirs, ours] of versions) {
    const [read] = await trino.sql(`SELECT ${FACTS} FROM bronze.events ${theirs}`);
    const [expected] = await ask(folder, `SELECT ${FACTS} FROM bronze.events ${ours}`);
    deepStrictEqual(read!.map(Number), Object.values(expected!).map(Number));
  }
}

async function changesItsOwn(folder: string, trino: Trino): Promise<void> {
  await trino.sql("CREATE SCHEMA lab");
  await trino.sql("CREATE TABLE lab.shared (id BIGINT, name VARCHAR) WITH (partitioning = ARRAY['bucket(id, 2)'])");
  await trino.sql("INSERT INTO lab.shared SELECT n, 'n' || CAST(n AS VARCHAR) FROM UNNEST(sequence(0, 19)) AS t(n)");
  await trino.sql("DELETE FROM lab.shared WHERE id < 5");
  await trino.sql("ALTER TABLE lab.shared ADD COLUMN extra VARCHAR");
  await trino.sql("UPDATE lab.shared SET extra = 'x' WHERE id % 2 = 0");
  await trino.sql(`MERGE INTO lab.shared AS t USING (VALUES (6, 'six'), (100, 'new')) AS s(id, name) ON t.id = s.id
  WHEN MATCHED THEN UPDATE SET name = s.name WHEN NOT MATCHED THEN INSERT (id, name) VALUES (s.id, s.name)`);
  const [counted] = await ask(folder, "SELECT count(*) AS n, count(extra) AS extras FROM lab.shared");
  deepStrictEqual([Number(counted!.n), Number(counted!.extras)], [16, 7]);
  await trino.sql("CREATE TABLE lab.some AS SELECT event_id, properties FROM bronze.events");
  await trino.sql("CREATE OR REPLACE TABLE lab.some AS SELECT id FROM lab.shared WHERE name = 'six'");
  deepStrictEqual(await ask(folder, "SELECT id::INT AS id FROM lab.some"), [{ id: 6 }]);
  await trino.sql("DROP TABLE lab.some");
  await rejects(trino.sql("SELECT * FROM lab.some"), /does not exist/);
  await trino.sql("CREATE TABLE lab.some (id BIGINT)");
}

trinoOnBusyLake(
  "Trino creates, changes and reads tables beside a running consumer, which goes on from what it wrote",
  async (lake, trino) => {
    const written = ["trino-0", "trino-1", "trino-2"];
    await besideConsume(lake, async () => {
      for (const id of written) {
        await trino.sql(
          `INSERT INTO bronze.events (user_id, event_id, event_type, event_timestamp, _ingested_at, _source_file,
  _source_position, _batch_id) VALUES ('foreign', '${id}', 'foreign', TIMESTAMP '2026-03-01 12:00:00 UTC',
  TIMESTAMP '2026-03-01 12:00:00 UTC', 'foreign', 0, 0)`,
        );
      }
      await changesItsOwn(lake.folder, trino);
      return written;
    });
    await readsTheSame(lake.folder, trino);
    await trino.sql("DELETE FROM bronze.events WHERE _source_file = 'foreign'");
    await lake.produce(3, 2);
    await lake.ingested();
    await succeed(lake.folder, ["maintain", "--source", "lake", "--audit"]);
  },
);
