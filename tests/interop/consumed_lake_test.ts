import { ok, strictEqual } from "node:assert/strict";
import { parseIdentifier } from "../../core/iceberg/catalog/catalog.ts";
import { snapshotOfRef } from "../../core/iceberg/format/table_metadata.ts";
import { succeed } from "../e2e/program.ts";
import { IcebergWorld } from "../support/iceberg_world.ts";
import { findPython } from "../support/python.ts";
import { sparkTest } from "../support/spark.ts";
import {
  assertDuckDbSees,
  assertPartitionsAddUp,
  assertPyIcebergSees,
  assertSparkSees,
  ourView,
  type View,
} from "./same_view.ts";

const names = ["bronze.events", "dead_letters.events", "ingest.files"];

/**
 * Batches of dirty files of both formats, late events over several days, and at last a column that
 * the contract did not have.
 */
async function fill(folder: string): Promise<void> {
  const produce = [
    "produce",
    "--sink",
    ".",
    "--batch-size",
    "40",
    "--interval",
    "0",
    "--dirty",
    "--batches",
    "4",
    "--corruption-chance",
    "0.4",
  ];
  const consume = ["consume", "--source", ".", "--once", "--max-files-per-batch", "2"];
  await succeed(folder, [...produce, "--seed", "1", "--start", "2026-03-01T00:00:00Z", "--late-chance", "0.4"]);
  await succeed(folder, consume);
  const later = ["--seed", "2", "--start", "2026-03-02T00:00:00Z", "--format", "ndjson", "--compress", "zstd"];
  await succeed(folder, [...produce, ...later, "--evolve-after", "1"]);
  await succeed(folder, [...consume, "--on-extra-fields", "add"]);
}

sparkTest(
  "Spark, PyIceberg and DuckDB see the rows, snapshots and partitions of a consumed lake, dead letters and ledger too, as we do, before and after all upkeep",
  (useSpark) =>
    IcebergWorld.use(async (world) => {
      await fill(world.folder);
      const python = await findPython();
      await useSpark(`${world.folder}/warehouse`, async (spark) => {
        const viewAll = async () => {
          const views: View[] = [];
          for (const name of names) {
            const table = (await world.catalog.loadTable(parseIdentifier(name)))!;
            const view = await ourView(world, table);
            await assertPartitionsAddUp(table, view);
            await assertSparkSees(spark, table, view);
            await assertPyIcebergSees(python, table, view);
            await assertDuckDbSees(python, table, view);
            views.push(view);
          }
          return views;
        };
        const before = await viewAll();
        ok(before.every(({ rows, snapshots }) => rows.length > 7 && snapshots.length >= 4));
        ok(before[0]!.partitions.length >= 3, "events lie in several days");
        ok(before[1]!.rows.some((row) => row.includes("corrupted_batch")), "a whole file is a letter");
        const upkeep = ["maintain", "--source", ".", "--all", "--older-than", "0s", "--retain-last", "1"];
        await succeed(world.folder, upkeep);
        const after = await viewAll();
        for (const [index, { rows, snapshots }] of after.entries()) {
          strictEqual(rows.join("\n"), before[index]!.rows.join("\n"), `${names[index]} holds what it held`);
          strictEqual(snapshots.length, 1);
          const { metadata } = (await world.catalog.loadTable(parseIdentifier(names[index]!)))!;
          strictEqual(snapshotOfRef(metadata)!.summary.operation, "replace");
        }
      });
    }),
);
