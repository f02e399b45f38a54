import { deepStrictEqual as assertEquals, rejects } from "node:assert/strict";
import { rewriteManifests } from "../../core/iceberg/action/rewrite_manifests.ts";
import { setRef } from "../../core/iceberg/action/update_refs.ts";
import { upgradeTable } from "../../core/iceberg/action/upgrade_table.ts";
import { updateSchema } from "../../core/iceberg/action/update_schema.ts";
import { updateSpec } from "../../core/iceberg/action/update_partitioning.ts";
import type { Field } from "../../core/iceberg/format/type.ts";
import { IcebergWorld } from "../support/iceberg_world.ts";
import { type Spark, sparkTest, type UseSpark } from "../support/spark.ts";
import { everyTransform, rowsOfAllTypes, sparkRows, sparkTypes } from "./all_types.ts";
import { assertSparkSees, ourView } from "./same_view.ts";

async function withSpark(
  useSpark: UseSpark,
  action: (world: IcebergWorld, spark: Spark) => Promise<void>,
): Promise<void> {
  await IcebergWorld.use((world) => useSpark(`${world.folder}/warehouse`, (spark) => action(world, spark)));
}

async function assertSame(world: IcebergWorld, spark: Spark, name: string, expected?: string[]): Promise<void> {
  const table = await world.load(name);
  const view = await ourView(world, table);
  if (expected) assertEquals(view.rows, expected);
  await assertSparkSees(spark, table, view);
}

sparkTest("Spark reads what we wrote, and we read what Spark wrote", async (useSpark) => {
  await withSpark(useSpark, async (world, spark) => {
    await world.append(await world.create("lab.all_types", sparkTypes), sparkRows);
    const rows = await world.jsonRows(sparkRows);
    await assertSame(world, spark, "lab.all_types", rows);

    for (const { name, partitionBy } of everyTransform) {
      await world.append(await world.create(`lab.${name}`, sparkTypes, partitionBy), sparkRows);
      await assertSame(world, spark, `lab.${name}`, rows);
    }
  });
});

/** The table that Spark and we hand to each other. */
const name = "lab.shared";

async function changeRowsInTurn(world: IcebergWorld, spark: Spark): Promise<void> {
  const fields: Field[] = [
    { id: 0, name: "id", required: false, type: { type: "int" } },
    { id: 0, name: "at", required: false, type: { type: "timestamptz" } },
    { id: 0, name: "name", required: false, type: { type: "string" } },
  ];
  const rows = (from: number, to: number) =>
    `SELECT i::INT AS id, TIMESTAMPTZ '2026-03-01 00:00:00+00' + to_hours(i) AS at, 'n' || i AS name FROM range(${from}, ${to}) r(i)`;
  const created = await world.create(name, fields, [{ column: "at", transform: { name: "day" } }]);
  await world.append(created, rows(0, 50));
  await spark.sql(`INSERT INTO lake.${name} VALUES (100, TIMESTAMP '2026-03-02 12:00:00Z', 'spark')`);
  await assertSame(world, spark, name);

  await spark.sql(`ALTER TABLE lake.${name} SET TBLPROPERTIES ('write.delete.mode'='merge-on-read',
    'write.update.mode'='merge-on-read', 'write.merge.mode'='merge-on-read')`);
  await spark.sql(`DELETE FROM lake.${name} WHERE id % 7 = 3`);
  await spark.sql(`UPDATE lake.${name} SET name = 'changed' WHERE id = 10`);
  await assertSame(world, spark, name);
  await world.append(await world.load(name), rows(50, 60));
  await spark.sql(
    `MERGE INTO lake.${name} t USING (SELECT id, at, 'merged' AS name FROM lake.${name} WHERE id BETWEEN 40 AND 52) s
    ON t.id = s.id WHEN MATCHED AND t.id % 2 = 0 THEN DELETE WHEN MATCHED THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT *`,
  );
  await assertSame(world, spark, name);
}

