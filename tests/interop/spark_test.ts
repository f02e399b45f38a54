import { deepStrictEqual as assertEquals } from "node:assert/strict";
import { rewriteManifests } from "../../core/iceberg/action/rewrite_manifests.ts";
import { setRef } from "../../core/iceberg/action/update_refs.ts";
import { updateSchema } from "../../core/iceberg/action/update_schema.ts";
import { updateSpec } from "../../core/iceberg/action/update_spec.ts";
import { parseIdentifier } from "../../core/iceberg/catalog.ts";
import { commitTable } from "../../core/iceberg/commit.ts";
import { systemClock } from "../../core/base/clock.ts";
import type { LoadedTable } from "../../core/iceberg/catalog.ts";
import type { Transaction } from "../../core/iceberg/transaction.ts";
import type { Field } from "../../core/iceberg/spec/type.ts";
import { IcebergWorld } from "../support/iceberg_world.ts";
import { Spark, sparkTest } from "../support/spark.ts";
import { allTypes, everyTransform, rowsOfAllTypes } from "./all_types.ts";

/** Spark has no type for a time of day. */
const sparkTypes: Field[] = allTypes.filter((field) => field.name !== "t");
const sparkRows = `SELECT * EXCLUDE (t) FROM (${rowsOfAllTypes})`;

async function withSpark(action: (world: IcebergWorld, spark: Spark) => Promise<void>): Promise<void> {
  await IcebergWorld.use((world) => Spark.use(`${world.folder}/warehouse`, (spark) => action(world, spark)));
}

async function commit(
  world: IcebergWorld,
  name: string,
  build: (transaction: Transaction) => Promise<void> | void,
): Promise<LoadedTable> {
  const options = { clock: systemClock, random: world.random };
  return (await commitTable(world.catalog, parseIdentifier(name), build, options)).table;
}

async function assertSame(world: IcebergWorld, spark: Spark, name: string, expected?: string[]): Promise<void> {
  const seen = await spark.sql(`SELECT * FROM lake.${name}`);
  assertEquals(await world.ask(`SELECT * FROM ${name}`), seen);
  if (expected) assertEquals(seen, expected);
  const table = (await world.catalog.loadTable(parseIdentifier(name)))!;
  const snapshots = await spark.sql(`SELECT CAST(snapshot_id AS STRING) id, operation op FROM lake.${name}.snapshots`);
  const ours = table.metadata.snapshots.map((snapshot) =>
    JSON.stringify({ id: String(snapshot.snapshotId), op: snapshot.summary.operation })
  );
  assertEquals(snapshots.toSorted(), ours.toSorted());
}

sparkTest("Spark reads what we wrote, and we read what Spark wrote", async () => {
  await withSpark(async (world, spark) => {
    await world.append(await world.create("lab.all_types", sparkTypes), sparkRows);
    const rows = await world.jsonRows(sparkRows);
    await assertSame(world, spark, "lab.all_types", rows);

    for (const { name, partitionBy } of everyTransform) {
      await world.append(await world.create(`lab.${name}`, sparkTypes, partitionBy), sparkRows);
      await assertSame(world, spark, `lab.${name}`, rows);
    }
  });
});

sparkTest("Spark goes on where we stopped, and we where Spark did", async () => {
  await withSpark(async (world, spark) => {
    const fields: Field[] = [
      { id: 0, name: "id", required: false, type: { type: "int" } },
      { id: 0, name: "at", required: false, type: { type: "timestamptz" } },
      { id: 0, name: "name", required: false, type: { type: "string" } },
    ];
    const name = "lab.shared";
    const rows = (from: number, to: number) =>
      `SELECT i::INT AS id, TIMESTAMPTZ '2026-03-01 00:00:00+00' + to_hours(i) AS at, 'n' || i AS name FROM range(${from}, ${to}) r(i)`;
    let table = await world.create(name, fields, [{ column: "at", transform: { name: "day" } }]);
    table = await world.append(table, rows(0, 50));
    await spark.sql(`INSERT INTO lake.${name} VALUES (100, TIMESTAMP '2026-03-02 12:00:00Z', 'spark')`);
    await assertSame(world, spark, name);

    await spark.sql(`ALTER TABLE lake.${name} SET TBLPROPERTIES ('write.delete.mode'='merge-on-read',
      'write.update.mode'='merge-on-read', 'write.merge.mode'='merge-on-read')`);
    await spark.sql(`DELETE FROM lake.${name} WHERE id % 7 = 3`);
    await spark.sql(`UPDATE lake.${name} SET name = 'changed' WHERE id = 10`);
    await assertSame(world, spark, name);
    await world.append((await world.catalog.loadTable(parseIdentifier(name)))!, rows(50, 60));
    await spark.sql(
      `MERGE INTO lake.${name} t USING (SELECT id, at, 'merged' AS name FROM lake.${name} WHERE id BETWEEN 40 AND 52) s
      ON t.id = s.id WHEN MATCHED AND t.id % 2 = 0 THEN DELETE WHEN MATCHED THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT *`,
    );
    await assertSame(world, spark, name);

    await spark.sql(`ALTER TABLE lake.${name} ALTER COLUMN id TYPE BIGINT`);
    await spark.sql(`ALTER TABLE lake.${name} ADD COLUMN extra STRUCT<a: INT, b: ARRAY<STRING>> AFTER id`);
    await spark.sql(`ALTER TABLE lake.${name} RENAME COLUMN name TO title`);
    await spark.sql(`ALTER TABLE lake.${name} ADD PARTITION FIELD bucket(4, id)`);
    await spark.sql(
      `INSERT INTO lake.${name} SELECT 4000000000, named_struct('a', 1, 'b', array('x')), TIMESTAMP '2026-03-05 00:00:00Z', 't'`,
    );
    await assertSame(world, spark, name);

    await commit(world, name, (transaction) => {
      transaction.add(updateSchema(transaction.metadata, [
        { change: "add-column", field: { id: 0, name: "ours", required: false, type: { type: "double" } } },
        { change: "rename-column", path: "title", name: "label" },
      ]));
      transaction.add(updateSpec(transaction.metadata, {
        add: [{ column: "label", transform: { name: "truncate", width: 2 } }],
        remove: ["at_day"],
      }));
    });
    table = (await world.catalog.loadTable(parseIdentifier(name)))!;
    await world.append(
      table,
      `SELECT i::BIGINT AS id, NULL::STRUCT(a INT, b VARCHAR[]) AS extra,
      TIMESTAMPTZ '2026-03-09 00:00:00+00' AS at, 'l' || i AS label, i / 3.0 AS ours FROM range(70, 75) r(i)`,
    );
    await assertSame(world, spark, name);

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
    table = await commit(world, name, async (transaction) => transaction.add(await rewriteManifests(transaction)));
    await assertSame(world, spark, name, before);

    const [first] = table.metadata.snapshots;
    await commit(world, name, (transaction) => {
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
      (await world.catalog.loadTable(parseIdentifier(name)))!,
      `SELECT 999::BIGINT AS id, TIMESTAMPTZ '2026-03-09 00:00:00+00' AS at, 'last' AS label`,
    );
    await assertSame(world, spark, name);
  });
});
