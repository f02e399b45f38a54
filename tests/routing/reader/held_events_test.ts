import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { gzipSync } from "node:zlib";
import { systemClock } from "../../../core/base/clock.ts";
import { Meter } from "../../../core/base/meter.ts";
import type { Contract } from "../../../core/contract/contract.ts";
import { Scratch } from "../../../core/disk/scratch.ts";
import { DuckDb, quoteText } from "../../../core/engine/duckdb.ts";
import { deadLetterFields, eventFields } from "../../../core/lake/our_columns.ts";
import { type ReadFiles, readFiles } from "../../../core/routing/reader/read_files.ts";
import { ReaderPool } from "../../../core/routing/reader/reader_pool.ts";
import type { RepeatPositions } from "../../../core/routing/repeats.ts";
import type { RouteOptions } from "../../../core/routing/route_options.ts";
import { scratchFolder } from "../../support/scratch_folder.ts";
import { targetOf, WHOLE } from "./read_rows.ts";
import { contractOf } from "./test_reader.ts";

const CONTRACT = contractOf({
  required: ["id"],
  properties: { id: { type: "string" }, at: { type: "string", format: "date-time" } },
});
const RULE = { by: ["id"], at: "at", withinMicros: "1" };

function lines(...ids: string[]): Uint8Array {
  return new TextEncoder().encode(
    ids.map((id) => `${JSON.stringify({ id, at: "2026-03-01T00:00:00Z", ...id === "x" && { extra: 1 } })}\n`).join(""),
  );
}

interface Outcome {
  read: ReadFiles;
  ids: unknown[];
  /** How many keys `decide` was asked about, each time. */
  asked: number[];
}

/** By two threads, however small the files are. */
async function readHeld(
  files: Record<string, Uint8Array>,
  decided: RepeatPositions | undefined,
  how: Partial<RouteOptions> = {},
): Promise<Outcome> {
  const folder = Deno.makeTempDirSync({ dir: scratchFolder() }), asked: number[] = [];
  const pool = new ReaderPool({ threads: 2, bytesPerThread: 1 });
  const database = await DuckDb.open({ threads: 1 }), connection = await database.connect();
  try {
    const raw = Object.entries(files).map(([name, bytes], number) => {
      Deno.writeFileSync(`${folder}/${name}`, bytes);
      return { number, name, path: `${folder}/${name}`, size: bytes.length, format: "ndjson" as const };
    });
    const read = await readFiles(raw, [], {
      connect: () => database.connect(),
      meter: new Meter(systemClock),
      readers: pool,
      limits: WHOLE,
      judgesAll: false,
      scratch: Scratch.create(`${folder}/scratch`),
      contract: CONTRACT,
      onExtraFields: "dead-letter",
      room: { taken: new Set(), columns: 100 },
      batchId: 1n,
      ingestedAtMicros: 0n,
      keys: { rule: RULE, secret: "00" },
      decide: ({ times }) => {
        asked.push(times.length);
        return Promise.resolve(decided);
      },
      tablesFor: (contract: Contract) => ({
        events: targetOf(eventFields(contract, { rescued: how.onExtraFields === "add" })),
        deadLetters: targetOf(deadLetterFields(contract)),
      }),
      ...how,
    });
    const paths = read.events.written.map(({ path }) => quoteText(path));
    const rows = await connection.rows(`SELECT id FROM read_parquet([${paths}], union_by_name = true) ORDER BY id`);
    return { read, ids: rows.map(({ id }) => id), asked };
  } finally {
    connection.close();
    database.close();
    pool.close();
  }
}

const FILES = { "a.ndjson": lines("a", "b", "c"), "b.ndjson": lines("d", "e") };
const REPEATS = new Map([["a.ndjson", [1]], ["b.ndjson", [0]]]);

Deno.test("events that memory holds are written once, without those that are left out by their keys", async () => {
  const { read, ids, asked } = await readHeld(FILES, REPEATS);
  deepStrictEqual([ids, asked, read.repeats], [["a", "c", "e"], [5], REPEATS]);
});

Deno.test("events are all written where their keys decide nothing, and what repeats is still to be found", async () => {
  const { read, ids, asked } = await readHeld(FILES, undefined);
  deepStrictEqual([ids, asked, read.repeats], [["a", "b", "c", "d", "e"], [5], undefined]);
});

Deno.test("events of which some were written before all were read are all written, and none left out", async () => {
  const { read, ids, asked } = await readHeld(FILES, REPEATS, { limits: { ...WHOLE, groupRows: 2, heldRows: 2 } });
  deepStrictEqual([ids, asked, read.repeats], [["a", "b", "c", "d", "e"], [], undefined]);
  strictEqual(read.keys?.times.length, 5);
});

Deno.test("events that wait are written before the same threads read more: records with new columns, or a misnamed file", async () => {
  const packed = { ...FILES, "packed.ndjson": new Uint8Array(gzipSync(lines("y", "z"))) };
  const found = await readHeld(packed, REPEATS, { limits: { ...WHOLE, wholeFileBytes: 10 } });
  deepStrictEqual(found.ids, ["a", "b", "c", "d", "e", "y", "z"]);
  const added = await readHeld({ ...FILES, "x.ndjson": lines("x") }, REPEATS, { onExtraFields: "add" });
  deepStrictEqual(added.ids, ["a", "b", "c", "d", "e", "x"]);
  for (const { read, asked } of [found, added]) deepStrictEqual([asked, read.repeats], [[], undefined]);
});

Deno.test("events that wait for a decision that fails are in no later batch of the same threads", async () => {
  const readers = new ReaderPool({ threads: 2, bytesPerThread: 1 });
  try {
    const failing = { readers, decide: () => Promise.reject(new Error("no memory")) };
    await rejects(readHeld(FILES, REPEATS, failing), /no memory/);
    const { read, ids } = await readHeld({ "c.ndjson": lines("f") }, new Map(), { readers });
    deepStrictEqual([ids, read.repeats], [["f"], new Map()]);
  } finally {
    readers.close();
  }
});

Deno.test("threads that held many rows, and gave their memory back, read the next batch", async () => {
  const readers = new ReaderPool({ threads: 2, bytesPerThread: 1 });
  try {
    const how = { readers, keys: undefined, limits: { ...WHOLE, groupRows: 1, heldRows: 8 } };
    for (let batch = 0; batch < 2; batch++) {
      deepStrictEqual((await readHeld(FILES, undefined, how)).ids, ["a", "b", "c", "d", "e"]);
    }
  } finally {
    readers.close();
  }
});
