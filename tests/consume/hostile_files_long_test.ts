import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { quoteText } from "../../core/engine/duckdb.ts";
import { say } from "../support/say.ts";
import { withSeed } from "../support/seed.ts";
import { ConsumeWorld } from "./consume_world.ts";
import { hostileFile, type SoundFiles } from "./hostile_files.ts";

const FILES = 2_000;
const FILES_PER_BATCH = 500;
/** Of the whole process: what takes more than its share is judged one at a time. */
const MEMORY = "400MB";
const PEAK_MB_MAX = 900;
const SECONDS_MAX = 240;

const worker = new URL("./large_worker.ts", import.meta.url).pathname;
const rows = `SELECT 'u' AS user_id, 'e' || i AS event_id, 't' AS event_type,
  TIMESTAMPTZ '2026-03-01 12:00:00Z' + INTERVAL (i) HOUR AS event_timestamp,
  repeat('p', i % 9) AS product_id, MAP {'k': 'v' || i} AS properties FROM range(50) t(i)`;

async function soundFiles(world: ConsumeWorld): Promise<SoundFiles> {
  const written: Uint8Array[] = [];
  for (const options of ["parquet", "parquet, COMPRESSION zstd", "parquet, PARQUET_VERSION v2, COMPRESSION gzip"]) {
    const path = `${world.folder}/sound-${written.length}`;
    await world.rows(`COPY (${rows}) TO ${quoteText(path)} (FORMAT ${options})`);
    written.push(Deno.readFileSync(path));
  }
  const events = Array.from(
    { length: 50 },
    (_, i) =>
      `{"user_id":"u","event_id":"e${i}","event_type":"t","event_timestamp":"2026-03-01T12:00:00Z","properties":{"k":"v"}}`,
  );
  const encoder = new TextEncoder();
  return {
    ".json": [encoder.encode(`[${events.join(",\n")}]`)],
    ".ndjson": [encoder.encode(`${events.join("\n")}\n`)],
    ".parquet": written,
  };
}

Deno.test(`${FILES} hostile files of every format end in the ledger, in one lake, within ${PEAK_MB_MAX} MB and ${SECONDS_MAX} s`, () =>
  withSeed((random) =>
    ConsumeWorld.use(async (world) => {
      const sound = await soundFiles(world);
      const names: string[] = [];
      for (let number = 0; number < FILES; number++) {
        const { name, bytes } = hostileFile(number, random, sound);
        world.put(name, bytes);
        names.push(name);
        if (number % 100 === 0) world.put(`sound${number}.json`, sound[".json"][0]!);
      }
      const startMs = performance.now();
      const args = ["run", "--no-check", "--allow-all", worker, world.folder, MEMORY, `${FILES_PER_BATCH}`];
      const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), { args }).output();
      const seconds = (performance.now() - startMs) / 1_000;
      strictEqual(code, 0, new TextDecoder().decode(stderr));
      const { peakMb, events, deadLetters } = JSON.parse(new TextDecoder().decode(stdout)) as Record<string, number>;
      const ledger = await world.rows("SELECT source_file AS name, events::INT AS events FROM {{ingest.files}}");
      const taken = ledger.map(({ name }) => (name as string).replace(/^.*\//, ""));
      deepStrictEqual(taken.filter((name) => name.startsWith("h")).sort(), names.sort());
      deepStrictEqual(
        ledger.filter(({ name }) => (name as string).includes("/sound")).map((row) => row.events),
        Array(FILES / 100).fill(50),
      );
      const [counts] = await world.rows(
        `SELECT (SELECT count(*) FROM {{bronze.events}})::INT AS events, (SELECT count(*) FROM {{dead_letters.events}})::INT AS letters`,
      );
      deepStrictEqual([counts!.events, counts!.letters], [events, deadLetters]);
      say(
        `${FILES} hostile files: ${events} events, ${deadLetters} dead letters, ${peakMb} MB, ${Math.round(seconds)} s`,
      );
      ok(peakMb! < PEAK_MB_MAX, `${peakMb} MB`);
      ok(seconds < SECONDS_MAX, `${seconds} s`);
    })
  ));
