import type { Field, PrimitiveType } from "../../core/iceberg/spec/type.ts";

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
