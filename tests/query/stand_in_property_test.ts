import { deepStrictEqual, ok } from "node:assert/strict";
import { copyToParquet } from "../../core/engine/copy.ts";
import { quoteText } from "../../core/engine/duckdb.ts";
import { streamRows } from "../../core/engine/duckdb_stream.ts";
import { appendFiles } from "../../core/iceberg/action/append_files.ts";
import { rowDelta } from "../../core/iceberg/action/row_delta.ts";
import { updateSchema } from "../../core/iceberg/action/update_schema.ts";
import type { LoadedTable } from "../../core/iceberg/catalog/catalog.ts";
import { buildDataFile } from "../../core/iceberg/data_file_builder.ts";
import type { DataFile } from "../../core/iceberg/format/data_file.ts";
import { findFieldByPath } from "../../core/iceberg/format/schema.ts";
import { currentSchema } from "../../core/iceberg/format/table_metadata.ts";
import type { Field, Type } from "../../core/iceberg/format/type.ts";
import { formatNdjson } from "../../core/query/format/format_text.ts";
import fc from "../support/property.ts";
import { isThorough } from "../support/thorough.ts";
import { QueryWorld } from "../support/query_world.ts";

/** Few values each, some of which statistics cannot tell exactly: zeros, NaN, long text. */
const columns: [name: string, type: Type, values: string[]][] = [
  ["i", { type: "int" }, ["-1", "0", "1", "7", "NULL"]],
  ["l", { type: "long" }, ["9007199254740993", "-5", "0"]],
  ["s", { type: "string" }, ["'a'", "'ab'", "'ü'", "repeat('z', 40)", "NULL"]],
  ["ts", { type: "timestamptz" }, [
    "TIMESTAMPTZ '2026-03-01 00:00:00+00'",
    "TIMESTAMPTZ '2026-03-01 23:59:59.999999+00'",
    "TIMESTAMPTZ '2026-03-02 12:00:00+00'",
    "TIMESTAMPTZ '2026-03-03 12:00:00+00'",
    "NULL",
  ]],
  ["d", { type: "double" }, ["1.5", "-2.5", "3e10", "NULL"]],
  ["z", { type: "double" }, ["-0.0", "0.0", "1.0", "'NaN'::DOUBLE", "NULL"]],
  ["de", { type: "decimal", precision: 38, scale: 2 }, [
    "1.25::DECIMAL(38,2)",
    "-999999999999999999999999999999999999.99",
    "NULL",
  ]],
  ["b", { type: "boolean" }, ["true", "false", "NULL"]],
  ["dt", { type: "date" }, ["DATE '2026-03-01'", "DATE '1969-12-31'", "NULL"]],
  ["t", { type: "time" }, ["TIME '00:00:00'", "TIME '23:59:59.999999'", "NULL"]],
  ["u", { type: "uuid" }, ["'00000000-0000-0000-0000-000000000001'::UUID", "NULL"]],
  ["g", { type: "string" }, ["'a group with a long name'", "'a group with a longer one'"]],
];

const aggregate = fc.oneof(
  { arbitrary: fc.constant("count(*)"), weight: 3 },
  {
    arbitrary: fc.tuple(fc.constantFrom("min", "max", "count"), fc.constantFrom(...columns.map(([name]) => name)))
      .map(([call, name]) => `${call}(${name})`),
    weight: 5,
  },
  fc.constantFrom(
    "count(1)",
    "max(i) - min(i)",
    "count(distinct i)",
    "count(*) filter (i > 0)",
    "max(i + 1)",
    "min(n)",
  ),
);