async function evolveInTurn(world: IcebergWorld, spark: Spark): Promise<void> {
  await spark.sql(`ALTER TABLE lake.${name} ALTER COLUMN id TYPE BIGINT`);
  await spark.sql(`ALTER TABLE lake.${name} ADD COLUMN extra STRUCT<a: INT, b: ARRAY<STRING>> AFTER id`);
  await spark.sql(`ALTER TABLE lake.${name} RENAME COLUMN name TO title`);
  await spark.sql(`ALTER TABLE lake.${name} ADD PARTITION FIELD bucket(4, id)`);
  await spark.sql(
    `INSERT INTO lake.${name} SELECT 4000000000, named_struct('a', 1, 'b', array('x')), TIMESTAMP '2026-03-05 00:00:00Z', 't'`,
  );
  await assertSame(world, spark, name);

  await world.commit(name, (transaction) => {
    transaction.add(updateSchema(transaction.metadata, [
      { change: "add-column", field: { id: 0, name: "ours", required: false, type: { type: "double" } } },
      { change: "rename-column", path: "title", name: "label" },
    ]));
    transaction.add(updateSpec(transaction.metadata, {
      add: [{ column: "label", transform: { name: "truncate", width: 2 } }],
      remove: ["at_day"],
    }));
  });
  const table = await world.load(name);
  await world.append(
    table,
    `SELECT i::BIGINT AS id, NULL::STRUCT(a INT, b VARCHAR[]) AS extra,
    TIMESTAMPTZ '2026-03-09 00:00:00+00' AS at, 'l' || i AS label, i / 3.0 AS ours FROM range(70, 75) r(i)`,
  );
  await assertSame(world, spark, name);
}

async function tidyInTurn(world: IcebergWorld, spark: Spark): Promise<void> {
  await spark.sql(`ALTER TABLE lake.${name} SET TBLPROPERTIES ('write.delete.mode'='copy-on-write')`);
  await spark.sql(`DELETE FROM lake.${name} WHERE id % 11 = 5`);
  await assertSame(world, spark, name);
  await spark.sql(
    `CALL lake.system.rewrite_data_files(table => '${name}', options => map('min-input-files','2','rewrite-all','true'))`,
  );
  await spark.sql(
    `CALL lake.system.rewrite_position_delete_files(table => '${name}', options => map('rewrite-all','true'))`,
  );
  await assertSame(world, spark, name);
  const before = await spark.sql(`SELECT * FROM lake.${name}`);
  const table = await world.commit(name, async (transaction) => transaction.add(await rewriteManifests(transaction)));
  await assertSame(world, spark, name, before);

  const [first] = table.metadata.snapshots;
  await world.commit(name, (transaction) => {
    transaction.add(setRef(transaction.metadata, "start", { snapshotId: first!.snapshotId, type: "tag" }));
  });
  assertEquals((await spark.sql(`SELECT * FROM lake.${name} VERSION AS OF 'start'`)).length, 50);
  await spark.sql(
    `CALL lake.system.expire_snapshots(table => '${name}', older_than => TIMESTAMP '2100-01-01 00:00:00', retain_last => 1)`,
  );
  const partitions = await spark.sql(`SELECT sum(record_count) n, sum(file_count) f FROM lake.${name}.partitions`);
  const ours = await world.ask(
    `SELECT sum(record_count)::BIGINT n, sum(file_count)::BIGINT f FROM lab."shared$partitions"`,
  );
  assertEquals(ours, partitions);
  await world.append(
    await world.load(name),
    `SELECT 999::BIGINT AS id, TIMESTAMPTZ '2026-03-09 00:00:00+00' AS at, 'last' AS label`,
  );
  await assertSame(world, spark, name);
}

sparkTest(
  "Spark goes on where we stopped, and we where Spark did",
  (useSpark) =>
    withSpark(useSpark, async (world, spark) => {
      await changeRowsInTurn(world, spark);
      await evolveInTurn(world, spark);
      await tidyInTurn(world, spark);
    }),
);

