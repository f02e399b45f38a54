import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { type LoadedTable, parseIdentifier } from "../../core/iceberg/catalog/catalog.ts";
import { expireTable } from "../../core/maintain/removal/expire.ts";
import type { Field } from "../../core/iceberg/format/type.ts";
import { rewriteTableManifests } from "../../core/maintain/manifests.ts";
import { removeOrphans } from "../../core/maintain/removal/orphans.ts";
import type { ClusterTasks } from "../../core/routing/task_cluster.ts";
import { MaintainWorld } from "../maintain/maintain_world.ts";
import { rewritingCluster } from "../maintain/rewriting_cluster.ts";
import { pythonTest } from "../support/python.ts";
import { sparkTest } from "../support/spark.ts";
import { allTypes, everyTransform, rowsOfAllTypes, sparkRows, sparkTypes } from "./all_types.ts";
import {
  assertDuckDbSees,
  assertPartitionsAddUp,
  assertPyIcebergSees,
  assertSparkSees,
  ourView,
  type View,
} from "./same_view.ts";

/** All four jobs; only the newest snapshot stays. Returns how many files were rewritten. */
async function lookAfter(world: MaintainWorld, name: string, tasks?: ClusterTasks): Promise<number> {
  const { surroundings } = world;
  const load = () => world.load(parseIdentifier(name));
  const { inputs } = await world.compactFrom(await load(), { tasks });
  await rewriteTableManifests(surroundings, await load(), { dryRun: false });
  await expireTable(surroundings, await load(), { olderThanMs: 0, retainLast: 1, dryRun: false });
  await removeOrphans(surroundings, await load(), { olderThanMs: 0, dryRun: false });
  strictEqual((await load()).metadata.snapshots.length, 1);
  return inputs.files;
}

/**
 * Twice the rows in a table, looked after; `sees` compares the table with our view of it, before
 * and after.
 */
async function assertSeenAlike(
  world: MaintainWorld,
  columns: Field[],
  rows: string,
  sees: (table: LoadedTable, view: View) => Promise<void>,
  tables: readonly (typeof everyTransform)[number][] = [{ name: "plain", partitionBy: [] }, ...everyTransform],
  tasks?: ClusterTasks,
): Promise<void> {
  for (const { name, partitionBy } of tables) {
    const table = `lab.${name}`;
    const first = await world.lake.append(await world.lake.create(table, columns, partitionBy), rows);
    const twice = await world.lake.append(first, rows);
    const before = await ourView(world.lake, twice);
    strictEqual(before.rows.length, 48);
    await sees(twice, before);
    ok(await lookAfter(world, table, tasks) >= 2, name);
    const after = await world.load(parseIdentifier(table));
    const view = await ourView(world.lake, after);
    deepStrictEqual(view.rows, before.rows, name);
    await assertPartitionsAddUp(after, view);
    await sees(after, view);
  }
}

pythonTest(
  "PyIceberg and DuckDB see the same as we do after upkeep as before, every type and transform",
  (python) =>
    MaintainWorld.use((world) =>
      assertSeenAlike(world, allTypes, rowsOfAllTypes, async (table, view) => {
        await assertPyIcebergSees(python, table, view);
        await assertDuckDbSees(python, table, view);
      })
    ),
);

pythonTest(
  "PyIceberg sees the same after tasks of a cluster have rewritten the files, every type",
  (python) =>
    MaintainWorld.use((world) =>
      assertSeenAlike(
        world,
        allTypes,
        rowsOfAllTypes,
        (table, view) => assertPyIcebergSees(python, table, view),
        everyTransform.slice(0, 1),
        rewritingCluster(),
      )
    ),
);

sparkTest(
  "Spark sees the same as we do after upkeep as before, every type and transform",
  (useSpark) =>
    MaintainWorld.use((world) =>
      useSpark(
        `${world.lake.folder}/warehouse`,
        (spark) => assertSeenAlike(world, sparkTypes, sparkRows, (table, view) => assertSparkSees(spark, table, view)),
      )
    ),
);

sparkTest(
  "tables of Spark with row deletes and changed structs are compacted, and Spark reads them as before",
  (useSpark) =>
    MaintainWorld.use((world) =>
      useSpark(`${world.lake.folder}/warehouse`, async (spark) => {
        const name = "lab.of_spark";
        await spark.sql("CREATE NAMESPACE IF NOT EXISTS lake.lab");
        await spark.sql(`CREATE TABLE lake.${name} (id BIGINT, at TIMESTAMP, place STRUCT<x: INT, y: STRING>,
        tags ARRAY<STRUCT<k: STRING>>, day DATE) USING iceberg PARTITIONED BY (day)
        TBLPROPERTIES ('format-version'='2', 'write.delete.mode'='merge-on-read', 'write.update.mode'='merge-on-read')`);
        const insert = (from: number) =>
          spark.sql(
            `INSERT INTO lake.${name} SELECT id, TIMESTAMP '2026-03-01 00:00:00Z' + make_interval(0, 0, 0, 0, id),
          named_struct('x', CAST(id AS INT), 'y', 'y'), array(named_struct('k', 'k')), DATE '2026-03-01'
          FROM range(${from}, ${from + 20})`,
          );
        await insert(0);
        await insert(20);
        await spark.sql(`DELETE FROM lake.${name} WHERE id % 5 = 0`);
        await spark.sql(`UPDATE lake.${name} SET place = NULL WHERE id = 7`);
        await spark.sql(`ALTER TABLE lake.${name} RENAME COLUMN place.x TO longitude`);
        await spark.sql(`ALTER TABLE lake.${name} ALTER COLUMN place.longitude TYPE BIGINT`);
        await spark.sql(`ALTER TABLE lake.${name} RENAME COLUMN tags.element.k TO name`);
        await spark.sql(`ALTER TABLE lake.${name} ADD COLUMN place.z DOUBLE`);
        await spark.sql(`INSERT INTO lake.${name} SELECT 100, TIMESTAMP '2026-03-02 00:00:00Z',
        named_struct('longitude', 5000000000, 'y', 'new', 'z', 1.5D), array(named_struct('name', 'n')), DATE '2026-03-01'`);
        const before = await spark.sql(`SELECT * FROM lake.${name}`);
        strictEqual(before.length, 33);
        deepStrictEqual(await world.lake.ask(`SELECT * FROM ${name}`), before);
        const files = await lookAfter(world, name);
        ok(files >= 3, String(files));
        await spark.sql(`REFRESH TABLE lake.${name}`);
        deepStrictEqual(await spark.sql(`SELECT * FROM lake.${name}`), before);
        deepStrictEqual(await world.lake.ask(`SELECT * FROM ${name}`), before);
        const table = await world.load(parseIdentifier(name));
        strictEqual(table.metadata.snapshots[0]!.summary["total-delete-files"] ?? "0", "0");
        strictEqual((await world.liveFiles(parseIdentifier(name))).length, 1);
      })
    ),
);
