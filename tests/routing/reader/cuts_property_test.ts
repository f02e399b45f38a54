/** Large files, cut into parts: whatever stands at a cut, the rows are those of the whole file. */
import { ok, strictEqual } from "node:assert/strict";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { DuckDb } from "../../../core/engine/duckdb.ts";
import type { LocalRawFile } from "../../../core/routing/raw_file.ts";
import { ReaderPool } from "../../../core/routing/reader/reader_pool.ts";
import type { ReaderLimits, ReadUnit, Survey } from "../../../core/routing/reader/reading.ts";
import { anyRecord } from "../../contract/arbitrary_record.ts";
import fc from "../../support/property.ts";
import { say } from "../../support/say.ts";
import { isThorough } from "../../support/thorough.ts";
import { awkwardRecord, CONTRACT, read, same, type Tools, WHOLE } from "./read_rows.ts";

const RUNS = isThorough ? 400 : 25;

/** Deeper, and longer, than a part may be. */
const deep = fc.nat({ max: 6_000 }).map((depth) => `${"[".repeat(depth)}1${"]".repeat(depth)}`);

const record = fc.oneof(
  { weight: 20, arbitrary: awkwardRecord },
  { weight: 20, arbitrary: anyRecord(CONTRACT, "wild") },
  { weight: 2, arbitrary: fc.constantFrom("12", "-0.5e+10", '"]"', "null", "{}", "[]", "true") },
  // A byte order mark may only stand at the start of a file.
  { weight: 2, arbitrary: fc.constant('\uFEFF{"id":"marked"}') },
  { weight: 1, arbitrary: deep },
);

/** Lines that are no values by themselves; some are the beginning, the middle or the end of one. */
const fragment = fc.constantFrom(
  "",
  "",
  "",
  "[",
  "{",
  '{"a":',
  '"k":',
  "]",
  "},",
  ",",
  "[1,",
  "[[],",
  '{"id":"a"} x',
  "1 [{}",
  '"',
);

/** What happens to a file's bytes: mostly nothing. */
const damage = fc.oneof(
  { weight: 6, arbitrary: fc.constant((bytes: Uint8Array) => bytes) },
  { weight: 2, arbitrary: fc.nat().map((at) => (bytes: Uint8Array) => bytes.slice(0, at % (bytes.length + 1))) },
  {
    weight: 2,
    arbitrary: fc.tuple(fc.nat(), fc.nat({ max: 255 })).map(([at, value]) => (bytes: Uint8Array) => {
      const changed = bytes.slice();
      if (changed.length > 0) changed[at % changed.length] = value;
      return changed;
    }),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom("]", "x", " \n\r\t", "\0", "[1]").map((more) => (bytes: Uint8Array) =>
      Uint8Array.of(...bytes, ...encoder.encode(more))
    ),
  },
);

const encoder = new TextEncoder();
const PACK = { gzip: gzipSync, zstd: zstdCompressSync };

const file = fc.record({
  kind: fc.constantFrom("array" as const, "lines" as const, "values" as const),
  records: fc.array(record, { minLength: 1, maxLength: 40, size: "max" }),
  separator: fc.constantFrom("", " ", "\n", "\r\n", "\n\n  \n"),
  mark: fc.constantFrom("", "", "", "\uFEFF"),
  damage,
  packed: fc.constantFrom(undefined, undefined, "gzip" as const, "zstd" as const),
  lined: fc.nat({ max: 40 }),
  fragments: fc.oneof(fc.constant([]), fc.array(fragment, { maxLength: 40, size: "max" })),
}).map(({ kind, records, separator, mark, damage, packed, lined, fragments }) => {
  const onLine = (each: string) => each.replaceAll(/[\r\n]/g, " ");
  const contents = {
    array: `${mark}${separator}[${records.join(`${separator},${separator}`)}${separator}]${separator}`,
    lines: mark + records.map(onLine).join(`\n${separator}`) + separator,
    // Lines first, perhaps, then values as they come.
    values: `${mark}${separator}{}\n` +
      records.slice(0, lined).map((each, at) => `${onLine(each)}\n${fragments[at] ?? ""}\n`).join("") +
      records.slice(lined).join(separator) + separator,
  };
  const bytes = damage(encoder.encode(contents[kind]));
  return {
    format: kind === "lines" ? "ndjson" as const : "json" as const,
    packed,
    bytes: packed === undefined ? bytes : PACK[packed](bytes),
  };
});

