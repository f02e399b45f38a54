import { deepStrictEqual } from "node:assert/strict";
import { type Connection, DuckDb } from "../../core/engine/duckdb.ts";
import type { Schema } from "../../core/iceberg/format/schema.ts";
import type { Field, Type } from "../../core/iceberg/format/type.ts";
import { projectColumn } from "../../core/tables/read/column_projection.ts";
import { readLayouts } from "../../core/tables/read/file_layout.ts";
import { negativeZeroSql, rowPrintSql } from "../../core/tables/row_print_sql.ts";
import { sortKeySql } from "../../core/tables/sort_sql.ts";

async function withConnection(action: (connection: Connection, folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  const database = await DuckDb.open({ threads: 1 });
  try {
    await action(await database.connect(), folder);
  } finally {
    database.close();
    await Deno.remove(folder, { recursive: true });
  }
}

const long = { type: "long" } as const, double = { type: "double" } as const;

/** A list of structs, and a struct that is named as the SQL names an element of the list. */
function fieldsBeside(element: Field, other: string): Field[] {
  const struct: Type = { type: "struct", fields: [element] };
  return [
    {
      id: 1,
      name: "list",
      required: false,
      type: { type: "list", elementId: 2, elementRequired: false, element: struct },
    },
    { id: 4, name: other, required: false, type: { type: "struct", fields: [{ ...element, id: 5 }] } },
  ];
}

Deno.test("lists are read right beside a column that is named as the SQL names an element", () =>
  withConnection(async (connection, folder) => {
    const path = `${folder}/a.parquet`;
    await connection.run(`COPY (SELECT [{'was': 7::BIGINT}] AS list, MAP {1: {'was': 8::BIGINT}} AS map,
      {'was': 1::BIGINT, 'key': 2, 'value': {'was': 3::BIGINT}} AS v0, {'was': 4::BIGINT} AS v1) TO '${path}'
      (FIELD_IDS {list: {__duckdb_field_id: 1, element: {__duckdb_field_id: 2, was: 3}},
        map: {__duckdb_field_id: 6, key: 7, value: {__duckdb_field_id: 8, was: 9}}})`);
    const { columns } = (await readLayouts(connection, [path], {})).get(path)!;
    const struct = (id: number): Type => ({
      type: "struct",
      fields: [{ id, name: "is", required: false, type: long }],
    });
    const shown: Field[] = [
      {
        id: 1,
        name: "list",
        required: false,
        type: { type: "list", elementId: 2, elementRequired: false, element: struct(3) },
      },
      {
        id: 6,
        name: "map",
        required: false,
        type: { type: "map", keyId: 7, key: { type: "int" }, valueId: 8, valueRequired: false, value: struct(9) },
      },
    ];
    const [list, map] = shown.map((field) => projectColumn(field, columns, undefined));
    const [row] = await connection.rows(`SELECT (${list})::VARCHAR AS list, (${map})::VARCHAR AS map
      FROM read_parquet('${path}')`);
    deepStrictEqual(row, { list: "[{'is': 7}]", map: "{1={'is': 8}}" });
  }));

Deno.test("a row's checksum is of the row's values, whatever a column beside is named", () =>
  withConnection(async (connection) => {
    const fields = fieldsBeside({ id: 3, name: "real", required: false, type: double }, "z0");
    const print = rowPrintSql(fields, ({ name }) => `r."${name}"`);
    const negative = negativeZeroSql(fields, ({ name }) => `r."${name}"`)!;
    const rows = await connection.rows(`SELECT ${print} AS print, ${negative} AS negative FROM (
      SELECT [{'real': x::DOUBLE}] AS list, {'real': 1::DOUBLE} AS z0 FROM (VALUES ('0.0'), ('-0.0')) v(x)) r`);
    deepStrictEqual(rows.map(({ negative }) => negative), [false, true]);
    deepStrictEqual(new Set(rows.map(({ print }) => print)).size, 2);
  }));

Deno.test("rows are sorted by a member of a struct that is named as DuckDB names a subquery", () =>
  withConnection(async (connection) => {
    const member = { id: 2, name: "id", required: false, type: long } as const;
    const schema: Schema = {
      schemaId: 0,
      fields: [
        { id: 1, name: "unnamed_subquery", required: false, type: { type: "struct", fields: [member] } },
        { id: 3, name: "id", required: false, type: long },
      ],
    };
    const key = sortKeySql(schema, {
      transform: { name: "identity" },
      sourceId: 2,
      direction: "asc",
      nullOrder: "nulls-first",
    });
    const rows = await connection.rows(
      `SELECT id::INT AS id FROM (SELECT {'id': i} AS unnamed_subquery, 2 - i AS id FROM range(3) r(i)) ORDER BY ${key}`,
    );
    deepStrictEqual(rows.map(({ id }) => id), [2, 1, 0]);
  }));
