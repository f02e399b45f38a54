import { strictEqual } from "node:assert/strict";
import { DuckDb } from "../../core/engine/duckdb.ts";
import type { Field } from "../../core/iceberg/format/type.ts";
import { difference, summaryOf } from "../../core/maintain/compaction/rows_summary.ts";

const fields: Field[] = [
  { id: 1, name: "id", required: true, type: { type: "long" } },
  { id: 2, name: "price", required: false, type: { type: "double" } },
  { id: 3, name: "the text", required: false, type: { type: "string" } },
  {
    id: 4,
    name: "tags",
    required: false,
    type: { type: "list", elementId: 5, elementRequired: false, element: { type: "string" } },
  },
];

const rows = `SELECT i AS id, CASE WHEN i % 3 = 0 THEN NULL ELSE 0.0::DOUBLE END AS price, 't' || i AS "the text",
  [i::VARCHAR] AS tags FROM range(50) r(i)`;

const changes: [string, string, string | undefined][] = [
  ["in another order", `SELECT * FROM (${rows}) ORDER BY id DESC`, undefined],
  ["without one", `SELECT * FROM (${rows}) WHERE id <> 7`, "49 rows instead of 50"],
  [
    "one twice, another not at all",
    `SELECT * REPLACE (CASE id WHEN 7 THEN 8 ELSE id END AS id) FROM (${rows})`,
    "other values of id",
  ],
  ["a null for a value", `SELECT * REPLACE (nullif(price, 0) AS price) FROM (${rows})`, "other values of price"],
  ["another sign of zero", `SELECT * REPLACE (-price AS price) FROM (${rows})`, "other values of price"],
  [
    "two columns changed",
    `SELECT * REPLACE ("the text" || ' ' AS "the text", [NULL] AS tags) FROM (${rows})`,
    "other values of the text, tags",
  ],
  [
    "values of other rows",
    `SELECT * REPLACE ('t' || (49 - id) AS "the text") FROM (${rows})`,
    "values that belonged to other rows",
  ],
];

Deno.test("a summary tells which columns of rows were changed on the way, and not in which order they come", async () => {
  const db = await DuckDb.open({ threads: 1 });
  const connection = await db.connect();
  try {
    const before = await summaryOf(connection, rows, fields);
    strictEqual(before.rows, 50);
    for (const [what, sql, expected] of changes) {
      strictEqual(difference(before, await summaryOf(connection, sql, fields)), expected, what);
    }
  } finally {
    connection.close();
    db.close();
  }
});
