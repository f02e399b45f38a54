import { deepStrictEqual as assertEquals } from "node:assert/strict";
import { rewriteManifests } from "../../core/iceberg/action/rewrite_manifests.ts";
import { updateSchema } from "../../core/iceberg/action/update_schema.ts";
import { IcebergWorld } from "../support/iceberg_world.ts";
import { Spark, spark4, sparkTest } from "../support/spark.ts";
import { allTypes, everyTransform, rowsOfAllTypes } from "./all_types.ts";

/** Spark has no type for a time of day that Iceberg's `time` could be. */
const types = allTypes.filter((field) => field.name !== "t");
const rows = `SELECT * EXCLUDE (t) FROM (${rowsOfAllTypes})`;

sparkTest(
  "Spark 4 and we read and change each other's tables, of every type and transform",
  () =>
    IcebergWorld.use((world) =>
      Spark.use(`${world.folder}/warehouse`, async (spark) => {
        const expected = await world.jsonRows(rows);
        for (const { name, partitionBy } of everyTransform) {
          await world.append(await world.create(`lab.${name}`, types, partitionBy), rows);
          assertEquals(await spark.sql(`SELECT * FROM lake.lab.${name}`), expected, name);
        }
        const name = "lab.by_bucket";
        await spark.sql(`ALTER TABLE lake.${name} SET TBLPROPERTIES ('write.delete.mode'='merge-on-read')`);
        await spark.sql(`DELETE FROM lake.${name} WHERE id % 5 = 1`);
        await spark.sql(`ALTER TABLE lake.${name} ADD COLUMN extra INT`);
        await spark.sql(`UPDATE lake.${name} SET extra = id WHERE id > 15`);
        assertEquals(await world.ask(`SELECT * FROM ${name}`), await spark.sql(`SELECT * FROM lake.${name}`));
        await world.commit(name, async (transaction) => {
          transaction.add(updateSchema(transaction.metadata, [
            { change: "widen-column", path: "extra", type: { type: "long" } },
            { change: "drop-column", path: "tags" },
          ]));
          transaction.add(await rewriteManifests(transaction));
        });
        const more = `SELECT 99::INT AS id, 5000000000 AS extra, * EXCLUDE (id, tags) FROM (${rows}) WHERE id = 3`;
        await world.append(await world.load(name), more);
        assertEquals(await world.ask(`SELECT * FROM ${name}`), await spark.sql(`SELECT * FROM lake.${name}`));
        await spark.sql(
          `CALL lake.system.rewrite_data_files(table => '${name}', options => map('rewrite-all','true'))`,
        );
        assertEquals(await world.ask(`SELECT * FROM ${name}`), await spark.sql(`SELECT * FROM lake.${name}`));
      }, spark4)
    ),
  spark4,
);
