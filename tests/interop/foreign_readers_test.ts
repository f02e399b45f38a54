import { deepStrictEqual as assertEquals } from "node:assert/strict";
import type { LoadedTable } from "../../core/iceberg/catalog.ts";
import { IcebergWorld } from "../support/iceberg_world.ts";
import { type Python, pythonTest } from "../support/python.ts";
import { allTypes, rowsOfAllTypes } from "./all_types.ts";

interface Seen {
  rows: string[];
  snapshots: string[] | [string, string][];
}

async function assertReadAlike(python: Python, world: IcebergWorld, table: LoadedTable, query: string): Promise<void> {
  const metadata = world.store.localPath(table.io.location.pathOf(table.metadataLocation))!;
  const expected = await world.jsonRows(query);
  const ids = table.metadata.snapshots.map((snapshot) => String(snapshot.snapshotId));
  const arrow = await python.json<Seen>("read_table.py", "pyiceberg", metadata);
  assertEquals(arrow.rows, expected);
  assertEquals(arrow.snapshots.map((snapshot) => snapshot[0]), ids);
  const duck = await python.json<Seen>("read_table.py", "duckdb", metadata);
  assertEquals(duck.rows, expected);
  assertEquals(duck.snapshots, ids);
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
