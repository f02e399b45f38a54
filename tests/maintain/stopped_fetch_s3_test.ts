import { deepStrictEqual } from "node:assert/strict";
import { systemClock } from "../../core/base/clock.ts";
import { Meter } from "../../core/base/meter.ts";
import { seededRandom } from "../../core/base/random.ts";
import { parseIdentifier } from "../../core/iceberg/catalog/catalog.ts";
import { compactTable } from "../../core/maintain/compaction/compact_table.ts";
import { ConsumeWorld } from "../consume/consume_world.ts";
import { startS3World } from "../storage/s3/s3_world.ts";
import { s3Test } from "../support/s3_servers.ts";

const BY_DAY = [{ column: "event_timestamp", transform: { name: "day" as const } }];
/** Two of each of three days. */
const EVENTS = ["2026-03-01", "2026-03-02", "2026-03-03"].flatMap((day) =>
  ["a", "b"].map((id) => ({ user_id: "u", event_id: id, event_type: "view", event_timestamp: `${day}T12:00:00Z` }))
);

s3Test(
  "who stops a compaction does not wait for the files of the next group",
  () =>
    ConsumeWorld.use(async (world) => {
      const s3 = (await startS3World())!;
      try {
        const store = await s3.open();
        const catalog = world.catalogOn(store);
        for (const name of ["1", "2"]) {
          await store.write(`raw/events/${name}.json`, new TextEncoder().encode(JSON.stringify(EVENTS)));
          await world.consume({ sink: store, catalog, partitionBy: BY_DAY });
        }
        const stop = new AbortController();
        let asked = 0;
        s3.proxy.decide = ({ method, target }) => {
          if (stop.signal.aborted && method === "GET" && target.includes(".parquet")) asked++;
          // The second group's files are not answered.
          const isSecond = target.includes("2026-03-02") || target.includes("2026-03-03");
          if (method !== "GET" || !target.includes(".parquet") || !isSecond) return undefined;
          return { do: "stall", when: "before", onStall: () => stop.abort() };
        };
        const surroundings = { store, catalog, clock: systemClock, random: seededRandom(3) };
        const { interrupted } = await compactTable(
          surroundings,
          (await catalog.loadTable(parseIdentifier("bronze.events")))!,
          {
            inputsMin: 2,
            sortBy: [],
            dryRun: false,
            threads: 1,
            memory: "200MB",
            temporaryFolder: world.folder,
            signal: stop.signal,
            meter: new Meter(systemClock),
          },
        );
        s3.proxy.decide = undefined;
        // Where the wait for an answer is not ended, it is asked for again.
        deepStrictEqual([interrupted, asked], [true, 0]);
        const left = await Array.fromAsync(store.list("checkpoints/intents/"));
        deepStrictEqual(left, []);
      } finally {
        await s3.stop();
      }
    }),
);
