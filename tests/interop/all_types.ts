import type { PartitionColumnChoice } from "../../core/iceberg/action/create_table.ts";
import type { Field, PrimitiveType } from "../../core/iceberg/format/type.ts";

export function column(name: string, type: PrimitiveType["type"] | Field["type"]): Field {
  return { id: 0, name, required: false, type: typeof type === "string" ? { type } as PrimitiveType : type };
}

export const allTypes: Field[] = [
  { ...column("id", "int"), required: true },
  column("l", "long"),
  column("b", "boolean"),
  column("f", "float"),
  column("d", "double"),
  column("day", "date"),
  column("t", "time"),
  column("ts", "timestamp"),
  column("tz", "timestamptz"),
  column("s", "string"),
  column("u", "uuid"),
  column("bin", "binary"),
  column("d9", { type: "decimal", precision: 9, scale: 2 }),
  column("d18", { type: "decimal", precision: 18, scale: 4 }),
  column("d38", { type: "decimal", precision: 38, scale: 10 }),
  column("nested", {
    type: "struct",
    fields: [column("x", "long"), column("inner", { type: "struct", fields: [column("y", "string")] })],
  }),
  column("tags", { type: "list", elementId: 0, elementRequired: false, element: { type: "string" } }),
  column("props", {
    type: "map",
    keyId: 0,
    key: { type: "string" },
    valueId: 0,
    valueRequired: false,
    value: { type: "string" },
  }),
];

export const rowsOfAllTypes =
  `SELECT i::INT AS id, (i * 4611686018427387)::BIGINT AS l, i % 2 = 0 AS b, (i / 4)::FLOAT AS f, i / 8.0::DOUBLE AS d,
  DATE '1969-12-30' + i::INT AS day, TIME '00:00:01.5' + to_minutes(i) AS t, TIMESTAMP '1969-12-31 22:30:00' + to_hours(i * 7) AS ts,
  TIMESTAMPTZ '2026-02-27 23:59:59.999999+00' + to_hours(i * 5) AS tz,
  CASE i % 4 WHEN 0 THEN NULL WHEN 1 THEN 'é😀 long enough to be cut ' || i ELSE 'plain ' || i END AS s,
  md5(i::VARCHAR)::UUID AS u, encode('bytes ' || i) AS bin, (i * 1.25)::DECIMAL(9,2) AS d9, (-i * 7.5)::DECIMAL(18,4) AS d18,
  (i * 1e20)::DECIMAL(38,10) AS d38, {'x': i::BIGINT, 'inner': {'y': 'y' || i}} AS nested, ['a' || i, NULL] AS tags,
  MAP {'k' || i: 'v', 'n': NULL} AS props FROM range(24) r(i)`;

/** Spark has no type for a time of day. */
export const sparkTypes: Field[] = allTypes.filter((field) => field.name !== "t");
export const sparkRows = `SELECT * EXCLUDE (t) FROM (${rowsOfAllTypes})`;

/** Each transform on a column that takes it. */
export const everyTransform: { name: string; partitionBy: PartitionColumnChoice[] }[] = [
  { name: "by_identity", partitionBy: [{ column: "s", transform: { name: "identity" } }] },
  {
    name: "by_identities",
    partitionBy: ["b", "day", "d9", "f"].map((column) => ({ column, transform: { name: "identity" } })),
  },
  {
    name: "by_bucket",
    partitionBy: ["id", "s", "u", "d18", "tz"].map((column) => ({ column, transform: { name: "bucket", buckets: 3 } })),
  },
  {
    name: "by_truncate",
    partitionBy: ["l", "s", "d9", "bin"].map((column) => ({ column, transform: { name: "truncate", width: 7 } })),
  },
  { name: "by_year", partitionBy: [{ column: "ts", transform: { name: "year" } }] },
  { name: "by_month", partitionBy: [{ column: "day", transform: { name: "month" } }] },
  { name: "by_day", partitionBy: [{ column: "tz", transform: { name: "day" } }] },
  { name: "by_hour", partitionBy: [{ column: "ts", transform: { name: "hour" } }] },
  { name: "by_void", partitionBy: [{ column: "id", transform: { name: "void" } }] },
  { name: "by_nested", partitionBy: [{ column: "nested.x", transform: { name: "bucket", buckets: 2 } }] },
];
