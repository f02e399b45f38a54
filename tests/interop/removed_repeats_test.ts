import { ok, strictEqual } from "node:assert/strict";
import { parseIdentifier } from "../../core/iceberg/catalog/catalog.ts";
import { planScan } from "../../core/iceberg/scan/scan.ts";
import { succeed } from "../e2e/program.ts";
import { IcebergWorld } from "../support/iceberg_world.ts";
import { findPython } from "../support/python.ts";
import { SPARK_VERSIONS, sparkTest } from "../support/spark.ts";
import { assertDuckDbSees, assertPyIcebergSees, assertSparkSees, ourView } from "./same_view.ts";

async function fill(folder: string, seed: string): Promise<void> {
  const start = ["--seed", seed, "--start", `2026-03-0${seed}T23:59:00Z`, "--batches", "3", "--batch-size", "60"];
  const chances = ["--duplicate-chance", "0.3", "--late-chance", "0.3", "--invalid-schema-chance", "0.1"];
  await succeed(folder, ["produce", "--sink", ".", "--interval", "0", ...start, ...chances]);
  await succeed(folder, ["consume", "--source", ".", "--once", "--max-files-per-batch", "1", "--no-upkeep"]);
}

sparkTest(
  "Spark, PyIceberg and DuckDB see a table without its repeats as we do, by position deletes and by new files, and the audit holds",
  (useSpark) =>
    IcebergWorld.use(async (world) => {
      const python = await findPython();
      await useSpark(`${world.folder}/warehouse`, async (spark) => {
        const load = async () => (await world.catalog.loadTable(parseIdentifier("bronze.events")))!;
        const isSeenByAll = async () => {
          const table = await load();
          const view = await ourView(world, table);
          // Of partitions the engines count what data files hold, deleted rows included.
          await assertSparkSees(spark, table, view);
          await assertPyIcebergSees(python, table, view);
          await assertDuckDbSees(python, table, view);
          const ids = view.rows.map((row) => (JSON.parse(row) as { event_id: string }).event_id);
          strictEqual(new Set(ids).size, ids.length);
          await succeed(world.folder, ["maintain", "--source", ".", "--audit"]);
          return ids.length;
        };
        const remove = ["maintain", "--source", ".", "--dedupe-by", "event_id"];
        await fill(world.folder, "1");
        await succeed(world.folder, [...remove, "--merge-on-read"]);
        const { io, metadata } = await load();
        ok((await planScan(io, metadata)).files.some(({ deletes }) => deletes.length > 0));
        const first = await isSeenByAll();
        ok(first > 60 && first < 170, String(first));
        await fill(world.folder, "2");
        await succeed(world.folder, remove);
        const both = await isSeenByAll();
        ok(both > first + 60, String(both));
        await succeed(world.folder, ["maintain", "--source", ".", "--all", "--older-than", "0s", "--retain-last", "1"]);
        strictEqual(await isSeenByAll(), both);
      });
    }),
  SPARK_VERSIONS.slice(0, 1),
);
