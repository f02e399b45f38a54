import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import type { Random } from "../../core/base/random.ts";
import { quoteText } from "../../core/engine/duckdb.ts";
import { SqlError } from "../../core/engine/sql_error.ts";
import { whyNotParquet } from "../../core/routing/parquet_json_sql.ts";
import type { LocalRawFile } from "../../core/routing/raw_file.ts";
import { withSeed } from "../support/seed.ts";
import { ConsumeWorld } from "../consume/consume_world.ts";

const event =
  "'u' AS user_id, 'e' || i AS event_id, 't' AS event_type, TIMESTAMPTZ '2026-03-01 12:00:00Z' AS event_timestamp, " +
  "repeat('p', i % 9) AS product_id, MAP {'k': 'v' || i} AS properties";

function below(random: Random, max: number): number {
  return Math.floor(random.next() * max);
}

async function parquet(world: ConsumeWorld, options: string): Promise<Uint8Array> {
  const path = world.rawPath("../sound.parquet");
  await world.rows(`COPY (SELECT ${event} FROM range(100) t(i)) TO ${quoteText(path)} (FORMAT parquet${options})`);
  return Deno.readFileSync(path);
}

/** A few bytes of the file changed, in the footer or anywhere. */
function damaged(sound: Uint8Array, random: Random): Uint8Array {
  const bytes = sound.slice();
  const footer = new DataView(bytes.buffer).getUint32(bytes.length - 8, true);
  for (let count = 1 + below(random, 6); count > 0; count--) {
    const from = below(random, 2) === 0 ? 0 : bytes.length - 8 - footer;
    bytes[from + below(random, bytes.length - from)]! ^= 1 << below(random, 8);
  }
  return bytes;
}

Deno.test("a damaged Parquet file is one dead letter with the reason, whatever DuckDB calls the damage, and costs its neighbours nothing", () =>
  withSeed((random) =>
    ConsumeWorld.use(async (world) => {
      const sound = [await parquet(world, ""), await parquet(world, ", COMPRESSION zstd, PARQUET_VERSION v2")];
      for (let i = 0; i < 60; i++) {
        world.put(`damaged-${i}.parquet`, damaged(sound[i % 2]!, random));
        if (i % 10 === 0) world.put(`sound-${i}.parquet`, sound[0]!);
      }
      await world.consume();
      const files = await world.rows(
        "SELECT source_file AS name, records::INT AS records, events::INT AS events, dead_letters::INT AS letters FROM {{ingest.files}}",
      );
      strictEqual(files.length, 66);
      for (const { name, records, events, letters } of files) {
        const accounted = records === 0
          ? events === 0 && letters === 1
          : (events as number) + (letters as number) === records;
        ok(accounted, `${name}: ${records} records, ${events} events, ${letters} dead letters`);
        if ((name as string).includes("sound")) deepStrictEqual([records, events], [100, 100]);
      }
      const [reasons] = await world.rows(
        `SELECT count(*)::INT AS letters, count(DISTINCT _dead_letter_detail)::INT AS reasons,
        count(*) FILTER (_dead_letter_detail NOT LIKE '%a Parquet file%')::INT AS other
      FROM {{dead_letters.events}} WHERE _dead_letter_reason = 'corrupted_batch'`,
      );
      ok((reasons!.letters as number) > 10 && (reasons!.reasons as number) > 3, JSON.stringify(reasons));
      strictEqual(reasons!.other, 0);
    })
  ));

Deno.test("the reason for a damaged file names it as it is called, whatever stands in the name", () => {
  for (const name of ["$&-$$-$'.parquet", "file:///spool/0"]) {
    const plain = { path: "/spool/0.plain", names: new Map() };
    const file: LocalRawFile = { number: 0, name, path: "/spool/0", plain, size: 9, format: "parquet" };
    for (const path of ["/spool/0", "file:///spool/0", "/spool/0.plain"]) {
      const error = new SqlError(new Error(`Invalid Input Error: No magic bytes found at end of file '${path}'`));
      strictEqual(
        whyNotParquet(file, error),
        `not a Parquet file that can be read: No magic bytes found at end of file '${name}'`,
      );
    }
  }
});
