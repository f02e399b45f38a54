// deno-lint-ignore-file no-console
/**
 * Makes an Apache Iceberg table in a folder, appends to it, and asks which files a question needs:
 *
 *     deno run --allow-all examples/iceberg_table.ts shop
 *
 * The library keeps the table; who writes the Parquet files is up to you. Here it is DuckDB.
 */
import { systemClock } from "../core/base/clock.ts";
import { systemRandom, uuidV4 } from "../core/base/random.ts";
import { copyToParquet } from "../core/engine/copy.ts";
import { DuckDb } from "../core/engine/duckdb.ts";
import {
  appendFiles,
  buildDataFile,
  commitTable,
  createTable,
  createTableIfAbsent,
  currentSchema,
  type DataFile,
  FileCatalog,
  type LoadedTable,
  parseIdentifier,
  planScan,
} from "../core/iceberg/mod.ts";
import { openLocalStore } from "../core/storage/local/local_store.ts";

const folder = Deno.args[0] ?? "shop";
const store = openLocalStore(folder, { random: systemRandom });
const catalog = new FileCatalog({ store, clock: systemClock, random: systemRandom });
const name = parseIdentifier("shop.orders");
const options = { clock: systemClock, random: systemRandom };

const { table } = await createTableIfAbsent(catalog, name, (location) =>
  createTable({
    location,
    random: systemRandom,
    // Ids are given when the table is made.
    fields: [
      { id: 0, name: "order_id", required: true, type: { type: "long" } },
      { id: 0, name: "total", required: false, type: { type: "double" } },
    ],
  }), options);

for (const [first, last] of [[1, 500], [501, 1_000]] as const) {
  const files = [await writeOrders(table, first, last)];
  await commitTable(catalog, name, async (transaction) => {
    transaction.add(await appendFiles(transaction, { files }));
  }, options);
}

const { io, metadata } = (await catalog.loadTable(name))!;
const all = await planScan(io, metadata);
const some = await planScan(io, metadata, { predicate: { op: ">", column: "order_id", value: 900n } });
const rows = all.files.reduce((sum, { dataFile }) => sum + dataFile.recordCount, 0);
console.log(`${metadata.snapshots.length} snapshots, ${all.files.length} files, ${rows} rows`);
console.log(`order_id > 900 needs ${some.files.length} of them`);

/** Writes orders into the table's folder, and describes the file: until a commit nobody sees it. */
async function writeOrders({ io, metadata }: LoadedTable, first: number, last: number): Promise<DataFile> {
  const schema = currentSchema(metadata);
  const path = `data/${uuidV4(systemRandom)}`;
  const directory = store.localPath(io.location.pathInStore(path))!;
  await Deno.mkdir(directory, { recursive: true });
  const database = await DuckDb.open();
  const connection = await database.connect();
  const [file] = await copyToParquet(connection, {
    query: `SELECT i::BIGINT AS order_id, i * 1.5 AS total FROM range(${first}, ${last + 1}) r(i)`,
    directory,
    fieldIds: Object.fromEntries(schema.fields.map((field) => [field.name, field.id])),
  });
  connection.close();
  database.close();
  return buildDataFile({
    path: io.location.uriOf(`${path}/${file!.path.slice(directory.length + 1)}`),
    specId: metadata.defaultSpecId,
    partition: [],
    recordCount: Number(file!.records),
    fileSizeBytes: Number(file!.size),
    columns: [{ fieldId: schema.fields[0]!.id, nullCount: 0, min: BigInt(first), max: BigInt(last) }],
  }, schema);
}
