import { ok, strictEqual } from "node:assert/strict";
import { parseIdentifier } from "../../core/iceberg/catalog/catalog.ts";
import { planScan } from "../../core/iceberg/scan/scan.ts";
import { succeed } from "../e2e/program.ts";
import { IcebergWorld } from "../support/iceberg_world.ts";
import { findPython } from "../support/python.ts";
import { SPARK_VERSIONS, sparkTest } from "../support/spark.ts";
import { assertDuckDbSees, assertPyIcebergSees, assertSparkSees, ourView } from "./same_view.ts";

const NARROW = { type: "object", required: ["id"], properties: { id: { type: "integer" } } };
const WIDE = { ...NARROW, properties: { ...NARROW.properties, coupon: { type: "string" } } };

sparkTest(
  "Spark, PyIceberg and DuckDB see events that were dead letters, the letters that are left, and files that were reingested as we do, before and after compaction",
  (useSpark) =>
    IcebergWorld.use(async (world) => {
      const python = await findPython();
      await useSpark(`${world.folder}/warehouse`, async (spark) => {
        const load = async (name: string) => (await world.catalog.loadTable(parseIdentifier(name)))!;
        const seenByAll = async (name: string) => {
          const table = await load(name);
          const view = await ourView(world, table);
          await assertSparkSees(spark, table, view);
          await assertPyIcebergSees(python, table, view);
          await assertDuckDbSees(python, table, view);
          return view.rows.length;
        };
        const areSeen = async (events: number, letters: number) => {
          strictEqual(await seenByAll("bronze.events"), events);
          strictEqual(await seenByAll("dead_letters.events"), letters);
          await succeed(world.folder, ["maintain", "--source", ".", "--audit"]);
        };
        const put = (path: string, value: unknown) =>
          Deno.writeTextFile(`${world.folder}/${path}`, JSON.stringify(value));
        await Deno.mkdir(`${world.folder}/raw/events`, { recursive: true });
        await put("narrow.json", NARROW);
        await put("wide.json", WIDE);
        await put("raw/events/a.json", [{ id: 1 }, { id: 2, coupon: "a" }, { id: "x" }, { id: 3, coupon: 7 }]);
        await put("raw/events/b.json", [{ id: 4, coupon: "b" }, { id: 5, other: 1 }]);
        const consume = ["consume", "--source", ".", "--once", "--no-upkeep", "--max-files-per-batch", "1"];
        await succeed(world.folder, [...consume, "--contract", "narrow.json"]);
        await areSeen(1, 5);
        await succeed(world.folder, [...consume, "--contract", "wide.json"]);
        const hasDeletes = async (name: string) => {
          const { io, metadata } = await load(name);
          return (await planScan(io, metadata)).files.some(({ deletes }) => deletes.length > 0);
        };
        const upkeep = ["maintain", "--source", ".", "--all", "--older-than", "0s", "--retain-last", "1"];
        await succeed(world.folder, ["maintain", "--source", ".", "--replay-dead-letters"]);
        ok(await hasDeletes("dead_letters.events"));
        await areSeen(3, 3);
        await succeed(world.folder, upkeep);
        await areSeen(3, 3);
        await put("raw/events/b.json", [{ id: 4, coupon: "b" }, { id: 5, other: 1 }, { id: 6 }]);
        await succeed(world.folder, ["maintain", "--source", ".", "--reingest", "*"]);
        ok(await hasDeletes("bronze.events") && await hasDeletes("dead_letters.events"));
        await areSeen(4, 3);
        await succeed(world.folder, upkeep);
        await areSeen(4, 3);
      });
    }),
  SPARK_VERSIONS.slice(0, 1),
);
