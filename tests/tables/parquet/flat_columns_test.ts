import { deepStrictEqual, ok } from "node:assert/strict";
import { DuckDb, quotePath, quoteText } from "../../../core/engine/duckdb.ts";
import { readFlatColumns } from "../../../core/tables/read/parquet/flat_columns.ts";
import fc from "../../support/property.ts";

interface Row {
  text: string;
  odd: string | null;
  number: bigint;
  small: number;
  time: number;
}

const row = fc.record({
  text: fc.oneof(fc.constantFrom("a", "b", ""), fc.string({ unit: "grapheme", maxLength: 12 })),
  odd: fc.option(fc.oneof(fc.constantFrom("x", "y"), fc.string({ unit: "grapheme", maxLength: 300 }))),
  number: fc.oneof(fc.constantFrom(0n, 1n), fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })),
  small: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
  time: fc.nat(),
});

/** More rows than there are different ones: runs, and dictionaries of every width. */
const rows = fc.record({
  distinct: fc.array(row, { minLength: 1, maxLength: 40 }),
  order: fc.array(fc.nat(), { maxLength: 400 }),
}).map(({ distinct, order }) => order.map((index) => distinct[index % distinct.length]!));

async function withDuckDb(use: (write: (rows: Row[], options: string) => Promise<Uint8Array>) => Promise<void>) {
  const folder = await Deno.makeTempDir();
  const database = await DuckDb.open({ threads: 1 });
  try {
    const connection = await database.connect();
    let files = 0;
    await use(async (rows, options) => {
      const path = `${folder}/${files++}.parquet`;
      const values = rows.map(({ text, odd, number, small, time }) =>
        `(${quoteText(text)}, ${odd === null ? "NULL" : quoteText(odd)}, ${number}, ${small}, ${time})`
      );
      const source = values.length === 0 ? "SELECT '', '', 0, 0, 0 LIMIT 0" : `VALUES ${values.join(", ")}`;
      await connection.run(
        `COPY (SELECT a::VARCHAR AS text, b::VARCHAR AS odd, c::BIGINT AS number, d::INTEGER AS small,
           make_timestamp(e::BIGINT) AS time FROM (${source}) t(a, b, c, d, e)) TO ${quotePath(path)} (${options})`,
      );
      return await Deno.readFile(path);
    });
  } finally {
    database.close();
    await Deno.remove(folder, { recursive: true });
  }
}

const NAMES = ["text", "odd", "number", "small"];

function columnsOf(rows: readonly Row[]): Map<string, unknown[]> {
  return new Map<string, unknown[]>([
    ["text", rows.map(({ text }) => text)],
    ["odd", rows.map(({ odd }) => odd)],
    ["number", rows.map(({ number }) => number)],
    ["small", rows.map(({ small }) => BigInt(small))],
  ]);
}

Deno.test("flat columns of another writer's files are read as they are", () =>
  withDuckDb(async (write) => {
    const options = fc.constantFrom(
      "FORMAT parquet, CODEC zstd",
      "FORMAT parquet, CODEC uncompressed, ROW_GROUP_SIZE 2048",
    );
    let read = 0;
    await fc.assert(
      fc.asyncProperty(rows, options, async (rows, options) => {
        const columns = readFlatColumns(await write(rows, options), NAMES);
        if (columns === undefined) return;
        read++;
        deepStrictEqual(columns, columnsOf(rows));
      }),
      { numRuns: 60 },
    );
    ok(read > 40, `${read} of 60`);
  }));

Deno.test("a file of another kind, or without a column, is left to another reader", () =>
  withDuckDb(async (write) => {
    const some: Row[] = [{ text: "a", odd: null, number: 1n, small: 1, time: 1 }];
    const parquet = await write(some, "FORMAT parquet, CODEC zstd");
    deepStrictEqual(readFlatColumns(parquet, ["text", "missing"]), undefined);
    deepStrictEqual(readFlatColumns(await write(some, "FORMAT parquet, CODEC snappy"), NAMES), undefined);
    deepStrictEqual(readFlatColumns(await write(some, "FORMAT csv"), NAMES), undefined);
    deepStrictEqual(readFlatColumns(new Uint8Array(), NAMES), undefined);
  }));

Deno.test("whatever the damage, a file is left to another reader or is read within its bounds", () =>
  withDuckDb(async (write) => {
    const files: Uint8Array[] = [];
    for (const codec of ["zstd", "uncompressed"]) {
      const some = fc.sample(rows, { numRuns: 2, seed: 5 }).flat();
      files.push(await write(some, `FORMAT parquet, CODEC ${codec}`));
    }
    fc.assert(
      fc.property(
        fc.constantFrom(...files),
        fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 3 }),
        fc.option(fc.nat()),
        (file, changes, end) => {
          const damaged = file.slice(0, end === null ? undefined : end % file.length);
          for (const [at, value] of changes) if (damaged.length > 0) damaged[at % damaged.length] = value;
          readFlatColumns(damaged, NAMES); // throws nothing
        },
      ),
      { numRuns: 3_000 },
    );
  }));

/** A file of one column of one value, of these pages (Thrift's compact protocol). */
function fileOfPage(page: readonly number[]): Uint8Array {
  const magic = [..."PAR1"].map((character) => character.charCodeAt(0)), name = "a".charCodeAt(0);
  const root = [0x48, 1, name, 0x15, 2, 0], column = [0x35, 0, 0x18, 1, name, 0];
  const metadata = [0x15, 4, 0x35, 0, 0x16, 2, 0x26, page.length * 2, 0x26, magic.length * 2, 0];
  const group = [0x19, 0x1c, 0x3c, ...metadata, 0, 0x26, 2, 0];
  const footer = [0x29, 0x2c, ...root, ...column, 0x29, 0x1c, ...group, 0];
  return Uint8Array.of(...magic, ...page, ...footer, footer.length, 0, 0, 0, ...magic);
}

Deno.test("a page of a size below zero, or a number without end, does not hold the reader for ever", () => {
  const headerOf = (stored: number, count: number, encoding: number) => [
    ...[0x15, 0, 0x15, stored, 0x15, stored],
    ...[0x2c, 0x15, count, 0x15, encoding, 0, 0],
  ];
  const value = [1, 0, 0, 0, 0, 0, 0, 0];
  deepStrictEqual(readFlatColumns(fileOfPage([...headerOf(16, 2, 0), ...value]), ["a"]), new Map([["a", [1n]]]));
  // Zigzag: 25 is -13, which leads back to the page's own start.
  const back = headerOf(0, 0, 0);
  back[5] = 25;
  deepStrictEqual(readFlatColumns(fileOfPage(back), ["a"]), undefined);
  deepStrictEqual(readFlatColumns(fileOfPage([...headerOf(16, 1, 0), ...value]), ["a"]), undefined);
  // A dictionary of one value, and indexes to it whose run has a header of 40 bytes.
  const dictionary = [0x15, 4, 0x15, 16, 0x15, 16, 0x4c, 0x15, 2, 0x15, 0, 0, 0, ...value];
  const endless = [1, ...new Array(39).fill(0x80), 1];
  const indexes = [...headerOf(endless.length * 2, 2, 16), ...endless];
  deepStrictEqual(readFlatColumns(fileOfPage([...dictionary, ...indexes]), ["a"]), undefined);
});
