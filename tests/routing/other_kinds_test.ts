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
      world.put("gzip.json", gzipSync(array));
      world.put("zstd.ndjson", zstdCompressSync(array));
      world.put("zip.json", Uint8Array.of(0x50, 0x4b, 3, 4, 0, 0, 0));
      world.put("parquet.ndjson", Uint8Array.of(...encode("PAR1"), 0x15, 0, 0x15));
      world.put("utf16.json", Uint8Array.of(0xff, 0xfe, 0x5b, 0, 0x5d, 0));
      world.put("lines.json", `${event}\n${event}\n`);
      world.put("text.json.gz", array);
      world.put("zstd.json.gz", zstdCompressSync(array));
      world.put("more.json.gz", Uint8Array.of(...gzipSync(array), ...encode("more")));
      world.put("zeros.ndjson.zst", zstdCompressSync(new Uint8Array(30_000_000)));
      await world.consume();
      const named = (kind: string) => `${kind} by its first bytes, though not by its name`;
      const array0 = "corrupted_batch: byte 0 (line 1): expected an array ('['), found";
      deepStrictEqual(await letters(world), {
        "random.ndjson": "corrupted_batch: expected lines of JSON, found binary data",
        "gzip.json": `${array0} U+001F; ${named("gzip")}`,
        "zstd.ndjson": `corrupted_batch: expected lines of JSON, found ${named("zstd")}`,
        "zip.json": `${array0} 'P'; ${named("zip")}`,
        "parquet.ndjson": `corrupted_batch: expected lines of JSON, found ${named("Parquet")}`,
        "utf16.json": `${array0} byte 0xFF; ${named("UTF-16 text")}`,
        "lines.json": `${array0} '{'; it looks like NDJSON: rename it to .ndjson, or use --format ndjson`,
        "text.json.gz": "corrupted_batch: not gzip: plain text by its first bytes",
        "zstd.json.gz": "corrupted_batch: not gzip: zstd by its first bytes",
        "more.json.gz": "corrupted_batch: not gzip to its end: other bytes follow",
        "zeros.ndjson.zst": "corrupted_batch: unpacks to binary data",
      });
    })
  ));

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
