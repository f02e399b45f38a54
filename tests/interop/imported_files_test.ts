import { deepStrictEqual as assertEquals } from "node:assert/strict";
import { IcebergWorld } from "../support/iceberg_world.ts";
import { sparkTest } from "../support/spark.ts";

sparkTest(
  "files that were imported into a table, without field ids and without their partition's column, are read by name",
  (useSpark) =>
    IcebergWorld.use((world) =>
      useSpark(`${world.folder}/warehouse`, async (spark) => {
        const source = `${world.folder}/imported`;
        await spark.sql(
          `CREATE TABLE imported (id BIGINT, nested STRUCT<a: INT, b: STRING>, tags ARRAY<STRING>, region STRING) USING parquet
        PARTITIONED BY (region) LOCATION '${source}'`,
        );
        await spark.sql(
          "INSERT INTO imported VALUES (1, named_struct('a', 5, 'b', 'x'), array('t'), 'eu'), (2, NULL, NULL, 'us')",
        );
        const name = "lab.imported";
        await spark.sql(
          `CREATE TABLE lake.${name} (id BIGINT, nested STRUCT<a: INT, b: STRING>, tags ARRAY<STRING>, region STRING) USING iceberg
        PARTITIONED BY (region)`,
        );
        await spark.sql(`CALL lake.system.add_files(table => '${name}', source_table => '\`parquet\`.\`${source}\`')`);
        await spark.sql(`INSERT INTO lake.${name} VALUES (3, named_struct('a', 7, 'b', 'y'), array('u'), 'eu')`);
        await spark.sql(`ALTER TABLE lake.${name} RENAME COLUMN id TO number`);
        assertEquals(await world.ask(`SELECT * FROM ${name}`), await spark.sql(`SELECT * FROM lake.${name}`));
      })
    ),
);
