import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { systemClock } from "../../core/base/clock.ts";
import { seededRandom } from "../../core/base/random.ts";
import { RawUpkeep } from "../../core/maintain/raw/raw_upkeep.ts";
import { ConsumeWorld } from "../consume/consume_world.ts";
import { startS3World } from "../storage/s3/s3_world.ts";
import { s3Test } from "../support/s3_servers.ts";
import { scratchFolder } from "../support/scratch_folder.ts";

const EVENT = { user_id: "u", event_type: "view", event_timestamp: "2026-03-01T12:00:00Z" };
const { signal } = new AbortController();

s3Test(
  "raw files of a bucket are archived in it, those of several parts too, and not taken again",
  () =>
    ConsumeWorld.use(async (world) => {
      const s3 = (await startS3World())!;
      try {
        const store = await s3.open({ limits: { partBytes: 5 << 20 } });
        const catalog = world.catalogOn(store);
        const large = new TextEncoder().encode(
          Array.from({ length: 60_000 }, (_, id) => JSON.stringify({ ...EVENT, event_id: `large-${id}` })).join("\n"),
        );
        const small = new TextEncoder().encode(JSON.stringify([{ ...EVENT, event_id: "small" }]));
        await store.write("raw/events/large.ndjson", large);
        await store.write("raw/events/small é.json", small);
        await world.consume({ sink: store, catalog });
        await store.write("raw/events/waits.json", small);
        const upkeep = new RawUpkeep({ store, catalog, clock: systemClock, random: seededRandom(3) }, {
          zone: { store, prefix: "raw/events/", nameBase: "", format: undefined },
          target: { namespace: ["bronze"], name: "events" },
          action: "archive",
          ageMs: 0,
          share: 0.1,
          temporaryFolder: scratchFolder(),
          threads: 1,
          report: () => {},
          note: (text) => void world.remarks.push(text),
        });
        await upkeep.runWhole(signal);
        await upkeep.close();
        const paths = (await Array.fromAsync(store.list("raw/"))).map(({ path }) => path);
        deepStrictEqual([paths, world.remarks], [[
          "raw/archive/events/large.ndjson",
          "raw/archive/events/small é.json",
          "raw/events/waits.json",
        ], []]);
        deepStrictEqual(await store.read("raw/archive/events/large.ndjson"), large);
        await world.consume({ sink: store, catalog });
        strictEqual(world.batches.at(-1)!.files, 1);
      } finally {
        await s3.stop();
      }
    }),
);
