import { ConsumeWorld } from "../consume/consume_world.ts";
import { ParquetTables } from "../consume/parquet_tables.ts";
import { compareWithJson } from "../consume/parquet_values.ts";
import { canRunPython, findPython } from "../support/python.ts";
import { say } from "../support/say.ts";
import { withSeed } from "../support/seed.ts";
import { type Spark, sparkTest } from "../support/spark.ts";

const TABLES = 12;
const ROWS = 60;
/** Spark writes what it has read as it is, in the years before 1582, too. */
const SETTINGS = [
  "spark.sql.parquet.datetimeRebaseModeInRead=CORRECTED",
  "spark.sql.parquet.datetimeRebaseModeInWrite=CORRECTED",
  "spark.sql.parquet.outputTimestampType=TIMESTAMP_MICROS",
];

sparkTest(
  "a row that Spark wrote becomes what the same values become as JSON, whatever the types",
  (useSpark) =>
    withSeed((random) =>
      ConsumeWorld.use(async (world) => {
        if (!canRunPython()) throw new Error("Spark's tables are made with pyarrow, and there is no Python");
        const maker = new ParquetTables(random, "spark");
        const tables = Array.from({ length: TABLES }, () => maker.table(ROWS));
        const made = tables.map(({ columns, options }, i) => ({
          path: `${world.folder}/made-${i}.parquet`,
          columns,
          options,
        }));
        const specification = `${world.folder}/tables.json`;
        await Deno.writeTextFile(specification, JSON.stringify(made));
        await (await findPython()).json("write_parquet.py", specification);
        await useSpark(`${world.folder}/spark`, async (spark) => {
          for (const setting of SETTINGS) await spark.sql(`SET ${setting}`);
          for (const [i, { path }] of made.entries()) {
            await spark.sql(`SET spark.sql.parquet.writeLegacyFormat=${i % 2 === 0}`);
            await rewrite(spark, path, world.rawPath(`t${i}/a.parquet`));
          }
        });
        let events = 0, deadLetters = 0, values = 0;
        for (const [i, table] of tables.entries()) {
          const compared = await compareWithJson(world, `t${i}`, table);
          events += compared.events;
          deadLetters += compared.deadLetters;
          values += compared.values;
        }
        say(`${TABLES} tables, ${values} values: ${events} events and ${deadLetters} dead letters, the same twice`);
      })
    ),
);

/** Into one file, the rows in their order. */
async function rewrite(spark: Spark, from: string, to: string): Promise<void> {
  const folder = `${from}.rewritten`;
  await spark.sql(
    `INSERT OVERWRITE DIRECTORY '${folder}' USING parquet SELECT /*+ COALESCE(1) */ * FROM parquet.\`${from}\``,
  );
  for await (const { name } of Deno.readDir(folder)) {
    if (name.endsWith(".parquet")) await Deno.rename(`${folder}/${name}`, to);
  }
}
