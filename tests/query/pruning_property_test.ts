import { deepStrictEqual, ok } from "node:assert/strict";
import fc from "../support/property.ts";
import type { Field, Type } from "../../core/iceberg/format/type.ts";
import { QueryWorld } from "../support/query_world.ts";
import { isThorough } from "../support/thorough.ts";

const RUNS = isThorough ? 150 : 25;

/** Columns with few values each, so that random conditions hit, miss and meet nulls. */
const columns: [name: string, type: Type, values: string[]][] = [
  ["i", { type: "int" }, ["-1", "0", "1", "7", "NULL"]],
  ["l", { type: "long" }, ["9007199254740993", "-5", "0", "NULL"]],
  ["s", { type: "string" }, ["''", "'a'", "'ab'", "'ü'", "'😀'", "repeat('z', 40)", "NULL"]],
  ["ts", { type: "timestamptz" }, [
    "TIMESTAMPTZ '2026-03-01 00:00:00+00'",
    "TIMESTAMPTZ '2026-03-01 23:59:59.999999+00'",
    "TIMESTAMPTZ '2026-03-02 12:00:00+00'",
    "TIMESTAMPTZ '1969-12-31 23:00:00+00'",
    "NULL",
  ]],
  ["d", { type: "double" }, ["1.5::DOUBLE", "-0.0::DOUBLE", "0::DOUBLE", "'NaN'::DOUBLE", "'inf'::DOUBLE", "NULL"]],
  ["de", { type: "decimal", precision: 20, scale: 2 }, ["1.25::DECIMAL(20,2)", "-99999999999.99", "NULL"]],
  ["b", { type: "boolean" }, ["true", "false", "NULL"]],
  ["dt", { type: "date" }, ["DATE '2026-03-01'", "DATE '1969-12-31'", "NULL"]],
  ["u", { type: "uuid" }, [
    "'00000000-0000-0000-0000-000000000001'::UUID",
    "'ffffffff-0000-0000-0000-000000000001'::UUID",
    "NULL",
  ]],
];

/**
 * A condition on one column; the constants are its own values and, for numbers, ones between them.
 */
const term = fc.constantFrom(...columns).chain(([name, , values]) => {
  const constant = fc.constantFrom(...values.filter((value) => value !== "NULL"));
  return fc.oneof(
    fc.tuple(fc.constantFrom("=", "<>", "<", "<=", ">", ">=", "IS DISTINCT FROM"), constant)
      .map(([op, value]) => `${name} ${op} ${value}`),
    fc.tuple(constant, fc.constantFrom("<", ">=", "=")).map(([value, op]) => `${value} ${op} ${name}`),
    fc.array(constant, { minLength: 1, maxLength: 3 }).map((list) => `${name} IN (${list.join(", ")})`),
    fc.array(constant, { minLength: 1, maxLength: 3 }).map((list) => `${name} NOT IN (${list.join(", ")})`),
    fc.tuple(constant, constant).map(([low, high]) => `${name} BETWEEN ${low} AND ${high}`),
    fc.constantFrom(`${name} IS NULL`, `${name} IS NOT NULL`),
  );
});

const special = fc.constantFrom(
  "s LIKE 'a%'",
  "starts_with(s, 'ü')",
  "NOT (s LIKE 'a%')",
  "ts::DATE = DATE '2026-03-01'",
  "ts::DATE <> DATE '2026-03-01'",
  "ts::DATE > DATE '2026-03-01'",
  "ts::DATE <= DATE '1969-12-31'",
  "date_trunc('month', ts) = '2026-03-01'",
  "i + 1 = 2",
  "coalesce(i, 0) = 0",
  "b",
  "NOT b",
  "i = l",
  "i > 0.5",
  "true",
);

const condition = fc.letrec<{ node: string }>((tie) => ({
  node: fc.oneof(
    { maxDepth: 3 },
    { arbitrary: term, weight: 5 },
    { arbitrary: special, weight: 2 },
    fc.tuple(tie("node"), fc.constantFrom("AND", "OR"), tie("node")).map(([a, op, b]) => `(${a} ${op} ${b})`),
    tie("node").map((a) => `NOT (${a})`),
  ),
})).node;

/**
 * The same condition where the planner must look for it: plain, in a CTE, under a join, in a
 * subquery.
 */
const shapes: ((where: string) => string)[] = [
  (where) => `SELECT row_id FROM lake.t WHERE ${where}`,
  (where) => `WITH c AS (SELECT * FROM lake.t) SELECT row_id FROM c WHERE ${where}`,
  (where) => `SELECT row_id FROM (SELECT *, i + 1 AS j FROM lake.t ORDER BY j) WHERE ${where}`,
  (where) => `SELECT a.row_id FROM (FROM lake.t WHERE ${where}) a JOIN lake.t b ON a.row_id = b.row_id`,
  (where) =>
    `SELECT row_id FROM lake.t o WHERE EXISTS (SELECT 1 FROM lake.t i WHERE i.row_id = o.row_id AND (${where}))`,
];

Deno.test("no condition, however it is written, loses a row by leaving out files", () =>
  QueryWorld.use(async (world) => {
    const fields: Field[] = [
      { id: 0, name: "row_id", required: true, type: { type: "long" } },
      ...columns.map(([name, type]): Field => ({ id: 0, name, required: false, type })),
    ];
    let table = await world.lake.create("lake.t", fields, [
      { column: "ts", transform: { name: "day" } },
      { column: "s", transform: { name: "truncate", width: 1 } },
      { column: "l", transform: { name: "bucket", buckets: 4 } },
    ]);
    const { connection } = world.lake;
    const pick = (values: string[], salt: number) =>
      `CASE hash(n, ${salt}) % ${values.length} ${values.map((value, at) => `WHEN ${at} THEN ${value}`).join(" ")} END`;
    const rows = `SELECT n AS row_id, ${
      columns.map(([name, , values], salt) => `${pick(values, salt)} AS ${name}`).join(", ")
    }`;
    await connection.run(`CREATE SCHEMA lake; CREATE TABLE lake.t AS ${rows} FROM range(40) r(n)`);
    table = await world.lake.append(table, "SELECT * FROM lake.t WHERE row_id < 20");
    await world.lake.append(table, "SELECT * FROM lake.t WHERE row_id >= 20");
    let skipped = 0;
    await fc.assert(
      fc.asyncProperty(condition, fc.constantFrom(...shapes), async (where, shape) => {
        const sql = `SELECT row_id FROM (${shape(where)}) ORDER BY row_id`;
        const expected = (await connection.rows(sql)).map(({ row_id }) => `{"row_id":${row_id}}`);
        deepStrictEqual(await world.ask(sql), expected, sql);
        skipped += (await world.scan(sql)).skip.length;
      }),
      { numRuns: RUNS },
    );
    ok(skipped > RUNS, `only ${skipped} files were left out in all: the test shows nothing`);
  }));
