import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { DuckDb, quotePath } from "../../../core/engine/duckdb.ts";
import { joinFiles } from "../../../core/tables/write/parquet/joined_file.ts";
import { readThriftStruct, writeThriftStruct } from "../../../core/tables/write/parquet/thrift_struct.ts";
import { inFolder } from "../../support/own_folder.ts";
import { withSeed } from "../../support/seed.ts";
import { TableMaker } from "./random_table.ts";
import { readFooter } from "./thrift_value.ts";
import { writeTable } from "./written_table.ts";

const GROUPS_MAX = 100;

/** Whether DuckDB reads from `joined` what it reads from the parts, with their order. */
async function readsAlike(folder: string, parts: readonly string[], joined: Uint8Array): Promise<boolean> {
  Deno.writeFileSync(`${folder}/joined.parquet`, joined);
  const db = await DuckDb.open({ threads: 1 });
  try {
    const connection = await db.connect();
    const rows = (paths: readonly string[]) =>
      connection.rows(
        `SELECT md5(CAST(list(t) AS VARCHAR)) AS print FROM (SELECT * FROM read_parquet([${
          paths.map(quotePath).join(", ")
        }])) t`,
      );
    const [wanted, found] = [await rows(parts), await rows([`${folder}/joined.parquet`])];
    return wanted[0]!.print === found[0]!.print;
  } finally {
    db.close();
  }
}

Deno.test("joined files hold the rows of their parts, with page indexes and filters, in order", () =>
  withSeed((random) =>
    inFolder(async (folder) => {
      const { fields, rows } = new TableMaker(random).table(120);
      const ways = [{ groupRows: 50 }, {}, { limits: { rowsMax: 7 } }];
      const properties = { "write.parquet.bloom-filter-enabled.column.id": "true" };
      const parts = ways.map((way, part) => {
        const path = `${folder}/${part}.parquet`;
        writeTable(path, fields, rows.slice(40 * part, 40 * part + 40), { ...way, properties });
        return path;
      });
      const joined = joinFiles(parts.map((path) => Deno.readFileSync(path)), GROUPS_MAX)!;
      strictEqual(joined.rows, 120);
      ok(await readsAlike(folder, parts, joined.bytes));
      const again = joinFiles([joined.bytes, Deno.readFileSync(parts[0]!)], GROUPS_MAX)!;
      ok(await readsAlike(folder, [...parts, parts[0]!], again.bytes), "what was joined can be joined");
      strictEqual(again.splitOffsets.length, joined.splitOffsets.length + 1);
      ok(again.splitOffsets.every((offset, i) => offset > (again.splitOffsets[i - 1] ?? 3)));
    })
  ));

Deno.test("files of DuckDB are joined, too", () =>
  inFolder(async (folder) => {
    const db = await DuckDb.open({ threads: 1 });
    const paths = [0, 1, 2].map((part) => `${folder}/${part}.parquet`);
    try {
      const connection = await db.connect();
      for (const [part, path] of paths.entries()) {
        await connection.run(
          `COPY (SELECT i AS id, 'text ' || i % 7 AS text FROM range(${part * 5000}, ${part * 5000 + 5000}) r(i))
TO ${quotePath(path)} (FORMAT parquet, ROW_GROUP_SIZE 2048)`,
        );
      }
    } finally {
      db.close();
    }
    const joined = joinFiles(paths.map((path) => Deno.readFileSync(path)), GROUPS_MAX)!;
    ok(await readsAlike(folder, paths, joined.bytes));
    deepStrictEqual([joined.rows, joined.splitOffsets.length], [15_000, 9]);
  }));

Deno.test("files of other columns, with too many row groups, or that are cut, are not joined", () =>
  withSeed((random) =>
    inFolder((folder) => {
      const one = new TableMaker(random).table(20), other = new TableMaker(random).table(20);
      const file = (name: string, table: typeof one, groupRows: number) => {
        writeTable(`${folder}/${name}`, table.fields, table.rows, { groupRows });
        return Deno.readFileSync(`${folder}/${name}`);
      };
      const whole = file("a", one, 20), many = file("b", one, 5), strange = file("c", other, 20);
      strictEqual(joinFiles([whole, strange], GROUPS_MAX), undefined);
      strictEqual(joinFiles([whole, many], 4), undefined);
      ok(joinFiles([whole, many], 5));
      for (const cut of [1, 8, 9, 200, whole.length - 5]) {
        strictEqual(joinFiles([whole, whole.subarray(0, whole.length - cut)], GROUPS_MAX), undefined, `${cut}`);
      }
      strictEqual(joinFiles([], GROUPS_MAX), undefined);
      return Promise.resolve();
    })
  ));

Deno.test("a footer that is read and written again has the same bytes", () =>
  withSeed((random) =>
    inFolder((folder) => {
      const { fields, rows } = new TableMaker(random).table(60);
      writeTable(`${folder}/a`, fields, rows, { groupRows: 20 });
      const file = Deno.readFileSync(`${folder}/a`);
      ok(readFooter(file));
      const length = new DataView(file.buffer, file.length - 8).getUint32(0, true);
      const footer = file.subarray(file.length - 8 - length, file.length - 8);
      deepStrictEqual(writeThriftStruct(readThriftStruct(footer)), footer);
      return Promise.resolve();
    })
  ));
