import { deepStrictEqual, ok, rejects } from "node:assert/strict";
import { IcebergWorld } from "../support/iceberg_world.ts";
import { withSeed } from "../support/seed.ts";
import { say } from "../support/say.ts";
import { OLDER_SPARK, type Spark, sparkTest } from "../support/spark.ts";
import { TableMaker } from "../tables/parquet/random_table.ts";
import { bloomFilters, ownTable, PREDICATES, prunedTable, SHAPES } from "./own_parquet.ts";
import { ourView } from "./same_view.ts";

const ROWS = 150;
/** Spark 4 cannot hand over a list's null struct with a required field (pyarrow's `view`). */
const REQUIRED_INSIDE = 0;
/** Each of both readers of Spark: Iceberg's, and its own for plain files, which is parquet-java. */
const VECTORISED = ["spark.sql.iceberg.vectorization.enabled", "spark.sql.parquet.enableVectorizedReader"];
/** What parquet-java leaves out by. */
const FILTERS = ["stats", "dictionary", "columnindex", "bloom"].map((by) => `parquet.filter.${by}.enabled`);

sparkTest(
  "Spark reads the files of our own writer, and finds in them what it looks for",
  (useSpark) =>
    withSeed((random) =>
      IcebergWorld.use((world) =>
        useSpark(`${world.folder}/warehouse`, async (spark) => {
          let read = 0;
          for (const [shape, options] of Object.entries(SHAPES)) {
            const made = new TableMaker(random, [], REQUIRED_INSIDE).table(ROWS);
            // Spark's own reader has no uuid.
            const plain = new TableMaker(random, ["uuid"], REQUIRED_INSIDE).table(ROWS);
            const ice = await ownTable(world, `lab.${shape}`, made, {
              ...options,
              properties: bloomFilters(made.fields),
            });
            const own = await ownTable(world, `lab.plain_${shape}`, plain, options);
            const wantedIce = (await ourView(world, ice.table)).rows,
              wantedOwn = (await ourView(world, own.table)).rows;
            for (const isVectorised of [true, false]) {
              for (const setting of VECTORISED) await spark.sql(`SET ${setting}=${isVectorised}`);
              deepStrictEqual(await spark.sql(`SELECT * FROM lake.lab.${shape}`), wantedIce, shape);
              deepStrictEqual(await spark.sql(`SELECT * FROM parquet.\`${own.path}\``), wantedOwn, shape);
              read += wantedIce.length + wantedOwn.length;
            }
          }
          say(`${read} rows of every type, the same`);
          await assertPredicates(world, spark);
        })
      )
    ),
);

sparkTest(
  "Spark with an older Iceberg reads, vectorised, what our own writer writes unless a property asks for more",
  (useSpark) =>
    withSeed((random) =>
      IcebergWorld.use((world) =>
        useSpark(`${world.folder}/warehouse`, async (spark) => {
          let read = 0;
          for (const [shape, options] of Object.entries(SHAPES)) {
            const { table } = await ownTable(world, `lab.${shape}`, new TableMaker(random).table(ROWS), options);
            const ask = () => spark.sql(`SELECT * FROM lake.lab.${shape}`);
            // Vectorised is how it reads unless told otherwise; nested columns keep it from that.
            const plain = () => spark.sql(`SELECT id FROM lake.lab.${shape}`);
            if (options.limits?.delta) {
              await rejects(plain(), /[Cc]annot support vectorized reads.*DELTA_BINARY_PACKED/s);
            } else {
              const wanted = (await ourView(world, table)).rows;
              deepStrictEqual(await ask(), wanted, shape);
              const ids = Array.from({ length: ROWS }, (_, id) => JSON.stringify({ id })).sort();
              deepStrictEqual(await plain(), ids, shape);
              read += wanted.length;
            }
          }
          say(`${read} rows of every type, the same`);
        })
      )
    ),
  [OLDER_SPARK],
);

async function assertPredicates(world: IcebergWorld, spark: Spark): Promise<void> {
  const made = prunedTable();
  const { path } = await ownTable(world, "lab.pruned", made, {
    groupRows: 2000,
    limits: { rowsMax: 100 },
    properties: bloomFilters(made.fields),
  });
  const ask = async (table: string) => {
    const queries = PREDICATES.map((predicate, i) =>
      `SELECT ${i} AS n, id, name, token FROM ${table} WHERE ${predicate}`
    );
    return await spark.sql(queries.join(" UNION ALL "));
  };
  await spark.sql("SET spark.sql.parquet.filterPushdown=false");
  const wanted = await ask(`parquet.\`${path}\``);
  await spark.sql("SET spark.sql.parquet.filterPushdown=true");
  for (const isVectorised of [true, false]) {
    for (const setting of VECTORISED) await spark.sql(`SET ${setting}=${isVectorised}`);
    deepStrictEqual(await ask("lake.lab.pruned"), wanted, "Iceberg");
    deepStrictEqual(await ask(`parquet.\`${path}\``), wanted, "all filters");
  }
  // One by one without vectors: there a filter that leaves out too much is hidden by no other.
  for (const filter of FILTERS) {
    for (const each of FILTERS) await spark.sql(`SET ${each}=${each === filter}`);
    deepStrictEqual(await ask(`parquet.\`${path}\``), wanted, filter);
  }
  const found = new Set(wanted.map((row) => (JSON.parse(row) as { n: number }).n));
  say(
    `${PREDICATES.length} predicates, ${
      PREDICATES.length - found.size
    } of them on nothing: the same rows by each filter`,
  );
  ok(found.size > 15 && found.size < PREDICATES.length);
}