sparkTest(
  "Tables that Spark made, of every type and transform and with equality deletes, are ours to read and write",
  async (useSpark) => {
    await withSpark(useSpark, async (world, spark) => {
      const columns =
        `id INT, l BIGINT, b BOOLEAN, f FLOAT, d DOUBLE, day DATE, ts TIMESTAMP_NTZ, tz TIMESTAMP, s STRING, bin BINARY,
      d9 DECIMAL(9,2), d18 DECIMAL(18,4), d38 DECIMAL(38,10), nested STRUCT<x: BIGINT, inner: STRUCT<y: STRING>>, tags ARRAY<STRING>, props MAP<STRING, STRING>`;
      const rows =
        `SELECT CAST(i AS INT) id, i * 4611686018427387 l, i % 2 = 0 b, CAST(i / 4 AS FLOAT) f, i / 8D d, date_add(DATE '1969-12-30', CAST(i AS INT)) day,
      TIMESTAMP_NTZ '1969-12-31 22:30:00' + make_interval(0, 0, 0, 0, i * 7) ts, TIMESTAMP '2026-02-27 23:59:59.999999Z' + make_interval(0, 0, 0, 0, i * 5) tz,
      IF(i % 4 = 0, NULL, concat('é😀 long enough to be cut ', i)) s, CAST(concat('bytes ', i) AS BINARY) bin, CAST(i * 1.25 AS DECIMAL(9,2)) d9,
      CAST(-i * 7.5 AS DECIMAL(18,4)) d18, CAST(i * 100000000000 AS DECIMAL(38,10)) d38, named_struct('x', i, 'inner', named_struct('y', concat('y', i))) nested,
      array(concat('a', i), NULL) tags, map(concat('k', i), 'v', 'n', NULL) props FROM range(24) r(i)`;
      const transforms = [
        "",
        "s",
        "b, day, d9, f",
        "bucket(3, id), bucket(3, s), bucket(3, d18), bucket(3, tz)",
        "truncate(7, l), truncate(7, s), truncate(7, d9)",
        "years(ts)",
        "months(day)",
        "days(tz)",
        "hours(ts)",
      ];
      for (const [i, transform] of transforms.entries()) {
        const name = `lab.spark_${i}`;
        const partitioned = transform === "" ? "" : `PARTITIONED BY (${transform})`;
        await spark.sql(
          `CREATE TABLE lake.${name} (${columns}) USING iceberg ${partitioned} TBLPROPERTIES ('format-version'='2')`,
        );
        await spark.sql(`INSERT INTO lake.${name} ${rows}`);
        await assertSame(world, spark, name);
        if (transform === "") await spark.equalityDelete(`lake.${name}`, "id", [3, 5, 900]);
        if (transform === "days(tz)") {
          await spark.equalityDelete(`lake.${name}`, "s", ["é😀 long enough to be cut 1", null], [20_512]);
        }
        await assertSame(world, spark, name);
        const table = await world.load(name);
        const more =
          `SELECT (id + 1000)::INT AS id, * EXCLUDE (id, u, t) FROM (${rowsOfAllTypes}) WHERE id < 5 UNION ALL BY NAME SELECT 3::INT AS id`;
        await world.append(table, more);
        await assertSame(world, spark, name);
      }
    });
  },
);

sparkTest(
  "a table of version 1 is read and upgraded, one of version 3 is read as long as it needs nothing of version 3",
  (useSpark) =>
    withSpark(useSpark, async (world, spark) => {
      const columns = "(id BIGINT, s STRING) USING iceberg PARTITIONED BY (bucket(2, id))";
      for (const version of [1, 3]) {
        const name = `lab.v${version}`;
        await spark.sql(`CREATE TABLE lake.${name} ${columns} TBLPROPERTIES ('format-version'='${version}')`);
        await spark.sql(`INSERT INTO lake.${name} VALUES (1, 'a'), (2, 'b'), (3, NULL)`);
        await spark.sql(`INSERT INTO lake.${name} VALUES (4, 'd')`);
        await assertSame(world, spark, name);
        await rejects(
          world.append(await world.load(name), "SELECT 5::BIGINT AS id"),
          /Cannot write to a table of format version/,
        );
      }
      await world.commit("lab.v1", (transaction) => transaction.add(upgradeTable(transaction.metadata, world.random)));
      await assertSame(world, spark, "lab.v1");
      await world.append(await world.load("lab.v1"), "SELECT 5::BIGINT AS id, 'ours' AS s");
      await world.commit("lab.v1", async (transaction) => transaction.add(await rewriteManifests(transaction)));
      await assertSame(world, spark, "lab.v1");
      await spark.sql("ALTER TABLE lake.lab.v3 SET TBLPROPERTIES ('write.delete.mode'='merge-on-read')");
      await spark.sql("INSERT INTO lake.lab.v3 SELECT id, 'many' FROM range(10, 40)");
      await spark.sql("DELETE FROM lake.lab.v3 WHERE id = 12");
      await rejects(world.ask("SELECT * FROM lab.v3"), /deletion vectors belong to version 3/);
    }),
);
