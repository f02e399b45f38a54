import type { LoadedTable } from "../../core/iceberg/catalog/catalog.ts";
import { appendFiles } from "../../core/iceberg/action/append_files.ts";
import { currentSchema } from "../../core/iceberg/format/table_metadata.ts";
import type { Field } from "../../core/iceberg/format/type.ts";
import { dataFileOf } from "../../core/tables/write/data_file.ts";
import type { IcebergWorld } from "../support/iceberg_world.ts";
import { type RandomTable, type TableRow } from "../tables/parquet/random_table.ts";
import { type WriteOptions, writeTable } from "../tables/parquet/written_table.ts";

/** Files of different shapes, of the same rows. */
export const SHAPES: Record<string, WriteOptions> = {
  whole: {},
  pages: { groupRows: 120, limits: { rowsMax: 9 } },
  deltas: { limits: { dictionaryBytesMax: 0, bytesMax: 300, delta: true } },
  overflown: { groupRows: 70, limits: { dictionaryBytesMax: 200 } },
};

export interface OwnTable {
  table: LoadedTable;
  /** Of its one data file. */
  path: string;
}

/** A table with one data file that our own writer made. */
export async function ownTable(
  world: IcebergWorld,
  name: string,
  { fields, rows }: RandomTable,
  options: WriteOptions,
): Promise<OwnTable> {
  const { metadata, io } = await world.create(name, fields);
  const { location } = io;
  const schema = currentSchema(metadata);
  const file = "data/own.parquet";
  const path = location.store.localPath(location.pathInStore(file))!;
  await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true });
  const written = writeTable(path, schema.fields, rows, options);
  const place = { uri: location.uriOf(file), specId: metadata.defaultSpecId, partition: [] };
  const append = { files: [dataFileOf(written, place, schema)] };
  const table = await world.commit(name, async (transaction) => {
    transaction.add(await appendFiles(transaction, append));
  });
  return { table, path };
}

/** Table properties that give every column a Bloom filter. */
export function bloomFilters(fields: readonly Field[]): Record<string, string> {
  return Object.fromEntries(fields.map(({ name }) => [`write.parquet.bloom-filter-enabled.column.${name}`, "true"]));
}

const PRUNED_ROWS = 6_000;

/** Columns that tell row groups and pages apart, with nulls, NaNs and long texts in them. */
export function prunedTable(): RandomTable {
  const field = (id: number, name: string, type: Field["type"], required = false): Field => ({
    id,
    name,
    required,
    type,
  });
  const fields = [
    field(1, "id", { type: "long" }, true),
    field(2, "code", { type: "int" }),
    field(3, "name", { type: "string" }),
    field(4, "token", { type: "string" }),
    field(5, "price", { type: "double" }),
    field(6, "day", { type: "date" }),
    field(7, "at", { type: "timestamptz" }),
    field(8, "amount", { type: "decimal", precision: 30, scale: 2 }),
    field(9, "flag", { type: "boolean" }),
  ];
  const rows = Array.from({ length: PRUNED_ROWS }, (_, i): TableRow => ({
    id: BigInt(i),
    code: i % 1000 < 500 ? null : Math.floor(i / 3) * 7,
    name: i % 50 === 0 ? null : `${"é".repeat(i % 90)}${String(PRUNED_ROWS - i).padStart(6, "0")}`,
    token: `token ${Math.imul(i, 2654435761) >>> 0}`,
    price: i < 1000 ? NaN : i % 10 === 0 ? -0 : i % 10 === 1 ? 0 : (i % 2000) / 8,
    day: i < 3000 ? null : Math.floor(i / 100),
    at: 1_772_323_200_000_000n - BigInt(i) * 1_000_000n,
    amount: BigInt(i - 3000) * 10n ** 20n,
    flag: i >= 4000,
  }));
  return { fields, rows };
}

/** Predicates that leave out row groups by statistics, pages by the index, or all by a filter. */
export const PREDICATES = [
  "id = 4321",
  "id > 5990 OR id < 3",
  "id = 1000000",
  "code = 2331",
  "code = 2332",
  "code IS NULL AND id > 5000",
  "name >= 'é' AND name < 'éé'",
  "name = '000010'",
  "name IS NULL",
  "token = 'token 0'",
  "token = 'token 2654435761'",
  "token = 'no such token'",
  "price = 0",
  "price = CAST('-0.0' AS DOUBLE)",
  "price < 0.2",
  "price > 249",
  "price <> price OR price > 1000",
  "day = DATE '1970-02-10'",
  "day < DATE '1970-02-01'",
  "at >= TIMESTAMP '2026-02-28 23:59:58Z'",
  "at < TIMESTAMP '2026-02-28 22:21:00Z'",
  "amount = CAST('1000000000000000000000.00' AS DECIMAL(30, 2))",
  "amount < CAST('-2999000000000000000000.00' AS DECIMAL(30, 2))",
  "flag",
  "NOT flag AND id > 3990",
];
