import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { systemClock } from "../../core/base/clock.ts";
import type { ConsumeSessionOptions } from "../../core/consume/consume_session.ts";
import { removeProperties } from "../../core/iceberg/action/set_properties.ts";
import { parseIdentifier } from "../../core/iceberg/catalog/catalog.ts";
import { commitTable } from "../../core/iceberg/commit.ts";
import { streamlabKey } from "../../core/lake/keys.ts";
import { targetRecordOf } from "../../core/lake/target_record.ts";
import { audit } from "../maintain/audited.ts";
import { ConsumeWorld } from "./consume_world.ts";

const event = (id: string | number) =>
  `{"user_id":"u","event_id":"${id}","event_type":"t","event_timestamp":"2026-03-01T12:00:00Z"}`;
const none = "expected records at /Records, found";

type Zone = ConsumeSessionOptions["zone"];

const enveloped = (world: ConsumeWorld, how: Partial<Zone> = {}): Partial<ConsumeSessionOptions> => {
  return { zone: { ...world.options().zone, recordsAt: "/Records", ...how } };
};

/** By file: what became of it, `position event_id`, or `position reason: detail`. */
async function rowsByFile(world: ConsumeWorld): Promise<Record<string, string[]>> {
  const rows = await world.rows(`SELECT _source_file AS file, _source_position AS position, event_id AS what
      FROM {{bronze.events}} UNION ALL
    SELECT _source_file, _source_position, _dead_letter_reason || ': ' || _dead_letter_detail
      FROM {{dead_letters.events}} ORDER BY ALL`);
  const byFile = Map.groupBy(rows, ({ file }) => (file as string).replace("raw/events/", ""));
  return Object.fromEntries(
    [...byFile].map(([file, own]) => [file, own.map(({ position, what }) => `${position ?? "whole"} ${what}`)]),
  );
}

/** What a file of this text becomes where its records are at `/Records`. */
const files: Record<string, [text: string, becomes: string[]]> = {
  "trail.json": [`{"Records":[${event("a")},${event("b")}]}`, ["0 a", "1 b"]],
  "one.json": [`{"v":1,"Records":${event("a")}}`, ["0 a"]],
  "marked.json": [`\uFEFF {"Records" : [\n${event("a")} ] }\r\n`, ["0 a"]],
  "values.json": [`{"Records":[${event("a")}]}{"Records":[${event("b")},${event("c")}]}`, ["0 a", "1 b", "2 c"]],
  "array.json": [`[{"Records":[${event("a")}]},{"Records":${event("b")}}]`, ["0 a", "1 b"]],
  "array-of-one.json": [`[{"Records":[${event("a")}]}]`, ["0 a"]],
  "lines.ndjson": [`{"Records":[${event("a")},${event("b")}]}\n\n{"Records":[${event("c")}]}\n`, ["0 a", "1 b", "2 c"]],
  "bad-record.json": [
    `{"Records":[${event("a")},{"user_id":"u"},7]}`,
    [
      "0 a",
      "1 invalid_schema: /event_id: expected string, found no such field",
      "2 invalid_schema: the record: expected object, found number 7",
    ],
  ],
  "missing.json": [`{"records":[${event("a")}]}`, [`whole corrupted_batch: ${none} nothing`]],
  "null.json": ['{"Records":null}', [`whole corrupted_batch: ${none} null`]],
  "text.json": ['{"Records":"[]"}', [`whole corrupted_batch: ${none} a string`]],
  "twice.json": [
    `{"Records":[${event("a")}],"Records":[]}`,
    [`whole corrupted_batch: ${none} /Records twice`],
  ],
  "array-of-one-missing.json": ["[{}]", [`whole corrupted_batch: ${none} nothing`]],
  "among-values.json": [
    `{"Records":[${event("a")}]} {"x":1} {"Records":[${event("b")}]}`,
    ["0 a", `1 corrupted_record: ${none} nothing`, "2 b"],
  ],
  "among-elements.json": [
    `[5,{"Records":[${event("a")},${event("b")}]},{"Records":[]}]`,
    [
      `0 corrupted_record: ${none} a number at the top`,
      "1 a",
      "2 b",
      `3 corrupted_record: ${none} an empty array`,
    ],
  ],
  "among-lines.ndjson": [
    `{"Records":[${event("a")}]}\n{"Records":[${event("b")}\n{}\n{"Records":[${event("c")}]}`,
    [
      "0 a",
      "1 corrupted_record: character 101: expected ',' or ']', found the end",
      `2 corrupted_record: ${none} nothing`,
      "3 c",
    ],
  ],
  "one-line.ndjson": ["{}", [`0 corrupted_record: ${none} nothing`]],
  "cut.json": [
    `{"Records":[${event("a")},{"user_id"`,
    ["0 corrupted_record: character 112: expected ':', found the end"],
  ],
  "cut-array.json": [
    `[{"Records":[${event("a")}]},`,
    ["whole corrupted_batch: byte 104 (line 1): the file ends where a value should come"],
  ],
  "no-json.json": [
    "Records",
    ["whole corrupted_batch: byte 0 (line 1): expected an array ('[') or objects ('{'), found 'R'"],
  ],
  "empty-file.json": ["", ["whole corrupted_batch: the file is empty"]],
  "empty-lines.ndjson": ["\n \n", ["whole corrupted_batch: the file is empty"]],
  "empty.json": ['{"Records":[ ]}', [`whole corrupted_batch: ${none} an empty array`]],
};

