import { deepStrictEqual, ok } from "node:assert/strict";
import { systemClock } from "../../core/base/clock.ts";
import { seededRandom } from "../../core/base/random.ts";
import { ConsumeSession } from "../../core/consume/consume_session.ts";
import { parseIdentifier } from "../../core/iceberg/catalog/catalog.ts";
import { snapshotOfRef } from "../../core/iceberg/format/table_metadata.ts";
import { usualPolicy } from "../../core/maintain/upkeep/policy.ts";
import { Upkeep } from "../../core/maintain/upkeep/upkeep.ts";
import { UpkeepWorkshop } from "../../core/maintain/upkeep/upkeep_workshop.ts";
import { s3Test } from "../support/s3_servers.ts";
import { startS3World } from "../storage/s3/s3_world.ts";
import { ConsumeWorld } from "./consume_world.ts";
import { scratchFolder } from "../support/scratch_folder.ts";

const BATCHES = 72;
/** Sums are compared, for batches that merge manifests take turns with those that do not. */
const WINDOW = 16;
/** Everything pays soon, so that few batches are like thousands. */
const policy = {
  ...usualPolicy(),
  keepSnapshots: 5,
  graceMs: 0,
  share: 1e6,
  expiredMin: 4,
  inputsMin: 8,
  deletedMin: 20,
};

s3Test(
  "however many batches went before, a batch asks a bucket for as much, and the tables stay small",
  () =>
    ConsumeWorld.use(async (world) => {
      const s3 = (await startS3World())!;
      try {
        const store = await s3.open();
        const sent = () => s3.proxy.requests.length;
        const surroundings = { store, catalog: world.catalogOn(store), clock: systemClock, random: seededRandom(2) };
        const workshop = new UpkeepWorkshop(surroundings, { temporaryFolder: scratchFolder(), threads: 1 });
        const done = new Map<string, number>();
        const upkeep = new Upkeep(surroundings, {
          ...policy,
          openRewriting: () => workshop.openRewriting(),
          report: ({ action }) => void done.set(action, (done.get(action) ?? 0) + 1),
          note: (text) => void world.remarks.push(text),
        });
        let byUpkeep = 0;
        const session = await ConsumeSession.open(world.options({
          sink: store,
          catalog: surroundings.catalog,
          betweenBatches: async (pause) => {
            const before = sent();
            await upkeep.run(pause);
            byUpkeep += sent() - before;
          },
        }));
        const requests: number[] = [];
        try {
          for (let batch = 0; batch < BATCHES; batch++) {
            await store.write(`raw/events/f${String(batch).padStart(5, "0")}.json`, new TextEncoder().encode(RECORDS));
            const before = sent();
            byUpkeep = 0;
            await session.runOnce(new AbortController().signal);
            requests.push(sent() - before - byUpkeep);
          }
        } finally {
          session.close();
          await upkeep.close();
          await workshop.close();
        }
        const sum = (counts: readonly number[]) => counts.reduce((total, count) => total + count, 0);
        const [early, late] = [sum(requests.slice(WINDOW, 2 * WINDOW)), sum(requests.slice(-WINDOW))];
        ok(late <= 1.1 * early, `${early} requests of ${WINDOW} batches became ${late}: ${requests.join(" ")}`);
        deepStrictEqual([...done.keys()].sort(), ["compact", "expire-snapshots", "remove-files"]);
        deepStrictEqual(world.remarks, []);
        for (const name of ["bronze.events", "dead_letters.events", "ingest.files"]) {
          const { metadata } = (await surroundings.catalog.loadTable(parseIdentifier(name)))!;
          const files = Number(snapshotOfRef(metadata)?.summary["total-data-files"]);
          const records = Number(snapshotOfRef(metadata)?.summary["total-records"]);
          deepStrictEqual([name, records], [name, BATCHES]);
          ok(files <= 20 && metadata.snapshots.length <= 12, `${name}: ${files} files, ${metadata.snapshots.length}`);
        }
      } finally {
        await s3.stop();
      }
    }),
);

const RECORDS = JSON.stringify([
  { user_id: "u", event_id: "e", event_type: "view", event_timestamp: "2026-03-01T00:00:00Z" },
  { user_id: 7 },
]);
