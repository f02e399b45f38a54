/**
 * Files of envelopes, and files whose path says more: their rows are those of a file that holds
 * nothing but the records, with all that they have.
 */
import { ok } from "node:assert/strict";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { DuckDb } from "../../../core/engine/duckdb.ts";
import type { LocalRawFile } from "../../../core/routing/raw_file.ts";
import { ReaderPool } from "../../../core/routing/reader/reader_pool.ts";
import type { ReaderLimits } from "../../../core/routing/reader/reading.ts";
import { withMembers } from "../../../core/routing/path_columns.ts";
import { anyRecord } from "../../contract/arbitrary_record.ts";
import fc from "../../support/property.ts";
import { say } from "../../support/say.ts";
import { isThorough } from "../../support/thorough.ts";
import { awkwardRecord, CONTRACT, read, same, type Tools, WHOLE } from "./read_rows.ts";

const RUNS = isThorough ? 250 : 12;
const encoder = new TextEncoder();
const PACK = { gzip: gzipSync, zstd: zstdCompressSync };

/** The reader leaves what is nested deeper to the judge. */
const deep = fc.nat({ max: 3_000 }).map((depth) => `${"[".repeat(depth)}1${"]".repeat(depth)}`);

const record = fc.oneof(
  { weight: 20, arbitrary: awkwardRecord },
  { weight: 20, arbitrary: anyRecord(CONTRACT, "wild").filter(isJson) },
  { weight: 2, arbitrary: fc.constantFrom("12", "-0.5e+10", '"]"', "null", "{}", "[]", "true") },
  { weight: 1, arbitrary: deep },
);

const space = fc.constantFrom("", "", " ", "\t \t", "\n", "\r\n\n");

/** What stands beside the records, and what looks like their place and is not. */
const member = fc.constantFrom(
  '"digest":"]},{"',
  '"more":{"data":{"a/b":[{"id":"decoy"}]}}',
  '"A/B":[{}]',
  '"Data":{"a/b":[{"id":"decoy"}]}',
  '"n":[[0,{"a/b":[1]}],-1.5e3,null,true]',
  '"":{"":""}',
);

/** A pointer, and what makes an envelope of the text at its end. */
const PLACES = [
  { recordsAt: undefined, around: undefined },
  { recordsAt: "/Records", around: (inner: string) => [`"Records"`, inner] },
  { recordsAt: "/data/a~1b", around: (inner: string) => [`"d\\u0061ta"`, `{"x":[1],"a\\/b":${inner},"y":{}}`] },
  { recordsAt: "/0~01/1/é", around: (inner: string) => [`"0~1"`, `[[{"é":[]}] ,{"é":${inner}},0]`] },
] as const;

const envelope = fc.record({
  records: fc.array(record, { maxLength: 12 }),
  isOne: fc.boolean(),
  before: fc.uniqueArray(member, { maxLength: 3 }),
  after: fc.uniqueArray(member, { maxLength: 2 }),
  space,
});

const file = fc.record({
  place: fc.constantFrom(...PLACES),
  form: fc.constantFrom("array" as const, "lines" as const, "values" as const),
  envelopes: fc.array(envelope, { minLength: 1, maxLength: 5 }),
  separator: fc.constantFrom("", "\n", " \r\n"),
  mark: fc.constantFrom("", "", "\uFEFF"),
  packed: fc.constantFrom(undefined, undefined, "gzip" as const, "zstd" as const),
  count: fc.constantFrom(undefined, "05", "x"),
}).map(({ place, form: wanted, envelopes, separator, mark, packed, count }) => {
  // Bare values have no start that tells them from an array, and no end.
  const form = place.around === undefined && wanted === "values" ? "array" : wanted;
  const texts = place.around === undefined
    ? envelopes.flatMap(({ records }) => records)
    : envelopes.map(({ records, isOne, before, after, space }) => {
      const isObject = isOne && records.length === 1 && records[0]!.startsWith("{");
      const inner = isObject ? records[0]! : `[${space}${records.join(`${space},${space}`)}${space}]`;
      const [key, value] = place.around(inner);
      return `{${[...before, `${space}${key}${space}:${space}${value}`, ...after].join(",")}${space}}`;
    });
  const onLine = (text: string) => text.replaceAll(/[\r\n]/g, " ");
  const content = {
    array: `${separator}[${texts.join(`${separator},`)}]${separator}`,
    lines: texts.map(onLine).join(`\n${separator}`),
    values: texts.join(separator),
  };
  const isLines = form === "lines";
  const format = isLines ? "ndjson" as const : "json" as const;
  // What separates records within a line is no white space of theirs.
  const records = envelopes.flatMap((each) => each.records).map((text) => isLines ? onLine(text) : text);
  const members = count === undefined ? "" : `"count":${count === "x" ? '"x"' : Number(count)}`;
  const whole = `[${records.map((text) => withMembers(text.trim(), members)).join()}]`;
  const folder = count === undefined ? "" : `count=${count}/`;
  return { place, format, packed, folder, envelopes: mark + content[form], records: whole };
});

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

type Put = (
  file: { number: number; folder?: string; format: "json" | "ndjson"; packed?: "gzip" | "zstd" | undefined },
  plain: Uint8Array,
) => LocalRawFile;