const condition = fc.oneof(
  { arbitrary: fc.constant("true"), weight: 3 },
  fc.constantFrom(
    "ts >= '2026-03-01' AND ts < '2026-03-02'",
    "ts >= '2026-03-01 12:00:00' AND ts < '2026-03-03'",
    "ts::DATE = '2026-03-02'",
    "ts::DATE IN ('2026-03-02', '2026-03-03')",
    "ts IS NULL",
    "ts IS NOT NULL",
    "ts IS NULL OR ts > '2026-03-01'",
    "g = 'a group with a long name'",
    "g <> 'a group with a long name' AND ts < '2026-03-03'",
    "g LIKE 'a group%'",
    "g IN ('a group with a longer one', 'x')",
    "ts > '2026-03-02' OR g = 'a group with a long name'",
    "i BETWEEN -1 AND 7",
    "i = 0",
    "l <> 0",
    "l > -6",
    "NOT (l < -5)",
    "s >= 'a'",
    "d < 1e11",
    "z >= 0",
    "b",
    "u IS NOT NULL",
    "hash(i) > 5",
    "false",
  ),
);

const shapes: ((aggregates: string, where: string) => string)[] = [
  (aggregates, where) => `SELECT ${aggregates} FROM lake.t WHERE ${where}`,
  (aggregates, where) => `WITH c AS (SELECT * FROM lake.t WHERE ${where}) SELECT ${aggregates} FROM c`,
  (aggregates, where) => `FROM (SELECT ${aggregates} FROM (FROM lake.t WHERE ${where}))`,
  (aggregates, where) => `SELECT g, ${aggregates} FROM lake.t WHERE ${where} GROUP BY g ORDER BY g`,
  (aggregates, where) => `SELECT ${aggregates} FROM (FROM lake.t WHERE ${where} ORDER BY n LIMIT 9)`,
  (aggregates, where) => `SELECT ${aggregates} FROM (SELECT DISTINCT * FROM lake.t WHERE ${where})`,
  (aggregates, where) =>
    `SELECT (SELECT count(*) FROM lake.t), * FROM (SELECT ${aggregates} FROM lake.t WHERE ${where})`,
];

/** Questions to which metadata knows at least a part of the answer. */
const ANSWERED = [
  ["count(*)", "true", shapes[0]!],
  ["min(ts), max(ts), count(*)", "true", shapes[1]!],
  ["max(i) - min(i), count(i), min(de), max(d), min(dt), max(t)", "true", shapes[2]!],
  ["count(*)", "g IN ('a group with a longer one', 'x')", shapes[0]!],
  ["count(l), max(ts)", "ts IS NULL OR ts > '2026-03-01'", shapes[0]!],
] satisfies [string, string, (typeof shapes)[number]][];

const pick = (values: string[], salt: number) =>
  `CASE hash(r, ${salt}) % ${values.length} ${values.map((value, at) => `WHEN ${at} THEN ${value}`).join(" ")} END`;

/** Some rows of the columns that there are; a table of their own for each batch. */
function rowsSql(names: readonly string[], from: number, to: number): string {
  const parts = columns.map(([name, , values], salt) => [name, pick(values, salt)] as const)
    .filter(([name]) => names.includes(name)).map(([name, sql]) => `${sql} AS ${name}`);
  return `SELECT r::INT AS n, ${parts.join(", ")} FROM range(${from}, ${to}) x(r)`;
}

/** What foreign writers say of their files: less, and text that is cut shorter. */
function asForeign(file: DataFile, textId: number): DataFile {
  const { nanValueCounts: _nans, valueCounts, nullValueCounts, lowerBounds, ...rest } = file;
  const cut = new TextEncoder().encode("a");
  const counts = file.recordCount % 2 === 0 ? {} : { valueCounts: valueCounts!, nullValueCounts: nullValueCounts! };
  return {
    ...rest,
    ...counts,
    lowerBounds: new Map([...lowerBounds!].map(([id, bytes]) => [id, id === textId ? cut : bytes])),
  };
}

