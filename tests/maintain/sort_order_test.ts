import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import { quoteText } from "../../core/engine/duckdb.ts";
import { setProperties } from "../../core/iceberg/action/set_properties.ts";
import { replaceSortOrder } from "../../core/iceberg/action/update_partitioning.ts";
import type { DataFile } from "../../core/iceberg/format/data_file.ts";
import type { SortField } from "../../core/iceberg/format/sort_order.ts";
import { applyTransform, type Transform } from "../../core/iceberg/format/transform.ts";
import type { Field, PrimitiveType } from "../../core/iceberg/format/type.ts";
import type { Value } from "../../core/iceberg/format/single_value.ts";
import { compareValues } from "../../core/iceberg/format/value_order.ts";
import { valueFromSqlText } from "../../core/tables/sql_value.ts";
import { MaintainWorld } from "./maintain_world.ts";

type Key = Omit<SortField, "sourceId"> & { column: string };

function key(column: string, transform: Transform = { name: "identity" }, facts: Partial<Key> = {}): Key {
  return { column, transform, direction: "asc", nullOrder: "nulls-first", ...facts };
}

async function setOrder(world: MaintainWorld, keys: Key[]): Promise<void> {
  await world.commit((transaction) => transaction.add(replaceSortOrder(transaction.metadata, keys)));
}

/** Values of a data file in the order in which they lie there. */
async function valuesOf(world: MaintainWorld, file: DataFile, sql: string): Promise<unknown[]> {
  const { location } = (await world.load()).io;
  const path = location.store.localPath(location.pathOf(file.path))!;
  const rows = await world.lake.connection.rows(
    `SELECT ${sql} AS v FROM read_parquet(${quoteText(path)}, file_row_number = true) ORDER BY file_row_number`,
  );
  return rows.map(({ v }) => v);
}

Deno.test("compaction keeps the table's own sort order, and says so of files that have it", () =>
  MaintainWorld.use(async (world) => {
    await world.events(4);
    await setOrder(world, [key("at", { name: "day" }, { direction: "desc" }), key("text")]);
    const before = await world.lake.ask("SELECT * FROM bronze.events");
    strictEqual((await world.compact()).unkeptOrder, undefined);
    const [file] = await world.liveFiles();
    strictEqual(file!.sortOrderId, 1);
    const texts = Array.from({ length: 40 }, (_, id) => ({ day: Math.floor(id / 24), text: `text ${id}` }))
      .sort((a, b) => b.day - a.day || (a.text < b.text ? -1 : 1)).map(({ text }) => text);
    deepStrictEqual(await valuesOf(world, file!, "text"), texts);
    deepStrictEqual(await world.lake.ask("SELECT * FROM bronze.events"), before);
    deepStrictEqual(await world.lake.ask(`SELECT DISTINCT sort_order_id AS o FROM bronze."events$files"`), ['{"o":1}']);
  }));

Deno.test("an order that is asked for wins, and is the table's only where it begins with that", () =>
  MaintainWorld.use(async (world) => {
    await world.events(3);
    await setOrder(world, [key("text")]);
    const orders: [string[], number | undefined][] = [
      [["id desc"], undefined],
      [["text", "id"], 1],
      [["text desc"], undefined],
      [["text nulls last"], undefined],
    ];
    for (const [sortBy, order] of orders) {
      await world.compact({ sortBy });
      deepStrictEqual((await world.liveFiles()).map(({ sortOrderId }) => sortOrderId), [order], sortBy.join());
    }
  }));

Deno.test("an order with a key that SQL does not have is told of, and files do not claim it", () =>
  MaintainWorld.use(async (world) => {
    await world.events(3);
    await setOrder(world, [key("id", { name: "bucket", buckets: 8 }), key("text")]);
    strictEqual((await world.compact()).unkeptOrder, "bucket[8](id)");
    deepStrictEqual((await world.liveFiles()).map(({ sortOrderId }) => sortOrderId), [undefined]);
  }));

Deno.test("a table's target size decides unless another is asked for", () =>
  MaintainWorld.use(async (world) => {
    await world.events(4);
    const setTarget = (bytes: string) =>
      world.commit((transaction) => transaction.add(setProperties({ "write.target-file-size-bytes": bytes })));
    const [file] = await world.liveFiles();
    await setTarget(String(file!.fileSizeBytes));
    strictEqual((await world.compact({ targetFileSize: undefined, dryRun: true })).groups, 0);
    strictEqual((await world.compact({ targetFileSize: 1e6, dryRun: true })).groups, 1);
    await setTarget("1000000");
    strictEqual((await world.compact({ targetFileSize: undefined, dryRun: true })).groups, 1);
  }));

