import { deepStrictEqual } from "node:assert/strict";
import fc from "../support/property.ts";
import { DuckDb } from "../../core/engine/duckdb.ts";
import type { Value } from "../../core/iceberg/format/single_value.ts";
import type { PrimitiveType } from "../../core/iceberg/format/type.ts";
import { sqlLiteral, valueFromSqlText } from "../../core/tables/sql_value.ts";
import { sqlTypeOf } from "../../core/tables/sql_type.ts";

/**
 * Instants that DuckDB prints exactly, some 285,000 years on both sides of 1970 (ICU counts in
 * doubles), more often near it.
 */
const micros = fc.oneof(
  fc.bigInt({ min: -9_000_000_000_000_000_000n, max: 9_000_000_000_000_000_000n }),
  fc.bigInt({ min: -70_000_000_000_000_000n, max: 260_000_000_000_000_000n }),
  fc.constantFrom(0n, -1n, -86_400_000_000n, -62_135_596_800_000_000n, -62_135_596_800_000_001n),
);
const decimal = fc.bigInt({ min: -(10n ** 18n) + 1n, max: 10n ** 18n - 1n });

const kinds: [PrimitiveType, fc.Arbitrary<Value>, (value: Value) => string][] = [
  [{ type: "timestamptz" }, micros, (value) => `make_timestamptz(${value}::BIGINT)`],
  [{ type: "timestamp" }, micros, (value) => `make_timestamp(${value}::BIGINT)`],
  [{ type: "date" }, fc.integer({ min: -2_000_000, max: 20_000_000 }), (value) => `DATE '1970-01-01' + ${value}::INT`],
  [{ type: "long" }, fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (value) => `'${value}'::BIGINT`],
  [{ type: "int" }, fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }), (value) => `'${value}'::INT`],
  [{ type: "double" }, fc.double({ noNaN: true }), (value) => `'${written(value)}'::DOUBLE`],
  [{ type: "float" }, fc.float({ noNaN: true }), (value) => `'${written(value)}'::FLOAT`],
  [{ type: "boolean" }, fc.boolean(), String],
  [{ type: "uuid" }, fc.uuid(), (value) => `'${value}'::UUID`],
  [
    { type: "decimal", precision: 18, scale: 7 },
    decimal,
    (value) => `('${value}'::DECIMAL(38,0) * '0.0000001'::DECIMAL(8,7))::DECIMAL(18,7)`,
  ],
];

const written = (value: Value) => Object.is(value, -0) ? "-0.0" : String(value);

Deno.test("each value that DuckDB prints is read as what it was", async () => {
  const database = await DuckDb.open({ threads: 1 });
  const connection = await database.connect();
  try {
    for (const [type, values, sql] of kinds) {
      const chosen = fc.sample(values, 200);
      const list = chosen.map((value) => `CAST(${sql(value)} AS VARCHAR)`).join(", ");
      const rows = await connection.rows(`SELECT unnest([${list}]) AS text`);
      const read = rows.map(({ text }) => valueFromSqlText(type, text as string));
      const expected = type.type === "float" ? chosen.map((value) => Math.fround(value as number)) : chosen;
      const single = type.type === "float" ? read.map((value) => Math.fround(value as number)) : read;
      deepStrictEqual(single, expected, type.type);
    }
  } finally {
    connection.close();
    database.close();
  }
});

Deno.test("a value is written into SQL as what it is", async () => {
  const values: [PrimitiveType, Value, string][] = [
    [{ type: "decimal", precision: 38, scale: 9 }, -(10n ** 38n) + 1n, `-${"9".repeat(29)}.${"9".repeat(9)}`],
    [{ type: "decimal", precision: 9, scale: 2 }, 5n, "0.05"],
    [{ type: "decimal", precision: 9, scale: 0 }, -5n, "-5"],
    [{ type: "double" }, -0, "-0.0"],
    [{ type: "string" }, "it's\0a", "it's\0a"],
  ];
  const database = await DuckDb.open({ threads: 1 });
  const connection = await database.connect();
  try {
    for (const [type, value, text] of values) {
      const sql = `CAST(CAST(${sqlLiteral(type, value)} AS ${sqlTypeOf(type)}) AS VARCHAR)`;
      deepStrictEqual(await connection.rows(`SELECT ${sql} AS text`), [{ text }]);
    }
  } finally {
    connection.close();
    database.close();
  }
});
