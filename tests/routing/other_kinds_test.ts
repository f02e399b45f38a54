import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { parseContract } from "../../core/contract/json_schema.ts";
import { ConsumeWorld } from "../consume/consume_world.ts";
import { withSeed } from "../support/seed.ts";

const encode = (text: string) => new TextEncoder().encode(text);
const event = '{"user_id":"u","event_id":"e","event_type":"t","event_timestamp":"2026-03-01T12:00:00Z"}';

async function letters(world: ConsumeWorld): Promise<Record<string, unknown>> {
  const rows = await world.rows(
    `SELECT _source_file AS file, _dead_letter_reason || ': ' || regexp_replace(_dead_letter_detail, '; (kept|the first).*', '') AS why
     FROM {{dead_letters.events}}`,
  );
  return Object.fromEntries(rows.map(({ file, why }) => [(file as string).replace(/^.*\//, ""), why]));
}

Deno.test("a file that is no JSON is one dead letter that says what it is", () =>
  withSeed((random) =>
    ConsumeWorld.use(async (world) => {
      const array = encode(`[${event}]`);
      world.put("random.ndjson", random.bytes(300_000));
      world.put("zip.json", Uint8Array.of(0x50, 0x4b, 3, 4, 0, 0, 0));
      world.put("parquet.ndjson", Uint8Array.of(...encode("PAR1"), 0x15, 0, 0x15));
      world.put("utf16.json", Uint8Array.of(0xff, 0xfe, 0x5b, 0, 0x5d, 0));
      world.put("utf16be.json", Uint8Array.from([...encode(event)].flatMap((byte) => [0, byte])));
      world.put("utf16le.json", Uint8Array.from([...encode(event)].flatMap((byte) => [byte, 0])));
      world.put("utf32.ndjson", Uint8Array.from([...encode(event)].flatMap((byte) => [byte, 0, 0, 0])));
      world.put("text.json", event.slice(1));
      world.put("twice.json.gz", gzipSync(gzipSync(array)));
      world.put("twice.json", gzipSync(gzipSync(array)));
      world.put("more.json.gz", Uint8Array.of(...gzipSync(array), ...encode("more")));
      world.put("zeros.ndjson.zst", zstdCompressSync(new Uint8Array(30_000_000)));
      await world.consume();
      const named = (kind: string) => `${kind} by its first bytes, though not by its name`;
      const array0 = "corrupted_batch: byte 0 (line 1): expected an array ('[') or objects ('{'), found";
      deepStrictEqual(await letters(world), {
        "random.ndjson": "corrupted_batch: expected lines of JSON, found binary data",
        "zip.json": `${array0} 'P'; ${named("zip")}`,
        "parquet.ndjson": `corrupted_batch: expected lines of JSON, found ${named("Parquet")}`,
        "utf16.json": `${array0} byte 0xFF; ${named("UTF-16 text")}`,
        "utf16be.json": `${array0} a NUL (U+0000); ${named("UTF-16 text")}`,
        "utf16le.json": "corrupted_batch: expected UTF-8, found UTF-16 text",
        "utf32.ndjson": `corrupted_batch: expected lines of JSON, found ${named("UTF-32 text")}`,
        "text.json": `${array0} '"'`,
        "twice.json.gz": "corrupted_batch: unpacks to gzip",
        "twice.json": "corrupted_batch: unpacks to gzip",
        "more.json.gz": "corrupted_batch: not gzip to its end: other bytes follow",
        "zeros.ndjson.zst": "corrupted_batch: unpacks to binary data",
      });
    })
  ));

Deno.test("a file that is called Parquet and is none is one dead letter that says what it is", () =>
  ConsumeWorld.use(async (world) => {
    world.put("lines.parquet", `${event}\n`);
    world.put("packed.parquet", gzipSync(event));
    world.put("cut.parquet", "PAR1\u0015\u0000");
    await world.consume();
    const because = "corrupted_batch: not a Parquet file that can be read:";
    const unsigned = (name: string) => `${because} No magic bytes found at end of file 'raw/events/${name}'`;
    deepStrictEqual(await letters(world), {
      "lines.parquet": `${unsigned("lines.parquet")}; text by its first bytes, though not by its name`,
      "packed.parquet": `${unsigned("packed.parquet")}; gzip by its first bytes, though not by its name`,
      "cut.parquet": `${because} File 'raw/events/cut.parquet' too small to be a Parquet file`,
    });
  }));

Deno.test("what a JSON file is, its first character says, whatever its name", () =>
  ConsumeWorld.use(async (world) => {
    const pretty = JSON.stringify(JSON.parse(event), null, 2);
    world.put("one.json", event);
    world.put("lines.json", `${event}\nx\n${event}\n`);
    world.put("firehose.json", `${event}${event}${event}`);
    world.put("pretty.json.gz", gzipSync(`\ufeff ${pretty}\n${pretty}\n`));
    world.put("broken.json", `${pretty}${pretty.slice(0, -1)}\n${pretty}\n`);
    world.put("array.json", `[${event}]`);
    await world.consume();
    const files = await world.rows("SELECT source_file AS name, records, events FROM {{ingest.files}} ORDER BY 1");
    deepStrictEqual(files.map(({ name, records, events }) => `${String(name).slice(11)} ${records} ${events}`), [
      "array.json 1 1",
      "broken.json 2 1",
      "firehose.json 3 3",
      "lines.json 3 2",
      "one.json 1 1",
      "pretty.json.gz 2 2",
    ]);
    const [rest] = await world.rows(
      "SELECT _raw_record AS text, _source_position::INT AS at FROM {{dead_letters.events}} WHERE _source_file LIKE '%broken%'",
    );
    deepStrictEqual(rest, { text: `${pretty.slice(0, -1)}\n${pretty}`, at: 1 });
  }));

for (const bytesPerThread of [undefined, 1]) {
  Deno.test(`what is compressed, its first bytes say, whatever its name: threads ${bytesPerThread ?? "as needed"}`, () =>
    ConsumeWorld.use(async (world) => {
      const lines = encode(`${event}\n${event}\n`);
      world.put("gzip.json", gzipSync(lines));
      world.put("gzip.ndjson", gzipSync(lines));
      world.put("zstd.json.gz", zstdCompressSync(lines));
      world.put("text.json.gz", lines);
      world.put("text.ndjson.zst", lines);
      world.put("large.json", gzipSync(encode(`${event}\n`.repeat(200_000)), { level: 0 }));
      await world.consume({ bytesPerThread });
      deepStrictEqual(world.batches.map(({ events, deadLetters }) => [events, deadLetters]), [[200_010, 0]]);
      const said = world.remarks.filter((text) => text.includes("by the first bytes")).sort();
      deepStrictEqual(said.map((text) => text.replace(/: .*/, "")), [
        "1 file is zstd by the first bytes, though not by name, and read so",
        "2 files are not compressed by the first bytes, though not by name, and read so",
        "3 files are gzip by the first bytes, though not by name, and read so",
      ]);
    }));
}

Deno.test("a zero or three beside the first character do not make a file UTF-16 or UTF-32", () =>
  ConsumeWorld.use(async (world) => {
    for (const zeros of [1, 3]) {
      const some = "\0".repeat(zeros);
      world.put(`behind_${zeros}.json`, `{${some}${event.slice(1)}\n${event}\n`);
      world.put(`behind_${zeros}.ndjson`, `{${some}${event.slice(1)}\n${event}\n`);
      world.put(`before_${zeros}.ndjson`, `${some}${event}\n${event}\n`);
    }
    await world.consume();
    const [row] = await world.rows("SELECT count(*)::INT AS events FROM {{bronze.events}}");
    strictEqual(row!.events, 6);
    for (const why of Object.values(await letters(world))) strictEqual(String(why).split(":")[0], "corrupted_record");
  }));

Deno.test("zeros or a few bytes of another encoding among lines cost the lines that they are in, not the file", () =>
  ConsumeWorld.use(async (world) => {
    world.put("zeros.ndjson", `${"\0".repeat(40_000)}${event}\n${event}\n${event}\n`);
    world.put("latin.ndjson", Uint8Array.of(...encode('{"user_id":"'), 0xe9, ...encode(`"}\n${event}\n`)));
    await world.consume();
    const [row] = await world.rows("SELECT count(*)::INT AS events FROM {{bronze.events}}");
    strictEqual(row!.events, 3);
    deepStrictEqual(Object.values(await letters(world)).map((why) => (why as string).split(":")[0]), [
      "corrupted_record",
      "corrupted_record",
    ]);
  }));

for (const kind of ["list", "map", "struct"] as const) {
  Deno.test(`a contract of 30 nested ${kind}s takes records, in bounded memory and time`, () =>
    ConsumeWorld.use(async (world) => {
      let type = '{"type":"integer"}', value = "1";
      for (let level = 0; level < 30; level++) {
        type = kind === "list"
          ? `{"type":"array","items":${type}}`
          : kind === "map"
          ? `{"type":"object","additionalProperties":${type}}`
          : `{"type":"object","properties":{"k":${type}}}`;
        value = kind === "list" ? `[${value}]` : `{"k":${value}}`;
      }
      world.put("deep.ndjson", `{"x":${value}}\n{}\n`);
      await world.consume({ contract: parseContract(`{"type":"object","properties":{"x":${type}}}`) });
      deepStrictEqual(world.batches.map(({ events, deadLetters }) => [events, deadLetters]), [[2, 0]]);
    }));
}
