import { systemClock as clock } from "../core/base/clock.ts";
import { systemRandom as random } from "../core/base/random.ts";
import { DuckDb, quoteName, quotePath } from "../core/engine/duckdb.ts";
import { appendFiles } from "../core/iceberg/action/append_files.ts";
import { type Catalog, requireTable, type TableIdentifier } from "../core/iceberg/catalog/catalog.ts";
import { commitTable } from "../core/iceberg/commit.ts";
import { buildDataFile } from "../core/iceberg/data_file_builder.ts";
import type { DataFile } from "../core/iceberg/format/data_file.ts";
import { currentSchema } from "../core/iceberg/format/table_metadata.ts";

/** Rows of a file, as compaction leaves them. */
const FILE_ROWS = 5_000_000;

/**
 * Adds rows to the ledger of a lake on this disk, as batches of a million files would have left
 * them: names by their number, as `keyOf` has them, and etags that no codec makes smaller.
 */
export async function fillLedger(
  catalog: Catalog,
  identifier: TableIdentifier,
  folder: string,
  rows: number,
): Promise<void> {
  const table = await requireTable(catalog, identifier);
  const schema = currentSchema(table.metadata);
  const fieldIds = schema.fields.map(({ id, name }) => `${quoteName(name)}: ${id}`).join(", ");
  const database = await DuckDb.open({ threads: 2, memory: "1GB", tempDirectory: `${folder}/spill` });
  const connection = await database.connect();
  const files: DataFile[] = [];
  for (let from = 0; from < rows; from += FILE_ROWS) {
    const count = Math.min(FILE_ROWS, rows - from);
    const name = `data/00000000-known-${from}.parquet`;
    const path = `${folder}/${table.io.location.pathInStore(name)}`;
    await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true });
    await connection.run(`COPY (SELECT 'bronze.events' AS "table",
  's3://crowded/raw/events/' || lpad(i::VARCHAR, 10, '0') || '.ndjson' AS source_file, md5(i::VARCHAR) AS etag,
  1000::BIGINT AS size, 0::BIGINT AS batch_id, 10::BIGINT AS records, 10::BIGINT AS events, 0::BIGINT AS dead_letters,
  0::BIGINT AS duplicates, 'ingested' AS status, TIMESTAMPTZ '2026-03-01 00:00:00Z' AS ingested_at
FROM range(${from}, ${from + count}) numbers (i))
TO ${quotePath(path)} (FORMAT parquet, CODEC zstd, FIELD_IDS {${fieldIds}})`);
    files.push(buildDataFile({
      path: table.io.location.uriOf(name),
      specId: 0,
      partition: [],
      recordCount: count,
      fileSizeBytes: (await Deno.stat(path)).size,
      columns: [],
    }, schema));
  }
  connection.close();
  database.close();
  await commitTable(catalog, identifier, async (transaction) => {
    transaction.add(await appendFiles(transaction, { files }));
  }, { clock, random });
}
