import { deepStrictEqual as assertEquals } from "node:assert/strict";
import { copyToParquet } from "../../core/engine/copy.ts";
import { rowDelta } from "../../core/iceberg/action/row_delta.ts";
import type { LoadedTable } from "../../core/iceberg/catalog/catalog.ts";
import { buildDataFile } from "../../core/iceberg/data_file_builder.ts";
import { planScan } from "../../core/iceberg/scan/scan.ts";
import type { DataFile } from "../../core/iceberg/format/data_file.ts";
import { currentSchema } from "../../core/iceberg/format/table_metadata.ts";
import { IcebergWorld } from "../support/iceberg_world.ts";
import { type Python, pythonTest } from "../support/python.ts";
import { sparkTest } from "../support/spark.ts";
import { column } from "./all_types.ts";

const name = "lab.deleted";
const rows = `SELECT i::INT AS id, 'n' || i AS name FROM range(100) r(i)`;

/** Reserved ids of the columns of position delete files (specification: "Reserved Field IDs"). */
const positionIds = { file_path: 2147483546, pos: 2147483545 };

async function writeDeletes(
  world: IcebergWorld,
  table: LoadedTable,
  query: string,
  fieldIds: Record<string, number>,
  facts: Partial<DataFile>,
): Promise<DataFile> {
  const { location } = table.io;
  const folder = `data/deletes-${facts.content}`;
  const directory = location.store.localPath(location.pathInStore(folder))!;
  await Deno.mkdir(directory, { recursive: true });
  const [written] = await copyToParquet(world.connection, { query, directory, fieldIds });
  return buildDataFile({
    path: location.uriOf(`${folder}/part.parquet`),
    specId: table.metadata.defaultSpecId,
    partition: [],
    recordCount: Number(written!.records),
    fileSizeBytes: Number(written!.size),
    columns: [],
    ...facts,
  }, currentSchema(table.metadata));
}

async function deleteByPosition(world: IcebergWorld): Promise<LoadedTable> {
  const table = await world.append(await world.create(name, [column("id", "int"), column("name", "string")]), rows);
  const [file] = (await planScan(table.io, table.metadata)).files;
  const { path } = file!.dataFile;
  const query = `SELECT '${path}' AS file_path, i AS pos FROM range(10, 20) r(i)`;
  const facts = { content: "position-deletes" as const, referencedDataFile: path };
  const deleteFile = await writeDeletes(world, table, query, positionIds, facts);
  return await world.commit(name, async (transaction) => {
    transaction.add(await rowDelta(transaction, { dataFiles: [], deleteFiles: [deleteFile], referenced: [path] }));
  });
}

async function deleteByEquality(world: IcebergWorld): Promise<LoadedTable> {
  const table = await world.load(name);
  const query = "SELECT i::INT AS id FROM range(30, 40) r(i)";
  const facts = { content: "equality-deletes" as const, equalityIds: [1] };
  const deleteFile = await writeDeletes(world, table, query, { id: 1 }, facts);
  return await world.commit(name, async (transaction) => {
    transaction.add(await rowDelta(transaction, { dataFiles: [], deleteFiles: [deleteFile], referenced: [] }));
  });
}

async function seenBy(python: Python, engine: string, world: IcebergWorld, table: LoadedTable): Promise<string[]> {
  const metadata = world.store.localPath(table.io.location.pathOf(table.metadataLocation))!;
  return (await python.ask<{ rows: string[] }>("read_table.py", { engine, metadata })).rows;
}

pythonTest(
  "rows that we deleted by position are gone for PyIceberg, DuckDB and ourselves, by equality for DuckDB and ourselves",
  (python) =>
    IcebergWorld.use(async (world) => {
      let table = await deleteByPosition(world);
      const expected = await world.jsonRows(`SELECT * FROM (${rows}) WHERE id NOT BETWEEN 10 AND 19`);
      assertEquals(await world.ask(`SELECT * FROM ${name}`), expected);
      assertEquals(await seenBy(python, "pyiceberg", world, table), expected);
      assertEquals(await seenBy(python, "duckdb", world, table), expected);
      table = await deleteByEquality(world);
      const fewer = await world.jsonRows(
        `SELECT * FROM (${rows}) WHERE id NOT BETWEEN 10 AND 19 AND id NOT BETWEEN 30 AND 39`,
      );
      assertEquals(await world.ask(`SELECT * FROM ${name}`), fewer);
      assertEquals(await seenBy(python, "duckdb", world, table), fewer);
    }),
);

sparkTest(
  "rows that we deleted, by position or by equality, are gone for Spark",
  (useSpark) =>
    IcebergWorld.use((world) =>
      useSpark(`${world.folder}/warehouse`, async (spark) => {
        await deleteByPosition(world);
        await deleteByEquality(world);
        assertEquals(await spark.sql(`SELECT * FROM lake.${name}`), await world.ask(`SELECT * FROM ${name}`));
        await spark.sql(
          `CALL lake.system.rewrite_data_files(table => '${name}', options => map('rewrite-all','true'))`,
        );
        assertEquals((await spark.sql(`SELECT * FROM lake.${name}`)).length, 80);
        assertEquals(await world.ask(`SELECT * FROM ${name}`), await spark.sql(`SELECT * FROM lake.${name}`));
      })
    ),
);