const batch = fc.record({
  files: fc.array(file, { minLength: 1, maxLength: 8 }),
  partBytes: fc.integer({ min: 1, max: 800 }),
  partBytesMax: fc.constantFrom(1_500, 30_000),
});

async function partsOf(
  { pool, folder }: Pick<Tools, "pool" | "folder">,
  files: readonly LocalRawFile[],
  limits: ReaderLimits,
): Promise<ReadUnit[]> {
  const units = files.map(({ format, ...each }): ReadUnit => {
    return { ...each, offset: 0, how: format === "json" ? "json" : "lines", position: 0 };
  });
  const next = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
  const surveys = await pool.run<Survey[]>({ kind: "survey", units, limits, folder, next }, 2);
  return surveys.flat().flatMap((survey) => survey.units);
}

Deno.test("a file that is cut anywhere, packed or not, gives the rows of the file in one piece, and of the judge alone", async () => {
  const folder = await Deno.makeTempDir({ prefix: "streamlab-cuts-" });
  const tools = {
    folder,
    pool: new ReaderPool({ threads: 2, bytesPerThread: 1 }),
    database: await DuckDb.open({ threads: 1 }),
  };
  const seen = { files: 0, parts: 0, readExactly: 0, rows: 0 };
  try {
    await fc.assert(
      fc.asyncProperty(batch, async ({ files, partBytes, partBytesMax }) => {
        const local = files.map(({ format, packed, bytes }, number): LocalRawFile => {
          const path = `${folder}/${number}`;
          Deno.writeFileSync(path, bytes);
          return { number, name: `${number}.${format}`, path, size: bytes.length, packed, format };
        });
        const limits: ReaderLimits = { ...WHOLE, wholeFileBytes: 0, partBytes, partBytesMax };
        const cut = await read(tools, local, { limits, judgesAll: false });
        same(cut, await read(tools, local, { limits: WHOLE, judgesAll: false }), "in one piece");
        same(cut, await read(tools, local, { limits: WHOLE, judgesAll: true }), "by the judge alone");
        const parts = await partsOf(tools, local, limits);
        seen.files += files.length;
        seen.parts += parts.length;
        seen.readExactly += parts.filter(({ how }) => how.startsWith("exact")).length;
        seen.rows += cut.events!.length + cut.deadLetters!.length;
      }),
      // A smaller example would take as many readings again.
      { numRuns: RUNS, endOnFailure: true },
    );
  } finally {
    tools.pool.close();
    tools.database.close();
    await Deno.remove(folder, { recursive: true });
  }
  say(`cut: ${JSON.stringify(seen)}`);
  ok(seen.parts > seen.files * 3 && seen.readExactly > 0, JSON.stringify(seen));
});

Deno.test("a sound file is cut all the way through, between records, into parts of the size that is asked for", async () => {
  const path = await Deno.makeTempFile({ prefix: "streamlab-cuts-" });
  const pool = new ReaderPool({ threads: 1 });
  const limits: ReaderLimits = { ...WHOLE, wholeFileBytes: 0, partBytes: 300, partBytesMax: 300 };
  const records = Array.from({ length: 500 }, (_, i) => `{"id":"]},{${i}","labels":{"é":"\\\\\\""}}`);
  try {
    const contents = [
      ["json", `[${records.join()}]`],
      ["ndjson", records.join("\n")],
      ["json", records.join("\n")],
      ["json", records.join("")],
    ] as const;
    for (const [format, content] of contents) {
      await Deno.writeTextFile(path, content);
      const { length: size } = encoder.encode(content);
      const parts = await partsOf({ pool, folder: "" }, [{ number: 0, name: "a", path, size, format }], limits);
      ok(parts.length > size / limits.partBytes, `${parts.length} parts of ${size} bytes`);
      ok(parts.every((part) => part.size <= limits.partBytes && !part.how.startsWith("exact")), format);
      for (const [index, part] of parts.entries()) {
        strictEqual(part.position, parts.slice(0, index).reduce((sum, { records }) => sum + records!, 0), format);
      }
      strictEqual(parts.at(-1)!.position + parts.at(-1)!.records!, records.length, format);
    }
  } finally {
    pool.close();
    await Deno.remove(path);
  }
});
