import { deepStrictEqual } from "node:assert/strict";
import { DuckDb } from "../../core/engine/duckdb.ts";
import { registerFunction } from "../../core/engine/scalar_function.ts";

Deno.test("a function is called with the values of each row in turn, however long their texts are", async () => {
  const database = await DuckDb.open({ threads: 1 });
  const connection = await database.connect();
  try {
    const calls: unknown[] = [];
    await registerFunction(connection, {
      name: "visit",
      parameters: ["INTEGER", "DOUBLE", "VARCHAR"],
      returns: "VARCHAR",
      call(number, double, text) {
        calls.push([number, double, (text as string | null)?.length, (text as string | null)?.slice(-3)]);
        return `${number}`;
      },
    });
    const rows = await connection.rows(`SELECT visit(n, n / 2, text) AS value FROM (SELECT i::INT AS n,
      CASE WHEN i % 5 = 4 THEN NULL ELSE repeat('x', 1_500_000 * (i % 3)) || (100 + i) END AS text FROM range(20) t(i))`);
    const numbers = Array.from({ length: 20 }, (_, i) => i);
    const textOf = (i: number) => i % 5 === 4 ? [undefined, undefined] : [1_500_000 * (i % 3) + 3, `${100 + i}`];
    deepStrictEqual(calls, numbers.map((i) => [i, i / 2, ...textOf(i)]));
    deepStrictEqual(rows, numbers.map((i) => ({ value: `${i}` })));
  } finally {
    connection.close();
    database.close();
  }
});
