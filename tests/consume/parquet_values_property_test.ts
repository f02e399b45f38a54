import { pythonTest } from "../support/python.ts";
import { say } from "../support/say.ts";
import { withSeed } from "../support/seed.ts";
import { isThorough } from "../support/thorough.ts";
import { ConsumeWorld } from "./consume_world.ts";
import { ParquetTables } from "./parquet_tables.ts";
import { compareWithJson } from "./parquet_values.ts";

const TABLES = isThorough ? 100 : 12;
const ROWS = 60;

pythonTest(
  "a row that pyarrow wrote becomes what the same values become as JSON, whatever the types",
  (python) =>
    withSeed((random) =>
      ConsumeWorld.use(async (world) => {
        const maker = new ParquetTables(random, "pyarrow");
        const tables = Array.from({ length: TABLES }, () => maker.table(ROWS));
        const files = tables.map(({ columns, options }, i) => ({
          path: world.rawPath(`t${i}/a.parquet`),
          columns,
          options,
        }));
        const specification = `${world.folder}/tables.json`;
        await Deno.writeTextFile(specification, JSON.stringify(files));
        await python.json("write_parquet.py", specification);
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