/** With files to be put into a folder of its own, and what reads them. */
async function withFiles(action: (tools: Tools, put: Put) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "streamlab-envelopes-" });
  const tools: Tools = {
    folder,
    pool: new ReaderPool({ threads: 2, bytesPerThread: 1 }),
    database: await DuckDb.open({ threads: 1 }),
  };
  try {
    await action(tools, ({ number, folder: own = "", format, packed }, plain) => {
      const path = `${folder}/${number}`;
      const bytes = packed === undefined ? plain : PACK[packed](plain);
      // Some lie behind others in a spool.
      const offset = number % 2 === 0 ? 5 : 0;
      Deno.writeFileSync(path, Uint8Array.of(...encoder.encode('[{"}\n'.slice(0, offset)), ...bytes));
      return { number, name: `${own}${number}`, path, offset, size: bytes.length, packed, format };
    });
  } finally {
    tools.pool.close();
    tools.database.close();
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("envelopes, and folders of a path, give the rows and letters of plain records, wherever a file is cut", async () => {
  const seen = { files: 0, events: 0, letters: 0 };
  await withFiles(async (tools, put) => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(file, { minLength: 1, maxLength: 6 }),
        fc.integer({ min: 1, max: 800 }),
        async (files, partBytes) => {
          const onEmpty = "ignore" as const;
          for (const { recordsAt } of PLACES) {
            const own = files.filter(({ place }) => place.recordsAt === recordsAt);
            if (own.length === 0) continue;
            const plain = own.map(({ folder, records }, number) =>
              put({ number, folder, format: "json" }, encoder.encode(records))
            );
            const expected = await read(tools, plain, { limits: WHOLE, judgesAll: false, onEmpty });
            const local = own.map(({ folder, format, packed, envelopes }, number) =>
              put({ number, folder, format, packed }, encoder.encode(envelopes))
            );
            const reading = { onEmpty, recordsAt, pathColumns: ["count"] };
            const cut: ReaderLimits = { ...WHOLE, wholeFileBytes: 0, partBytes, partBytesMax: 1_500 };
            const ways = { "in one piece": WHOLE, "cut": cut };
            for (const [how, limits] of Object.entries(ways)) {
              same(expected, await read(tools, local, { limits, judgesAll: false, ...reading }), how);
            }
            same(
              expected,
              await read(tools, local, { limits: cut, judgesAll: true, ...reading }),
              "judged alone",
            );
            seen.files += own.length;
            seen.events += expected.events!.length;
            seen.letters += expected.deadLetters!.length;
          }
        },
      ),
      { numRuns: RUNS, endOnFailure: true },
    );
  });
  say(`envelopes: ${JSON.stringify(seen)}`);
  ok(seen.events > 0 && seen.letters > 0, JSON.stringify(seen));
});

/** What happens to a file's bytes, and what is written where it is about records. */
const damage = fc.oneof(
  { weight: 3, arbitrary: fc.constant((bytes: Uint8Array) => bytes) },
  { weight: 2, arbitrary: fc.nat().map((at) => (bytes: Uint8Array) => bytes.slice(0, at % (bytes.length + 1))) },
  {
    weight: 3,
    arbitrary: fc.tuple(
      fc.nat(),
      fc.nat({ max: 2 }),
      fc.constantFrom("", "]", "}", "\n", '"', "x", "\xff", ",", '"Records":[{}],', '{"id":"a"}\n{', "[]"),
    ).map(([at, taken, more]) => (bytes: Uint8Array) =>
      Uint8Array.from([...bytes].toSpliced(at % (bytes.length + 1), taken, ...encoder.encode(more)))
    ),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom("]", "x", " \n\r\t", "\0", "[1]", '\n{"Records":[]}').map(
      (more) => (bytes: Uint8Array) => Uint8Array.of(...bytes, ...encoder.encode(more)),
    ),
  },
);

Deno.test("damaged envelopes, or such without their records, are the judge's rows and letters, wherever a file is cut", async () => {
  const seen = { files: 0, events: 0, letters: 0 };
  const enveloped = PLACES.filter(({ recordsAt }) => recordsAt !== undefined);
  await withFiles(async (tools, put) => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(file, damage), { minLength: 12, maxLength: 24 }),
        fc.constantFrom(...enveloped),
        fc.constantFrom("ignore" as const, "dead-letter" as const),
        fc.integer({ min: 1, max: 800 }),
        async (files, { recordsAt }, onEmpty, partBytes) => {
          const local = files.map(([{ format, packed, envelopes }, damaged], number) =>
            put({ number, format, packed }, damaged(encoder.encode(envelopes)))
          );
          const reading = { onEmpty, recordsAt };
          const cut: ReaderLimits = { ...WHOLE, wholeFileBytes: 0, partBytes, partBytesMax: 1_500 };
          const expected = await read(tools, local, { limits: WHOLE, judgesAll: true, ...reading });
          for (const [how, limits] of Object.entries({ "in one piece": WHOLE, "cut": cut })) {
            same(expected, await read(tools, local, { limits, judgesAll: false, ...reading }), how);
          }
          seen.files += files.length;
          seen.events += expected.events!.length;
          seen.letters += expected.deadLetters!.length;
        },
      ),
      { numRuns: RUNS, endOnFailure: true },
    );
  });
  say(`damaged envelopes: ${JSON.stringify(seen)}`);
  ok(seen.events > 0 && seen.letters > 0, JSON.stringify(seen));
});
