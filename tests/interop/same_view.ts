import { deepStrictEqual as assertEquals } from "node:assert/strict";
import type { LoadedTable } from "../../core/iceberg/catalog/catalog.ts";
import { identifierText, parseIdentifier } from "../../core/iceberg/catalog/catalog.ts";
import { planScan } from "../../core/iceberg/scan/scan.ts";
import { partitionColumns } from "../../core/iceberg/format/partition_spec.ts";
import { defaultSpec } from "../../core/iceberg/format/table_metadata.ts";
import type { IcebergWorld } from "../support/iceberg_world.ts";
import type { Python } from "../support/python.ts";
import type { Spark } from "../support/spark.ts";

interface Seen {
  rows: string[];
  snapshots: string[] | [string, string][];
  partitions?: string[];
}

/**
 * What we see of a table of ours: rows, snapshots with their operations, and partitions with their
 * rows and files, as JSON text.
 */
export interface View {
  rows: string[];
  snapshots: [string, string][];
  partitions: string[];
}

export async function ourView(world: IcebergWorld, table: LoadedTable): Promise<View> {
  const name = identifierText(table.identifier);
  const { metadata } = table;
  return {
    rows: await world.ask(`SELECT * FROM ${name}`),
    snapshots: metadata.snapshots.map(({ snapshotId, summary }) => [String(snapshotId), summary.operation ?? ""]),
    partitions: await world.ask(
      `SELECT ${partitionsOf(table, bytesAsBytes(table))} FROM ${
        table.identifier.namespace[0]
      }."${table.identifier.name}$partitions"`,
    ),
  };
}

/** Spark sees just that. */
export async function assertSparkSees(
  spark: Spark,
  table: LoadedTable,
  { rows, snapshots, partitions }: View,
): Promise<void> {
  const name = `lake.${identifierText(table.identifier)}`;
  await spark.sql(`REFRESH TABLE ${name}`);
  assertEquals(await spark.sql(`SELECT * FROM ${name}`), rows, name);
  const seen = await spark.sql(
    `SELECT CAST(snapshot_id AS STRING) id, operation op FROM ${name}.snapshots`,
  );
  assertEquals(seen, snapshots.map(([id, op]) => JSON.stringify({ id, op })).sort(), name);
  assertEquals(await spark.sql(`SELECT ${partitionsOf(table)} FROM ${name}.partitions`), partitions, name);
}

/** PyIceberg sees just that. */
export async function assertPyIcebergSees(python: Python, table: LoadedTable, view: View): Promise<void> {
  const seen = await python.ask<Seen>("read_table.py", { engine: "pyiceberg", metadata: metadataPath(table) });
  const name = identifierText(table.identifier);
  assertEquals(seen.rows, view.rows, name);
  assertEquals(seen.snapshots, view.snapshots, name);
  assertEquals(seen.partitions, view.partitions, name);
}

/** DuckDB's extension has no table of partitions, and sees the rest just so. */
export async function assertDuckDbSees(python: Python, table: LoadedTable, view: View): Promise<void> {
  const seen = await python.ask<Seen>("read_table.py", { engine: "duckdb", metadata: metadataPath(table) });
  const name = identifierText(table.identifier);
  assertEquals(seen.rows, view.rows, name);
  assertEquals(seen.snapshots, view.snapshots.map(([id]) => id), name);
}

/** All three see the same rows and snapshots of a table as we do; how many rows. */
export async function assertAllSee(
  world: IcebergWorld,
  name: string,
  { spark, python }: { spark: Spark; python: Python },
): Promise<number> {
  const table = (await world.catalog.loadTable(parseIdentifier(name)))!;
  const view = await ourView(world, table);
  await assertSparkSees(spark, table, view);
  await assertPyIcebergSees(python, table, view);
  await assertDuckDbSees(python, table, view);
  return view.rows.length;
}

/** Whether partitions told by us are those of the files that a scan finds. */
export async function assertPartitionsAddUp(table: LoadedTable, { partitions }: View): Promise<void> {
  const { files } = await planScan(table.io, table.metadata);
  const told = partitions.map((text) => JSON.parse(text) as { record_count: number; file_count: number });
  const sum = (pick: (row: { record_count: number; file_count: number }) => number) =>
    told.reduce((total, row) => total + pick(row), 0);
  assertEquals(sum((row) => row.file_count), files.length);
  assertEquals(sum((row) => row.record_count), files.reduce((total, { dataFile }) => total + dataFile.recordCount, 0));
}

function partitionsOf({ metadata }: LoadedTable, partition = "partition"): string {
  const isPartitioned = defaultSpec(metadata).fields.some(({ transform }) => transform.name !== "void");
  return `${isPartitioned ? `${partition}, ` : ""}record_count, file_count`;
}

/** Bytes are hexadecimal text in our metadata tables. */
function bytesAsBytes({ metadata }: LoadedTable): string {
  const columns = partitionColumns(defaultSpec(metadata), metadata.schemas);
  if (!columns.some(({ type }) => type.type === "binary")) return "partition";
  const fields = columns.map(({ field: { name }, type }) =>
    `${name} := ${type.type === "binary" ? `unhex(partition.${name})` : `partition.${name}`}`
  );
  return `struct_pack(${fields.join(", ")}) AS partition`;
}

function metadataPath({ io: { location }, metadataLocation }: LoadedTable): string {
  return location.store.localPath(location.pathOf(metadataLocation))!;
}
