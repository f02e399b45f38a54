import { deepStrictEqual, fail, ok, strictEqual } from "node:assert/strict";
import { planScan } from "../../core/iceberg/scan/scan.ts";
import { expiredAtOnce } from "../../core/maintain/upkeep/policy.ts";
import { Upkeep } from "../../core/maintain/upkeep/upkeep.ts";
import { UpkeepWorkshop } from "../../core/maintain/upkeep/upkeep_workshop.ts";
import { scratchFolder } from "../support/scratch_folder.ts";
import { storeWith } from "../support/store_with.ts";
import { MaintainWorld } from "./maintain_world.ts";
import { actions, historyOf, policy, useUpkeep } from "./use_upkeep.ts";

for (const appends of [16, 32]) {
  Deno.test(`a table that nobody looked after for ${appends} batches is caught up with in pieces as large as ever`, () =>
    MaintainWorld.use(async (world) => {
      await world.events(appends);
      await useUpkeep(world, { expiredMax: 7, inputsMax: 4, pieceFiles: 9 }, async (run, told) => {
        const table = await run();
        const expiries = told.filter(({ action }) => action === "expire-snapshots").map(({ done }) => done.snapshots!);
        ok(expiries.length >= appends / 8 && expiries.every((snapshots) => snapshots <= 7), `${expiries}`);
        const merges = told.filter(({ action }) => action === "compact").map(({ done }) => done.filesBefore!);
        ok(merges.includes(8) && merges.every((files) => files <= 8), `${merges}`);
        // What the snapshots of a backlog need is not read for each deletion.
        const before = told.slice(0, told.findIndex(({ action }) => action === "remove-files"));
        const gone = before.reduce((sum, { done }) => sum + (done.snapshots ?? 0), 0);
        ok(gone >= appends - 3 - 7, `${actions(before)}`);
        ok(table.metadata.snapshots.length <= 4 && (await planScan(table.io, table.metadata)).files.length < 10);
      });
      strictEqual((await world.lake.ask("SELECT * FROM bronze.events")).length, 10 * appends);
    }));
}

Deno.test("of a long backlog more snapshots go by one commit, but never many times as many", () => {
  const atOnce = [8, 1_000, 2_000, 5_000, 100_000].map((due) => expiredAtOnce(due, { expiredMax: 100 }));
  deepStrictEqual(atOnce, [100, 100, 200, 500, 500]);
});

Deno.test("upkeep takes of a long backlog a tenth at once", () =>
  MaintainWorld.use(async (world) => {
    await world.events(33);
    await useUpkeep(world, { expiredMax: 1 }, async (run, told) => {
      await run();
      const expiries = told.filter(({ action }) => action === "expire-snapshots").map(({ done }) => done.snapshots!);
      deepStrictEqual(expiries.slice(0, 3), [3, 2, 2]);
      ok(expiries.slice(3).every((snapshots) => snapshots <= 3), `${expiries}`);
    });
  }));

for (const how of ["joined", "read"]) {
  Deno.test(`of a rewrite whose files are being ${how} nothing stays when the run is to end`, () =>
    MaintainWorld.use(async (world) => {
      await world.events(0);
      for (let number = 0; number < 6; number++) {
        await world.append(await world.ownFile(`data/${number}.parquet`, 10 * number, 10));
      }
      if (how === "read") await world.deletePositions([[(await world.liveFiles())[0]!, 0]]);
      const before = await world.paths("warehouse/"), rows = await world.lake.ask("SELECT * FROM bronze.events");
      const stop = new AbortController();
      const { store } = world.surroundings;
      const surroundings = {
        ...world.surroundings,
        store: storeWith(store, {
          write: async (path, bytes) => {
            await store.write(path, bytes);
            if (path.startsWith("checkpoints/intents/")) stop.abort();
          },
        }),
      };
      const workshop = new UpkeepWorkshop(surroundings, { temporaryFolder: scratchFolder(), threads: 1 });
      const upkeep = new Upkeep(surroundings, {
        ...policy,
        keepSnapshots: 100,
        openRewriting: (signal) => workshop.openRewriting(signal),
        report: ({ action }) => fail(`${action} was done`),
        note: (text) => fail(text),
      });
      const { signal } = stop;
      await upkeep.run({ tables: [await world.load()], renew: () => {}, idleMs: 60_000, signal, stop: signal });
      await upkeep.close();
      await workshop.close();
      deepStrictEqual(await world.paths("warehouse/"), before);
      deepStrictEqual(await world.paths("checkpoints/intents/"), []);
      deepStrictEqual(await world.lake.ask("SELECT * FROM bronze.events"), rows);
      deepStrictEqual(await historyOf(world), [["consume", "compact", "gave-way", "the run was to end"]]);
    }));
}
