import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { readParquet } from "parquet-wasm";
import { quoteName, quotePath, quoteText } from "../../core/engine/duckdb.ts";
import { childFields } from "../../core/iceberg/format/schema.ts";
import type { Type } from "../../core/iceberg/format/type.ts";
import { IcebergWorld } from "../support/iceberg_world.ts";
import { pythonTest } from "../support/python.ts";
import { say } from "../support/say.ts";
import { withSeed } from "../support/seed.ts";
import { TableMaker } from "../tables/parquet/random_table.ts";
import { bloomFilters, ownTable, prunedTable, SHAPES } from "./own_parquet.ts";
import { assertDuckDbSees, assertPyIcebergSees, ourView } from "./same_view.ts";

const ROWS = 200;

interface Checked {
  rows: string[];
  same: boolean;
  indexed: number;
}

pythonTest(
  "Arrow, arrow-rs, DuckDB and PyIceberg read the files of our own writer",
  (python) =>
    withSeed((random) =>
      IcebergWorld.use(async (world) => {
        const files: { path: string; ipc: string }[] = [], wanted: string[][] = [];
        for (const [shape, options] of Object.entries(SHAPES)) {
          const made = new TableMaker(random).table(ROWS);
          const properties = bloomFilters(made.fields);
          const { table, path } = await ownTable(world, `lab.${shape}`, made, { ...options, properties });
          const view = await ourView(world, table);
          wanted.push(view.rows);
          if (shape === "pages") {
            await assertDuckDbSees(python, table, view);
            const fields = made.fields.filter(({ type }) => !repeatsStructs(type));
            const narrow = await ownTable(world, "lab.narrow", { ...made, fields }, options);
            await assertPyIcebergSees(python, narrow.table, await ourView(world, narrow.table));
          }
          const ipc = `${world.folder}/${shape}.arrows`;
          await Deno.writeFile(ipc, readParquet(await Deno.readFile(path)).intoIPCStream());
          files.push({ path, ipc });
        }
        const list = `${world.folder}/files.json`;
        await Deno.writeTextFile(list, JSON.stringify(files));
        const checked = await python.json<Checked[]>("check_parquet.py", list);
        for (const [i, shape] of Object.keys(SHAPES).entries()) {
          const { rows, same, indexed } = checked[i]!;
          deepStrictEqual(rows, wanted[i], shape);
          ok(same, `${shape}: readers differ`);
          strictEqual(indexed > 0, shape === "pages" || shape === "deltas", `${shape}: page index`);
        }
        say(
          `${checked.length} files, ${checked.reduce((sum, { rows }) => sum + rows.length, 0)} rows, the same by all`,
        );
      })
    ),
);

/** PyIceberg 0.12 takes a null list or map of structs for an empty one. */
function repeatsStructs(type: Type): boolean {
  const inner = childFields(type);
  return (type.type !== "struct" && inner.some((each) => each.type.type === "struct")) ||
    inner.some((each) => repeatsStructs(each.type));
}

/** DuckDB asks the filters of these types. */
const FILTERED = ["id", "code", "name", "token", "price"];

pythonTest(
  "a Bloom filter has what is in the column, and hardly anything else",
  () =>
    IcebergWorld.use(async (world) => {
      const made = prunedTable();
      const { path } = await ownTable(world, "lab.filtered", made, {
        groupRows: 2000,
        properties: bloomFilters(made.fields),
      });
      for (const name of FILTERED) {
        const probe = async (value: string) => {
          const sql = `SELECT count(*) FILTER (bloom_filter_excludes) AS n, count(*) AS of
          FROM parquet_bloom_probe(${quotePath(path)}, ${quoteText(name)}, ${value})`;
          return (await world.connection.rows(sql))[0] as { n: bigint; of: bigint };
        };
        const sample = await world.connection.rows(
          `SELECT DISTINCT ${quoteName(name)}::VARCHAR AS v, typeof(${quoteName(name)}) AS t FROM ${quotePath(path)}
         WHERE ${quoteName(name)} IS NOT NULL ORDER BY hash(v) LIMIT 10`,
        );
        for (const { v, t } of sample) {
          const { n, of } = await probe(`${quoteText(v as string)}::${t}`);
          ok(n < of, `${name} = ${v} is in no row group`);
        }
        const strangers = name === "name" || name === "token" ? "'nobody wrote this'" : `123456::${sample[0]!.t}`;
        if (name !== "day" && name !== "at") deepStrictEqual((await probe(strangers)).n > 0n, true, name);
      }
    }),
);
