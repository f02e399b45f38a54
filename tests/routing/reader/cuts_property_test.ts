/** Large files, cut into parts: whatever stands at a cut, the rows are those of the whole file. */
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { systemClock } from "../../../core/base/clock.ts";
import { Meter } from "../../../core/base/meter.ts";
import type { Contract } from "../../../core/contract/contract.ts";
import { Scratch } from "../../../core/disk/scratch.ts";
import { DuckDb, quoteText } from "../../../core/engine/duckdb.ts";
import { assignFieldIds } from "../../../core/iceberg/format/schema.ts";
import type { Field } from "../../../core/iceberg/format/type.ts";
import { deadLetterFields, eventFields } from "../../../core/lake/our_columns.ts";
import { shareMemory } from "../../../core/routing/memory_shares.ts";
import type { LocalRawFile } from "../../../core/routing/raw_file.ts";
import { readFiles } from "../../../core/routing/reader/read_files.ts";
import { ReaderPool } from "../../../core/routing/reader/reader_pool.ts";
import type { ReaderLimits, ReadUnit, Survey } from "../../../core/routing/reader/reading.ts";
import type { RouteOptions } from "../../../core/routing/route_options.ts";
import type { TargetTable } from "../../../core/tables/write/target_table.ts";
import { anyRecord } from "../../contract/arbitrary_record.ts";
import fc from "../../support/property.ts";
import { say } from "../../support/say.ts";
import { isThorough } from "../../support/thorough.ts";
import { contractOf } from "./test_reader.ts";

const RUNS = isThorough ? 600 : 25;

const text = { type: "string" };
const CONTRACT = contractOf({
  required: ["id"],
  properties: {
    id: text,
    count: { type: "integer" },
    labels: { type: "object", additionalProperties: text },
    lines: {
      type: "array",
      items: { type: "object", additionalProperties: false, properties: { sku: text, price: { type: "number" } } },
    },
  },
});

/** Where a cut may do harm: escapes, characters of several bytes, brackets in texts. */
const awkward = fc.array(
  fc.constantFrom("x", "é", "€", "😀", "\\u00e9", "\\ud83d\\ude00", '\\"', "\\\\", "\\n", "]", "}", "[", "{", ",", ":"),
  { maxLength: 40 },
).map((parts) => parts.join(""));

const awkwardRecord = fc.record({
  id: awkward,
  key: awkward,
  count: fc.integer(),
  space: fc.constantFrom("", " ", "\t"),
})
  .map(({ id, key, count, space }) => {
    return `{"id":${space}"${id}",${space}"labels":{"${key}":"${id}"}${space},"lines":[{"sku":"${key}"},{"price":${count}.5e1}]}`;
  });

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

type Rows = Record<string, readonly string[]>;

interface Tools {
  pool: ReaderPool;
  database: DuckDb;
  folder: string;
}

const WHOLE = shareMemory("1GB", 2).limits;
let readings = 0;

function targetOf(named: Field[]): TargetTable {
  const { fields } = assignFieldIds(named, 1);
  return {
    schema: { schemaId: 0, fields },
    written: fields,
    spec: { specId: 0, fields: [] },
    properties: {},
    dataFolder: "data",
  };
}

/** The rows of both tables as text, and the counts of each file. */
async function read(
  { pool, database, folder }: Tools,
  files: readonly LocalRawFile[],
  how: Pick<RouteOptions, "limits" | "judgesAll">,
): Promise<Rows> {
  const scratch = Scratch.create(`${folder}/reading-${readings++}`);
  const tablesFor = (contract: Contract) => ({
    events: targetOf(eventFields(contract, { rescued: false })),
    deadLetters: targetOf(deadLetterFields(contract)),
  });
  const { events, deadLetters, tallies } = await readFiles(files, [], {
    ...how,
    connect: () => database.connect(),
    meter: new Meter(systemClock),
    readers: pool,
    scratch,
    contract: CONTRACT,
    onExtraFields: "dead-letter",
    room: { taken: new Set(), columns: 100 },
    batchId: 1n,
    ingestedAtMicros: 0n,
    tablesFor,
  });
  const connection = await database.connect();
  const rowsOf = async (paths: readonly string[]) => {
    if (paths.length === 0) return [];
    // A map's entries have no order.
    const columns = "* REPLACE (list_sort(map_entries(labels)) AS labels)";
    const table = `(SELECT ${columns} FROM read_parquet([${paths.map(quoteText)}]))`;
    const rows = await connection.rows(`SELECT to_json(t) AS row FROM ${table} t`);
    return rows.map(({ row }) => String(row)).sort();
  };
  const result = {
    events: await rowsOf(events.written.map(({ path }) => path)),
    deadLetters: await rowsOf(deadLetters.written.map(({ path }) => path)),
    tallies: [...tallies.values()].map((tally) => JSON.stringify(tally)).sort(),
  };
  connection.close();
  scratch.remove();
  return result;
}

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

/** A row has the text of a whole file: of those that only one has, the beginnings are enough. */
function same(cut: Rows, other: Rows, how: string): void {
  for (const [name, rows] of Object.entries(cut)) {
    const lone = (from: readonly string[], without: readonly string[]) =>
      from.filter((row) => !without.includes(row)).map((row) => row.slice(0, 250));
    const others = other[name]!;
    deepStrictEqual(lone(rows, others), lone(others, rows), `${name}, ${how}`);
    strictEqual(rows.length, others.length, `${name}, ${how}`);
  }
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