async function deleteRow(world: QueryWorld, file: DataFile): Promise<void> {
  const table = await world.lake.load("lake.t");
  const { location } = table.io;
  const directory = location.store.localPath(location.pathInStore("data/deletes"))!;
  await Deno.mkdir(directory, { recursive: true });
  const [written] = await copyToParquet(world.lake.connection, {
    query: `SELECT ${quoteText(file.path)} AS file_path, 0::BIGINT AS pos`,
    directory,
    fieldIds: { file_path: 2147483546, pos: 2147483545 },
  });
  const deletes = buildDataFile({
    path: location.uriOf("data/deletes/part.parquet"),
    content: "position-deletes",
    specId: file.specId,
    partition: file.partition,
    recordCount: 1,
    fileSizeBytes: Number(written!.size),
    columns: [],
    referencedDataFile: file.path,
  }, currentSchema(table.metadata));
  await world.lake.commit("lake.t", async (transaction) => {
    transaction.add(
      await rowDelta(transaction, { dataFiles: [], deleteFiles: [deletes], referenced: [file.path] }),
    );
  });
}

/** Own files, foreign ones, one with a deleted row, and older ones of another schema. */
async function fill(world: QueryWorld): Promise<void> {
  const { lake } = world;
  const field = ([name, type]: readonly [string, Type, ...unknown[]]): Field => ({
    id: 0,
    name,
    required: false,
    type,
  });
  const later = columns.filter(([name]) => ["b", "dt", "t"].includes(name));
  const first = columns.filter((column) => !later.includes(column));
  const table = await lake.create("lake.t", [field(["n", { type: "int" }]), ...first.map(field)], [
    { column: "ts", transform: { name: "day" } },
    { column: "g", transform: { name: "identity" } },
  ]);
  const append = (files: DataFile[]) =>
    lake.commit("lake.t", async (transaction) => {
      transaction.add(await appendFiles(transaction, { files }));
    });
  const old = rowsSql(first.map(([name]) => name), 0, 30);
  await append(await lake.writeFiles(table, old));
  const evolved = await lake.commit("lake.t", (transaction) => {
    transaction.add(updateSchema(transaction.metadata, [
      { change: "widen-column", path: "i", type: { type: "long" } },
      ...later.map((column) => ({ change: "add-column" as const, field: field(column) })),
    ]));
  });
  const all = columns.map(([name]) => name);
  const own = await lake.writeFiles(evolved, rowsSql(all, 30, 60));
  await append(own);
  const textId = findFieldByPath(currentSchema(evolved.metadata), "s")!.id;
  const foreign = await lake.writeFiles(evolved, rowsSql(all, 60, 80));
  await append(foreign.map((file) => asForeign(file, textId)));
  await deleteRow(world, own[0]!);
  await lake.connection.run(`CREATE SCHEMA lake;
    CREATE TABLE lake.t AS FROM (${old} UNION ALL BY NAME ${rowsSql(all, 30, 80)}) ORDER BY n;
    DELETE FROM lake.t WHERE n = (SELECT n FROM read_parquet(${quoteText(localPath(evolved, own[0]!))}) LIMIT 1);`);
}

function localPath({ io: { location } }: LoadedTable, { path }: DataFile): string {
  return location.store.localPath(location.pathOf(path))!;
}

async function expected({ lake: { connection } }: QueryWorld, sql: string): Promise<string[]> {
  let text = "";
  for await (const piece of formatNdjson(await streamRows(connection, sql))) text += piece;
  return text === "" ? [] : text.trimEnd().split("\n");
}

Deno.test("what metadata answers of any table is what its rows answer", () =>
  QueryWorld.use(async (world) => {
    await fill(world);
    let answered = 0;
    const aggregates = fc.array(aggregate, { minLength: 1, maxLength: 4 }).map((list) => list.join(", "));
    await fc.assert(
      fc.asyncProperty(aggregates, condition, fc.constantFrom(...shapes), async (asked, where, shape) => {
        const sql = shape(asked, where);
        deepStrictEqual(await world.ask(sql), await expected(world, sql), sql);
        const scan = (await world.ask(sql, { explainScan: true })).map((line) => JSON.parse(line));
        if (scan.some(({ reason }) => reason === "answered from metadata")) answered++;
      }),
      { numRuns: isThorough ? 150 : 25, examples: ANSWERED },
    );
    ok(answered >= ANSWERED.length, `metadata answered only ${answered} questions: the test shows nothing`);
  }));
