import { deepStrictEqual } from "node:assert/strict";
import { type Connection, DuckDb } from "../../core/engine/duckdb.ts";
import type { DataFile, FileContent } from "../../core/iceberg/format/data_file.ts";
import type { Field } from "../../core/iceberg/format/type.ts";
import { tableSelect } from "../../core/tables/read/scan_sql.ts";

const columns: Field[] = [
  { id: 1, name: "id", required: false, type: { type: "long" } },
  { id: 2, name: "c1", required: false, type: { type: "string" } },
];
const gone: Field = { id: 3, name: "gone", required: false, type: { type: "int" } };

function describe(path: string, content: FileContent, equalityIds?: number[]): DataFile {
  return {
    content,
    path: `file://${path}`,
    format: "parquet",
    specId: 0,
    partition: [],
    recordCount: 0,
    fileSizeBytes: 0,
    ...(equalityIds && { equalityIds }),
  };
}

/** Two data files of ids 0–4 and 5–9, with a dropped column; and what is to be tried with them. */
async function withFiles(
  action: (write: (name: string, query: string, ids: string) => Promise<string>, rows: RowsOf) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  const database = await DuckDb.open({ threads: 2 });
  try {
    const connection = await database.connect();
    const write = async (name: string, query: string, ids: string) => {
      const path = `${folder}/${name}.parquet`;
      await connection.run(`COPY (${query}) TO '${path}' (FIELD_IDS {${ids}})`);
      return path;
    };
    await action(write, rowsOf(connection));
  } finally {
    database.close();
    await Deno.remove(folder, { recursive: true });
  }
}

type Deletes = { path: string; content: FileContent; equalityIds?: number[] }[];
type RowsOf = (files: { path: string; deletes: Deletes }[]) => Promise<string[]>;

function rowsOf(connection: Connection): RowsOf {
  return async (files) => {
    const select = tableSelect({
      columns,
      fieldById: (id) => [...columns, gone].find((field) => field.id === id),
      files: files.map(({ path, deletes }) => ({
        file: describe(path, "data"),
        localPath: path,
        deletes: deletes.map((each) => ({
          file: describe(each.path, each.content, each.equalityIds),
          localPath: each.path,
        })),
      })),
    });
    const rows = await connection.rows(`SELECT id, "c1" AS text FROM (${select}) ORDER BY id NULLS LAST`);
    return rows.map(({ id, text }) => `${id}${text}`);
  };
}

const dataIds = "id: 1, c1: 2, gone: 3";
const dataQuery = (from: number) =>
  `SELECT i AS id, 'x' AS c1, (i % 2)::INT AS gone FROM range(${from}, ${from + 5}) t(i)`;
const positionIds = "file_path: 2147483546, pos: 2147483545";

Deno.test("without files there are no rows, with files all of them", () =>
  withFiles(async (write, rows) => {
    deepStrictEqual(await rows([]), []);
    const a = await write("a", dataQuery(0), dataIds);
    deepStrictEqual(await rows([{ path: a, deletes: [] }]), ["0x", "1x", "2x", "3x", "4x"]);
  }));

Deno.test("columns are found by id: renamed, widened and added ones read right", () =>
  withFiles(async (write, rows) => {
    const old = await write("old", "SELECT 7::INT AS was_called_otherwise", "was_called_otherwise: 1");
    deepStrictEqual(await rows([{ path: old, deletes: [] }]), ["7null"]);
  }));

Deno.test("a file may have columns of DuckDB's own names", () =>
  withFiles(async (write, rows) => {
    const path = await write(
      "own",
      "SELECT 7::BIGINT AS file_row_number, 'y' AS filename",
      "file_row_number: 1, filename: 2",
    );
    deepStrictEqual(await rows([{ path, deletes: [] }]), ["7y"]);
  }));

Deno.test("a position delete takes its row of its file, and no other", () =>
  withFiles(async (write, rows) => {
    const [a, b] = [await write("a", dataQuery(0), dataIds), await write("b", dataQuery(5), dataIds)];
    const path = await write(
      "d",
      `SELECT * FROM (VALUES ('file://${a}', 1::BIGINT), ('file://${b}', 0), ('file://no', 3)) t(file_path, pos)`,
      positionIds,
    );
    const deletes: Deletes = [{ path, content: "position-deletes" }];
    deepStrictEqual(await rows([{ path: a, deletes }, { path: b, deletes }]), [
      "0x",
      "2x",
      "3x",
      "4x",
      "6x",
      "7x",
      "8x",
      "9x",
    ]);
    // A delete file that the scan does not apply to a data file is not applied to it.
    deepStrictEqual(await rows([{ path: a, deletes }, { path: b, deletes: [] }]), [
      "0x",
      "2x",
      "3x",
      "4x",
      "5x",
      "6x",
      "7x",
      "8x",
      "9x",
    ]);
  }));

Deno.test("an equality delete takes every equal row of the files that it applies to, null being equal to null", () =>
  withFiles(async (write, rows) => {
    const a = await write("a", `${dataQuery(0)} UNION ALL SELECT NULL, 'n', 5`, dataIds);
    const b = await write("b", dataQuery(0), dataIds);
    const first = await write("e1", "SELECT * FROM (VALUES (1::BIGINT), (NULL)) t(id)", "id: 1");
    const second = await write("e2", "SELECT 2::BIGINT AS id, 'x' AS c1", "id: 1, c1: 2");
    const deletes: Deletes = [{ path: first, content: "equality-deletes", equalityIds: [1] }];
    const both: Deletes = [...deletes, { path: second, content: "equality-deletes", equalityIds: [1, 2] }];
    deepStrictEqual(await rows([{ path: a, deletes }]), ["0x", "2x", "3x", "4x"]);
    deepStrictEqual(await rows([{ path: a, deletes: both }]), ["0x", "3x", "4x"]);
    deepStrictEqual(await rows([{ path: a, deletes: both }, { path: b, deletes }]), [
      "0x",
      "0x",
      "2x",
      "3x",
      "3x",
      "4x",
      "4x",
    ]);
  }));

Deno.test("an equality delete may compare a column that the table has no more", () =>
  withFiles(async (write, rows) => {
    const a = await write("a", dataQuery(0), dataIds);
    const path = await write("e", "SELECT 1::INT AS gone", "gone: 3");
    deepStrictEqual(await rows([{ path: a, deletes: [{ path, content: "equality-deletes", equalityIds: [3] }] }]), [
      "0x",
      "2x",
      "4x",
    ]);
  }));

Deno.test("position and equality deletes go together", () =>
  withFiles(async (write, rows) => {
    const a = await write("a", dataQuery(0), dataIds);
    const p = await write("p", `SELECT 'file://${a}' AS file_path, 4::BIGINT AS pos`, positionIds);
    const e = await write("e", "SELECT 0::BIGINT AS id", "id: 1");
    const deletes: Deletes = [
      { path: p, content: "position-deletes" },
      { path: e, content: "equality-deletes", equalityIds: [1] },
    ];
    deepStrictEqual(await rows([{ path: a, deletes }]), ["1x", "2x", "3x"]);
  }));
