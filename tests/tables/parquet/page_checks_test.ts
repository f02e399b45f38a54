import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import { DuckDb, quotePath } from "../../../core/engine/duckdb.ts";
import type { Field } from "../../../core/iceberg/format/type.ts";
import { checkPages, checkPagesAt, pagesIn } from "../../../core/tables/read/parquet/page_checks.ts";
import { joinFiles } from "../../../core/tables/write/parquet/joined_file.ts";
import { THRIFT } from "../../../core/tables/thrift_type.ts";
import { readThriftStruct, writeThriftStruct } from "../../../core/tables/write/parquet/thrift_struct.ts";
import { inFolder } from "../../support/own_folder.ts";
import { withSeed } from "../../support/seed.ts";
import { TableMaker } from "./random_table.ts";
import { writeTable } from "./written_table.ts";

const fields: Field[] = [
  { id: 1, name: "id", required: true, type: { type: "long" } },
  { id: 2, name: "text", required: false, type: { type: "string" } },
];

/** 40 rows in columns with a dictionary each, and three pages of indexes into it. */
function smallFile(folder: string): Uint8Array {
  const rows = Array.from({ length: 40 }, (_, i) => ({ id: BigInt(i % 5), text: `text ${i % 7} `.repeat(20) }));
  writeTable(`${folder}/small`, fields, rows, { limits: { rowsMax: 15 } });
  return Deno.readFileSync(`${folder}/small`);
}

const DICTIONARIES = 2;

const stateOf = async (bytes: Uint8Array) => (await checkPages(pagesIn(bytes))).state;
const footerStart = (file: Uint8Array) => file.length - 8 - new DataView(file.buffer).getUint32(file.length - 8, true);

Deno.test("pages of any columns are sound as they were written, alone and joined", () =>
  withSeed((random) =>
    inFolder(async (folder) => {
      const { fields, rows } = new TableMaker(random).table(60);
      writeTable(`${folder}/a`, fields, rows, { groupRows: 20, limits: { rowsMax: 7 } });
      const file = Deno.readFileSync(`${folder}/a`);
      strictEqual(await stateOf(file), "sound");
      deepStrictEqual(await checkPagesAt(`${folder}/a`), { state: "sound" });
      strictEqual(await stateOf(joinFiles([file, file], 100)!.bytes), "sound");
      strictEqual(await checkPagesAt(`${folder}/none`), undefined);
    })
  ));

Deno.test("pages that memory does not hold are not damaged: nobody can tell", () =>
  inFolder(async (folder) => {
    const { size, read } = pagesIn(smallFile(folder));
    const source = { size, read: (at: number, length: number) => at > size / 2 ? read(at, length) : tooMuch() };
    await rejects(checkPages(source), RangeError);
  }));

function tooMuch(): Uint8Array {
  return new Uint8Array(2 ** 50);
}

Deno.test("one bit that is another makes a page damaged, wherever in it or its header it is", () =>
  inFolder(async (folder) => {
    const file = smallFile(folder);
    // Behind the pages are their indexes, which have no checksum.
    const end = 4 + pageBytes(file);
    const passed = new Set<number>();
    for (let at = 4; at < end; at++) {
      for (let bit = 0; bit < 8; bit++) {
        const damaged = file.slice();
        damaged[at]! ^= 1 << bit;
        const check = await checkPages(pagesIn(damaged));
        if (check.state !== "damaged") passed.add(at);
        else ok(check.where.includes("at byte "), check.where);
      }
    }
    // Nothing else says how many values a dictionary has; without so many no row can be read.
    ok(passed.size <= DICTIONARIES, `bytes ${[...passed]}`);
  }));

Deno.test("files without checksums are unchecked, and what is no Parquet, too", () =>
  inFolder(async (folder) => {
    const db = await DuckDb.open({ threads: 1 });
    try {
      const connection = await db.connect();
      await connection.run(`COPY (SELECT i FROM range(10) r(i)) TO ${quotePath(`${folder}/duck`)} (FORMAT parquet)`);
    } finally {
      db.close();
    }
    strictEqual(await stateOf(Deno.readFileSync(`${folder}/duck`)), "unchecked");
    for (const bytes of [new Uint8Array(), new Uint8Array(100), new TextEncoder().encode("PAR1xxxxPAR1")]) {
      strictEqual(await stateOf(bytes), "unchecked");
    }
  }));

Deno.test("a file whose row groups have other rows than it says is damaged, and is not joined", () =>
  inFolder(async (folder) => {
    const file = smallFile(folder);
    const start = footerStart(file);
    const footer = readThriftStruct(file.subarray(start, file.length - 8)).map((field) =>
      field.id === 3 ? { id: 3, type: THRIFT.i64, value: 41 } : field
    );
    const written = writeThriftStruct(footer);
    const changed = new Uint8Array(start + written.length + 8);
    changed.set(file.subarray(0, start));
    changed.set(written, start);
    changed.set(file.subarray(file.length - 8), start + written.length);
    new DataView(changed.buffer).setUint32(start + written.length, written.length, true);
    strictEqual(await stateOf(changed), "damaged");
    strictEqual(joinFiles([changed, changed], 100), undefined);
    ok(joinFiles([file, file], 100));
  }));

/** Of all columns: they stand one behind the other from the first byte on. */
function pageBytes(file: Uint8Array): number {
  const start = footerStart(file);
  const numberIn = (struct: ReturnType<typeof readThriftStruct>, id: number) =>
    struct.find((field) => field.id === id)?.value as number;
  const footer = readThriftStruct(file.subarray(start, file.length - 8));
  const groups = footer.find(({ id }) => id === 4)!.value as { items: ReturnType<typeof readThriftStruct>[] };
  return groups.items.reduce((sum, group) => sum + numberIn(group, 6), 0);
}