const fields: Field[] = [
  { id: 0, name: "number", required: false, type: { type: "double" } },
  { id: 0, name: "whole", required: false, type: { type: "long" } },
  { id: 0, name: "price", required: false, type: { type: "decimal", precision: 9, scale: 2 } },
  { id: 0, name: "text", required: false, type: { type: "string" } },
  { id: 0, name: "bytes", required: false, type: { type: "binary" } },
  { id: 0, name: "id", required: false, type: { type: "uuid" } },
  { id: 0, name: "at", required: false, type: { type: "timestamptz" } },
  { id: 0, name: "day", required: false, type: { type: "date" } },
];

const rows = `SELECT CASE i % 7 WHEN 0 THEN NULL WHEN 1 THEN 'nan'::DOUBLE WHEN 2 THEN '-0.0'::DOUBLE WHEN 3 THEN 0.0
    WHEN 4 THEN '-inf'::DOUBLE ELSE ((hash(i) % 2000)::INT - 1000) / 8 END AS number,
  CASE WHEN i % 9 = 0 THEN NULL ELSE (hash(i) % 101)::BIGINT - 50 END AS whole,
  CASE WHEN i % 9 = 1 THEN NULL ELSE ((hash(i + 1) % 2001)::INT - 1000)::DECIMAL(9, 2) / 100 END::DECIMAL(9, 2) AS price,
  CASE WHEN i % 9 = 2 THEN NULL ELSE chr((hash(i) % 3 * 60000 + 97)::INT) || chr((hash(i) % 25 + 97)::INT) || i END AS text,
  CASE WHEN i % 9 = 3 THEN NULL ELSE unhex(md5(i::VARCHAR))[1:1 + i % 5] END AS bytes,
  CASE WHEN i % 9 = 4 THEN NULL ELSE md5(i::VARCHAR)::UUID END AS id,
  CASE WHEN i % 9 = 5 THEN NULL
    ELSE TIMESTAMPTZ '1969-06-01 00:00:00+00' + to_hours((hash(i) % 9999)::INT) END AS at,
  CASE WHEN i % 9 = 6 THEN NULL ELSE DATE '1965-01-01' + (hash(i) % 3999)::INT END AS day
  FROM range(RANGE) r(i)`;

/** In a form that `valueFromSqlText` reads. */
const TEXTS: Readonly<Record<string, string>> = { bytes: "hex(bytes)", at: `epoch_us("at")::VARCHAR` };

const transforms: [string, Transform][] = [
  ...fields.map(({ name }): [string, Transform] => [name, { name: "identity" }]),
  ["whole", { name: "truncate", width: 7 }],
  ["price", { name: "truncate", width: 30 }],
  ["text", { name: "truncate", width: 1 }],
  ["bytes", { name: "truncate", width: 1 }],
  ["at", { name: "hour" }],
  ["at", { name: "day" }],
  ["at", { name: "month" }],
  ["day", { name: "month" }],
  ["day", { name: "year" }],
];

Deno.test("rows are sorted as the table format compares values, by every transform", () =>
  MaintainWorld.use(async (world) => {
    const table = await world.lake.create("bronze.events", fields);
    await world.lake.append(table, rows.replace("RANGE", "0, 200"));
    for (const [index, [column, transform]] of transforms.entries()) {
      await world.lake.append(await world.load(), rows.replace("RANGE", `${300 + index}, ${301 + index}`));
      const direction = index % 2 === 0 ? "asc" : "desc", nullOrder = index % 3 === 0 ? "nulls-last" : "nulls-first";
      await setOrder(world, [key(column, transform, { direction, nullOrder })]);
      await world.compact();
      const [file, ...others] = await world.liveFiles();
      const name = `${column} by ${transform.name}`;
      deepStrictEqual([others, file!.sortOrderId], [[], (await world.load()).metadata.defaultSortOrderId], name);
      const type = fields.find((field) => field.name === column)!.type as PrimitiveType;
      const texts = await valuesOf(world, file!, TEXTS[column] ?? `${column}::VARCHAR`) as (string | null)[];
      const keys = texts.map((text) =>
        applyTransform(transform, type, text === null ? null : valueFromSqlText(type, text))
      );
      const firstValue = keys.findIndex((value) => value !== null);
      strictEqual(firstValue === 0, nullOrder === "nulls-last", name);
      const values = keys.filter((value): value is Value => value !== null);
      ok(values.length > 100, name);
      const isInOrder = (a: Value, b: Value) => (direction === "asc" ? 1 : -1) * compareValues(a, b) <= 0;
      for (const [at, value] of values.entries()) if (at > 0) ok(isInOrder(values[at - 1]!, value), `${name}, ${at}`);
      deepStrictEqual(keys.slice(...nullOrder === "nulls-last" ? [0, values.length] : [-values.length]), values, name);
    }
  }));

Deno.test("an order by a column of a list is refused by its name", () =>
  MaintainWorld.use(async (world) => {
    await world.lake.create("bronze.events", [{
      id: 0,
      name: "steps",
      required: false,
      type: { type: "list", elementId: 0, elementRequired: false, element: { type: "int" } },
    }]);
    await rejects(world.compact({ sortBy: ["steps.element"] }), /by "steps.element": there is no such column/);
  }));