Deno.test("envelopes give their records, and those without are letters that say so, packed or not", () =>
  ConsumeWorld.use(async (world) => {
    const expected: Record<string, string[]> = {};
    for (const [name, [text, becomes]] of Object.entries(files)) {
      const packings = { [name]: text, [`gz.${name}.gz`]: gzipSync(text), [`zst.${name}.zst`]: zstdCompressSync(text) };
      for (const [packed, content] of Object.entries(packings)) {
        world.put(packed, content);
        expected[packed] = becomes;
      }
    }
    world.put("misnamed.json", gzipSync(files["trail.json"]![0]));
    expected["misnamed.json"] = files["trail.json"]![1];
    await world.consume(enveloped(world));
    const found = await rowsByFile(world);
    for (const [name, becomes] of Object.entries(expected)) {
      // An empty file that is packed says how it is packed, too.
      const words = (lines: string[] = []) => lines.map((line) => line.replace(/not (gzip|zstd): /, ""));
      deepStrictEqual(words(found[name]), becomes, name);
    }
    const [letter] = await world.rows(
      "SELECT _raw_record AS raw FROM {{dead_letters.events}} WHERE _source_file LIKE '%/among-values.json'",
    );
    strictEqual(letter!.raw, '{"x":1}');
  }));

Deno.test("envelopes without records are ingested with none where that is asked for", () =>
  ConsumeWorld.use(async (world) => {
    for (const name of ["empty.json", "empty-file.json", "among-elements.json"]) world.put(name, files[name]![0]);
    await world.consume(enveloped(world, { onEmpty: "ignore" }));
    deepStrictEqual(await rowsByFile(world), { "among-elements.json": files["among-elements.json"]![1].slice(0, 3) });
    deepStrictEqual(world.batches.map((batch) => [batch.files, batch.empty]), [[3, 2]]);
  }));

Deno.test("a pointer leads through objects and arrays, and may hold any key", () =>
  ConsumeWorld.use(async (world) => {
    world.put("x.json", `{"data/1":[{"items~":[${event("a")}]},{"items~":[${event("b")}]}]}`);
    await world.consume(enveloped(world, { recordsAt: "/data~11/1/items~0" }));
    deepStrictEqual(await rowsByFile(world), { "x.json": ["0 b"] });
  }));

Deno.test("the pointer is remembered with the table, and another one is for the files from then on", () =>
  ConsumeWorld.use(async (world) => {
    await world.consume(enveloped(world, { recordsAt: "/Record" }));
    world.put("a.json", files["trail.json"]![0]);
    await world.consume(enveloped(world));
    const remembered = async () => {
      const table = await world.catalog.loadTable({ namespace: ["bronze"], name: "events" });
      return targetRecordOf(table!.metadata.properties, "bronze.events")!.options.recordsAt;
    };
    strictEqual(await remembered(), "/Records");
    world.put("b.json", `{"data":[${event("b")}]}`);
    await world.consume(enveloped(world, { recordsAt: "/data" }));
    strictEqual(await remembered(), "/data");
    world.put("c.json", `[${event("c")}]`);
    await world.consume(enveloped(world, { recordsAt: undefined }));
    deepStrictEqual(await rowsByFile(world), { "a.json": ["0 a", "1 b"], "b.json": ["0 b"], "c.json": ["0 c"] });
    deepStrictEqual((await audit(world)).status, 0);
  }));

Deno.test("where an earlier streamlab did not write down how files were read, they go on to be read so", () =>
  ConsumeWorld.use(async (world) => {
    const { catalog, random } = world;
    world.put("a.json", files["trail.json"]![0]);
    await world.consume(enveloped(world));
    await commitTable(catalog, parseIdentifier("ingest.files"), (transaction) => {
      transaction.add(removeProperties([streamlabKey.rules("bronze.events")]));
      return true;
    }, { clock: systemClock, random });
    const refusal = /Cannot read the files of bronze.events .*: those before were read --records \/Records/;
    for (const recordsAt of ["/data", undefined]) {
      await rejects(world.consume(enveloped(world, { recordsAt })), { kind: "usage", message: refusal });
    }
    world.put("b.json", files["one.json"]![0]);
    await world.consume(enveloped(world));
    // That of the first batch is still not known.
    await rejects(world.consume(enveloped(world, { recordsAt: "/data" })), { kind: "usage", message: refusal });
    deepStrictEqual(Object.keys(await rowsByFile(world)), ["a.json", "b.json"]);
  }));
