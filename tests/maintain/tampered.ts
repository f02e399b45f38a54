import { copyToParquet } from "../../core/engine/copy.ts";
import { type Connection, DuckDb, quoteText } from "../../core/engine/duckdb.ts";
import { type LoadedTable, parseIdentifier } from "../../core/iceberg/catalog/catalog.ts";
import { currentSchema } from "../../core/iceberg/format/table_metadata.ts";
import { planScan } from "../../core/iceberg/scan/scan.ts";
import { fieldIdTrees } from "../../core/tables/write/field_ids.ts";
import type { ConsumeWorld } from "../consume/consume_world.ts";

type TamperedWorld = Pick<ConsumeWorld, "catalog" | "folder" | "store">;

/**
 * Replaces the one data file of a table that has such rows by what the query makes of it. `{file}`
 * stands for the rows.
 */
export async function tamper(world: TamperedWorld, name: string, has: string, query: string): Promise<void> {
  const table = (await world.catalog.loadTable(parseIdentifier(name)))!;
  const database = await DuckDb.open({ threads: 1 });
  const connection = await database.connect();
  try {
    const path = await fileWith(connection, world, table, has);
    const directory = `${world.folder}/tampered-${name}`;
    await Deno.mkdir(directory, { recursive: true });
    const rows = query.replaceAll("{file}", () => `read_parquet(${quoteText(path)}, hive_partitioning = false)`);
    // Older files lack columns that came later.
    const columns = new Set((await connection.rows(`DESCRIBE ${rows}`)).map((row) => row.column_name));
    const [written] = await copyToParquet(connection, {
      query: rows,
      directory,
      fieldIds: fieldIdTrees(currentSchema(table.metadata).fields.filter(({ name }) => columns.has(name))),
    });
    await Deno.rename(written!.path, path);
  } finally {
    connection.close();
    database.close();
  }
}

async function fileWith(
  connection: Connection,
  world: TamperedWorld,
  table: LoadedTable,
  has: string,
): Promise<string> {
  for (const { dataFile } of (await planScan(table.io, table.metadata)).files) {
    const path = world.store.localPath(table.io.location.pathOf(dataFile.path))!;
    const rows = await connection.rows(
      `SELECT 1 FROM read_parquet(${quoteText(path)}, hive_partitioning = false) WHERE ${has} LIMIT 1`,
    );
    if (rows.length > 0) return path;
  }
  throw new Error(`No file of the table has rows where ${has}`);
}
