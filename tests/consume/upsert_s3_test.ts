import { deepStrictEqual } from "node:assert/strict";
import type { ConsumeSessionOptions } from "../../core/consume/consume_session.ts";
import { formatNdjson } from "../../core/query/format/format_text.ts";
import { Session } from "../../core/query/sql_session.ts";
import { systemClock } from "../../core/base/clock.ts";
import { Meter } from "../../core/base/meter.ts";
import { seededRandom } from "../../core/base/random.ts";
import { DEFAULT_TARGET } from "../../core/lake/table_names.ts";
import { compactTable } from "../../core/maintain/compaction/compact_table.ts";
import type { Store } from "../../core/storage/store.ts";
import { s3Test } from "../support/s3_servers.ts";
import { scratchFolder } from "../support/scratch_folder.ts";
import { type S3World, startS3World } from "../storage/s3/s3_world.ts";
import { ConsumeWorld } from "./consume_world.ts";

let s3: S3World;
Deno.test.beforeAll(async () => {
  s3 = (await startS3World())!;
});
Deno.test.afterAll(() => s3?.stop());

/** Each may cost the consumers a try of their commits. */
const COMPACTIONS_MAX = 6;
const FILES = 9, EVENTS = 20, USERS = 15;

interface Record {
  user_id: string;
  event_id: string;
  event_type: string;
  event_timestamp: string;
}

/** Each user is there in several files, in some of them twice; hours go up and down. */
const files = Array.from({ length: FILES }, (_, file) =>
  Array.from({ length: EVENTS }, (_, index): Record => ({
    user_id: `u${(file * 7 + index * index) % USERS}`,
    event_id: `${file}-${index}`,
    event_type: (file * index) % 4 === 1 ? "delete" : "update",
    event_timestamp: `2026-03-01T${String((file * 5 + index * 11) % 24).padStart(2, "0")}:00:00Z`,
  })));

function newest(): string[] {
  const found = new Map<string, Record>();
  for (const each of files.flat()) {
    if (each.event_timestamp >= (found.get(each.user_id)?.event_timestamp ?? "")) found.set(each.user_id, each);
  }
  return [...found.values()].filter(({ event_type }) => event_type !== "delete").map(({ event_id }) => event_id).sort();
}

s3Test(
  "of two consumers of one bucket that both upsert beside a compaction, each key keeps its newest record",
  () =>
    ConsumeWorld.use(async (world) => {
      const store: Store = await s3.open();
      const encoder = new TextEncoder();
      for (const [file, records] of files.entries()) {
        await store.write(`raw/events/f${file}.json`, encoder.encode(JSON.stringify(records)));
      }
      const changes: Partial<ConsumeSessionOptions> = {
        sink: store,
        catalog: world.catalogOn(store),
        zone: { store, prefix: "raw/events/", nameBase: "", format: undefined },
        maxFilesPerBatch: 3,
        upsert: {
          by: ["user_id"],
          newest: "event_timestamp",
          deleteWhen: { column: "event_type", is: "delete" },
        },
      };
      const maintainer = new AbortController();
      const maintaining = compactUntil(world, store, maintainer.signal);
      try {
        await Promise.all([world.consume(changes), world.consume(changes)]);
      } finally {
        maintainer.abort();
      }
      await maintaining;
      // Whoever came second may have left a batch to the other, which has ended.
      await world.consume(changes);
      const rows = await ask(world, store, "SELECT event_id FROM bronze.events");
      deepStrictEqual(rows.map(({ event_id }) => event_id as string).sort(), newest());
      const [sums] = await ask(
        world,
        store,
        "SELECT sum(records) AS records, sum(events) + sum(superseded) AS told FROM ingest.files",
      );
      deepStrictEqual([Number(sums!.records), Number(sums!.told)], [FILES * EVENTS, FILES * EVENTS]);
    }),
);

/** Joins whatever files there are, as soon as there are two, beside the consumers. */
async function compactUntil(world: ConsumeWorld, store: Store, signal: AbortSignal): Promise<void> {
  const { clock, random } = world.options();
  const surroundings = { store, catalog: world.catalogOn(store), clock, random };
  for (let compactions = 0; compactions < COMPACTIONS_MAX && !signal.aborted;) {
    const table = await surroundings.catalog.loadTable(DEFAULT_TARGET);
    if (table !== undefined) {
      const { groups } = await compactTable(surroundings, table, {
        targetFileSize: 1e6,
        inputsMin: 2,
        sortBy: [],
        dryRun: false,
        signal,
        meter: new Meter(clock),
        temporaryFolder: scratchFolder(),
        threads: 1,
      });
      if (groups > 0) compactions++;
    }
  }
}

async function ask(world: ConsumeWorld, store: Store, sql: string): Promise<{ [column: string]: unknown }[]> {
  const session = new Session({
    openCatalog: () => Promise.resolve(world.catalogOn(store)),
    clock: systemClock,
    random: seededRandom(1),
    temporaryFolder: scratchFolder(),
    threads: 1,
    memory: "500MB",
  });
  return await session.ask(sql, {}, async (rows) => {
    let lines = "";
    for await (const piece of formatNdjson(rows)) lines += piece;
    return lines.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line));
  });
}
