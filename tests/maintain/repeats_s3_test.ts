import { deepStrictEqual } from "node:assert/strict";
import { systemClock } from "../../core/base/clock.ts";
import { seededRandom } from "../../core/base/random.ts";
import { removedRepeats } from "../../core/lake/removed_repeats.ts";
import { ConsumeWorld } from "../consume/consume_world.ts";
import { startS3World } from "../storage/s3/s3_world.ts";
import { s3Test } from "../support/s3_servers.ts";
import { dedupeEvents, EVENTS } from "./dedupe_events.ts";

const EVENT = { user_id: "u", event_type: "view", event_timestamp: "2026-03-01T12:00:00Z" };

s3Test(
  "repeats are removed from a table in a bucket, by position deletes and then by new files",
  () =>
    ConsumeWorld.use(async (world) => {
      const s3 = (await startS3World())!;
      try {
        const store = await s3.open({});
        const catalog = world.catalogOn(store);
        const random = seededRandom(3);
        const land = async (name: string, ids: string) => {
          const events = [...ids].map((id) => ({ ...EVENT, event_id: id }));
          await store.write(`raw/events/${name}.json`, new TextEncoder().encode(JSON.stringify(events)));
          await world.consume({ sink: store, catalog });
        };
        const dedupe = async (mergeOnRead: boolean) => {
          const surroundings = { store, catalog, clock: systemClock, random };
          const { repeats } = await dedupeEvents(surroundings, { mergeOnRead, temporaryFolder: world.folder });
          return repeats;
        };
        await land("a", "aab");
        await land("b", "abc");
        deepStrictEqual([await dedupe(true), await dedupe(true)], [3, 0]);
        await land("c", "abd");
        deepStrictEqual([await dedupe(false), await dedupe(false)], [2, 0]);
        const { metadata } = (await catalog.loadTable(EVENTS))!;
        deepStrictEqual(removedRepeats(metadata.properties, "bronze.events"), [
          { by: ["event_id"], through: 3, events: 5 },
        ]);
      } finally {
        await s3.stop();
      }
    }),
);
