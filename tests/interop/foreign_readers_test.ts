import { deepStrictEqual as assertEquals } from "node:assert/strict";
import { expireSnapshots } from "../../core/iceberg/action/expire_snapshots.ts";
import { rewriteFiles } from "../../core/iceberg/action/rewrite_files.ts";
import { rewriteManifests } from "../../core/iceberg/action/rewrite_manifests.ts";
import { updateSchema } from "../../core/iceberg/action/update_schema.ts";
import { updateSpec } from "../../core/iceberg/action/update_partitioning.ts";
import type { LoadedTable } from "../../core/iceberg/catalog/catalog.ts";
import { unreachableFiles } from "../../core/iceberg/reachable_files.ts";
import { planScan } from "../../core/iceberg/scan/scan.ts";
import type { Field } from "../../core/iceberg/format/type.ts";
import { IcebergWorld } from "../support/iceberg_world.ts";
import { type Python, pythonTest } from "../support/python.ts";
import { allTypes, column, everyTransform, rowsOfAllTypes } from "./all_types.ts";
import { assertDuckDbSees, assertPartitionsAddUp, assertPyIcebergSees, ourView } from "./same_view.ts";

async function assertReadAlike(python: Python, world: IcebergWorld, table: LoadedTable, query: string): Promise<void> {
  const view = await ourView(world, table);
  assertEquals(view.rows, await world.jsonRows(query));
  await assertPartitionsAddUp(table, view);
  await assertPyIcebergSees(python, table, view);
  await assertDuckDbSees(python, table, view);
}

pythonTest(
  "PyIceberg and DuckDB read every type as we wrote it, without partitions",
  (python) =>
    IcebergWorld.use(async (world) => {
      const table = await world.append(await world.create("lab.all_types", allTypes), rowsOfAllTypes);
      await assertReadAlike(python, world, table, rowsOfAllTypes);
    }),
);

pythonTest("PyIceberg and DuckDB read a table partitioned by day", (python) =>
  IcebergWorld.use(async (world) => {
    const created = await world.create("lab.by_day", allTypes, [{ column: "tz", transform: { name: "day" } }]);
    const table = await world.append(created, rowsOfAllTypes);
    await assertReadAlike(python, world, table, rowsOfAllTypes);
  }));

pythonTest(
  "PyIceberg and DuckDB read tables partitioned by every transform",
  (python) =>
    IcebergWorld.use(async (world) => {
      for (const { name, partitionBy } of everyTransform) {
        const table = await world.append(await world.create(`lab.${name}`, allTypes, partitionBy), rowsOfAllTypes);
        await assertReadAlike(python, world, table, rowsOfAllTypes);
      }
    }),
);

const rows = (from: number, to: number) =>
  `SELECT i::INT AS id, TIMESTAMPTZ '2026-03-01 00:00:00+00' + to_hours(i) AS at, 'n' || i AS name FROM range(${from}, ${to}) r(i)`;
const fields: Field[] = [column("id", "int"), column("at", "timestamptz"), column("name", "string")];
const byDay = [{ column: "at", transform: { name: "day" as const } }];

pythonTest(
  "PyIceberg and DuckDB read a table that has evolved, and its snapshots of before",
  (python) =>
    IcebergWorld.use(async (world) => {
      const name = "lab.evolved";
      const first = await world.append(await world.create(name, fields, byDay), rows(0, 30));
      await world.commit(name, (transaction) => {
        transaction.add(updateSchema(transaction.metadata, [
          { change: "widen-column", path: "id", type: { type: "long" } },
          { change: "rename-column", path: "name", name: "title" },
          { change: "add-column", field: { ...column("extra", "double"), required: false } },
          { change: "move-column", path: "at", after: undefined },
        ]));
        transaction.add(updateSpec(transaction.metadata, {
          add: [{ column: "id", transform: { name: "bucket", buckets: 3 } }],
          remove: ["at_day"],
        }));
      });
      const more = `SELECT id::BIGINT + 5000000000 AS id, "at", name AS title, id / 3.0 AS extra FROM (${
        rows(30, 40)
      })`;
      const table = await world.append(await world.load(name), more);
      const expected =
        `SELECT "at", id, title, extra FROM (SELECT id, "at", name AS title, NULL::DOUBLE AS extra FROM (${rows(0, 30)})
      UNION ALL BY NAME ${more})`;
      await assertReadAlike(python, world, table, expected);
      const past = String(first.metadata.currentSnapshotId);
      const metadata = world.store.localPath(table.io.location.pathOf(table.metadataLocation))!;
      const seen = await python.ask<{ rows: string[] }>("read_table.py", {
        engine: "pyiceberg",
        metadata,
        snapshot: past,
      });
      assertEquals(seen.rows, await world.jsonRows(rows(0, 30)));
    }),
);

pythonTest(
  "PyIceberg and DuckDB read a table that was compacted and expired",
  (python) =>
    IcebergWorld.use(async (world) => {
      const name = "lab.compacted";
      await world.create(name, fields, byDay);
      for (let i = 0; i < 6; i++) await world.append(await world.load(name), rows(i * 10, i * 10 + 10));
      const planned = await world.load(name);
      const { files } = await planScan(planned.io, planned.metadata);
      const outputs = await world.writeFiles(planned, rows(0, 60));
      const startingSequenceNumber = planned.metadata.lastSequenceNumber;
      await world.commit(name, async (transaction) => {
        const inputs = files.map((file) => file.dataFile);
        transaction.add(await rewriteFiles(transaction, { inputs, outputs, startingSequenceNumber }));
      });
      await world.commit(name, async (transaction) => transaction.add(await rewriteManifests(transaction)));
      const before = await world.load(name);
      const table = await world.commit(name, (transaction) => {
        const nowMs = transaction.metadata.lastUpdatedMs + 1000;
        transaction.add(expireSnapshots(transaction.metadata, { nowMs, olderThanMs: 0, retainLast: 1 }));
      });
      const gone = await unreachableFiles(table.io, before.metadata, table.metadata);
      const paths = [...gone.dataFiles, ...gone.manifests, ...gone.manifestLists].map((uri) =>
        table.io.location.pathOf(uri)
      );
      assertEquals(gone.dataFiles.size, files.length);
      await world.store.deletePaths(paths);
      await assertReadAlike(python, world, table, rows(0, 60));
    }),
);
