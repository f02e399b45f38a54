import { IcebergWorld } from "../support/iceberg_world.ts";
import { ServedLake } from "../support/lake_server.ts";
import { findPython, type Python, pythonTest } from "../support/python.ts";
import { connectRest, restCatalogTest, withRestCatalog } from "../support/rest_catalog_server.ts";
import { sparkTest } from "../support/spark.ts";
import { deepStrictEqual as assertEquals } from "node:assert/strict";

const name = "lab.shared";

async function assertSame(world: IcebergWorld, seen: string[]): Promise<void> {
  assertEquals(await world.ask(`SELECT * FROM ${name}`), seen);
}

async function inTurn(world: IcebergWorld, python: Python, uri: string): Promise<void> {
  const step = async (what: string) =>
    (await python.ask<{ rows: string[] }>("rest_steps.py", { uri, step: what })).rows;
  await assertSame(world, await step("create"));
  let table = await world.load(name);
  await world.append(table, `SELECT 900::BIGINT AS id, TIMESTAMPTZ '2026-03-04 00:00:00+00' AS at, 'ours' AS name`);
  await assertSame(world, await step("read"));
  await assertSame(world, await step("change"));
  table = await world.load(name);
  await world.append(
    table,
    `SELECT 901::BIGINT AS id, TIMESTAMPTZ '2026-03-04 00:00:00+00' AS at, 'again' AS title, 7::BIGINT AS extra`,
  );
  await assertSame(world, await step("read"));
}

restCatalogTest(
  "PyIceberg and we change one table of a REST catalog in turn",
  () =>
    IcebergWorld.use((world) =>
      withRestCatalog(world.folder, async (uri) => {
        const catalog = await connectRest(uri);
        world.catalog = catalog;
        await inTurn(world, await findPython(), uri);
      })
    ),
);

pythonTest(
  "PyIceberg through our own server, and we on the lake's files, change one table in turn",
  (python) =>
    IcebergWorld.use((world) =>
      ServedLake.use(({ address }) => inTurn(world, python, `${address}/catalog`), { folder: world.folder })
    ),
);

sparkTest(
  "Spark and we change one table of a REST catalog in turn",
  (useSpark) =>
    IcebergWorld.use((world) =>
      withRestCatalog(world.folder, async (uri) => {
        const catalog = await connectRest(uri);
        world.catalog = catalog;
        const fields = ["id", "n"].map((field) => ({
          id: 0,
          name: field,
          required: false,
          type: { type: "long" as const },
        }));
        const table = await world.create(name, fields, [{ column: "id", transform: { name: "bucket", buckets: 2 } }]);
        await world.append(table, "SELECT i AS id, i AS n FROM range(20) r(i)");
        await useSpark(uri, async (spark) => {
          await spark.sql(`DELETE FROM lake.${name} WHERE id < 4`);
          await spark.sql(`UPDATE lake.${name} SET n = -n WHERE id % 3 = 0`);
          await spark.sql(`ALTER TABLE lake.${name} ADD COLUMN extra STRING`);
          await assertSame(world, await spark.sql(`SELECT * FROM lake.${name}`));
          await world.append(
            await world.load(name),
            "SELECT 50::BIGINT AS id, 'ours' AS extra",
          );
          await assertSame(world, await spark.sql(`SELECT * FROM lake.${name}`));
        });
      })
    ),
);
