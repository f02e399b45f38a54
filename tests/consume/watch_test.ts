import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { type Clock, systemClock } from "../../core/base/clock.ts";
import { ChangeHints } from "../../core/consume/change_hints.ts";
import { openLocalStore } from "../../core/storage/local/local_store.ts";
import { isFileThere, untilThere } from "../support/until_there.ts";
import { SteppedClock } from "../support/manual_clock.ts";
import { storeWith } from "../support/store_with.ts";
import { ConsumeWorld } from "./consume_world.ts";
import { event, Watching } from "./watching.ts";

/**
 * Its time stands still, and it wakes nobody for as long as a test takes: whoever goes on was woken
 * by something else, and no look at everything is due.
 */
const sleepyClock: Clock = {
  nowMs: () => Date.UTC(2026, 2, 1),
  sleep: (ms, signal) => systemClock.sleep(ms * 1_000, signal),
};

/** Whole or not there, as careful writers do it. */
function appear(world: ConsumeWorld, name: string, text: string): void {
  const path = world.rawPath(name), hidden = world.rawPath(`.part-${name.replaceAll("/", "-")}`);
  Deno.writeTextFileSync(hidden, text);
  Deno.renameSync(hidden, path);
}

Deno.test("a watching consumer watches any folder, not only that of a lake", () =>
  ConsumeWorld.use(async (world) => {
    const folder = `${world.folder}/elsewhere`;
    Deno.mkdirSync(folder);
    const store = openLocalStore(folder, { random: world.random, durable: false });
    const zone = { store, prefix: "", nameBase: `${folder}/`, format: undefined };
    await Watching.use(world, { zone }, async (watching) => {
      Deno.writeTextFileSync(`${folder}/.part`, event("a"));
      Deno.renameSync(`${folder}/.part`, `${folder}/a.ndjson`);
      await watching.total(1);
    });
  }));

Deno.test("a watching consumer takes what is there, and each new file as it appears", () =>
  ConsumeWorld.use(async (world) => {
    world.put("before.ndjson", event("before"));
    await Watching.use(world, {}, async (watching) => {
      await watching.total(1);
      appear(world, "1.ndjson", event("1"));
      await watching.total(2);
      const rows = await world.rows("SELECT event_id AS id FROM {{bronze.events}} ORDER BY ALL");
      deepStrictEqual(rows.map(({ id }) => id), ["1", "before"], "a reader sees it at once");
      for (const id of ["2", "3", "4"]) appear(world, `${id}.ndjson`, event(id));
      await watching.total(5);
    });
  }));

Deno.test("a watching consumer sees folders that are made later, however deep", () =>
  ConsumeWorld.use((world) =>
    Watching.use(world, {}, async (watching) => {
      for (let turn = 1; turn <= 8; turn++) {
        appear(world, `day=${turn}/hour=1/x/y/${turn}.ndjson`, event(`${turn}`));
        await watching.total(turn);
      }
      appear(world, "day=1/hour=2/later.ndjson", event("later"));
      await watching.total(9);
    })
  ));

for (
  const [how, remove] of [
    ["removed", (folder: string) => Deno.removeSync(folder, { recursive: true })],
    ["moved away", (folder: string) => Deno.renameSync(folder, `${folder}.old`)],
  ] as const
) {
  Deno.test(`a watched folder that was ${how} and made anew is watched again, and said`, () =>
    ConsumeWorld.use((world) =>
      Watching.use(world, {}, async (watching) => {
        appear(world, "1.ndjson", event("1"));
        await watching.total(1);
        for (const turn of [2, 3]) {
          remove(`${world.folder}/raw/events`);
          if (turn === 2) await world.remarked(/raw\/events is gone/);
          appear(world, `${turn}.ndjson`, event(`${turn}`));
          await watching.total(turn);
          if (how === "moved away") Deno.removeSync(`${world.folder}/raw/events.old`, { recursive: true });
        }
        ok(world.remarks.some((remark) => /raw\/events is back, and watched$/.test(remark)));
      })
    ));
}

Deno.test("a watching consumer makes the folder that it watches", () =>
  ConsumeWorld.use((world) =>
    Watching.use(world, { zone: { ...world.options().zone, prefix: "not/there/yet/" } }, async (watching) => {
      const folder = `${world.folder}/not/there/yet`;
      const ledger = `${world.folder}/warehouse/ingest/files/metadata/v1.metadata.json`;
      await untilThere(() => isFileThere(ledger), watching.ended);
      Deno.mkdirSync(folder, { recursive: true });
      Deno.writeTextFileSync(`${folder}/.part`, event("a"));
      Deno.renameSync(`${folder}/.part`, `${folder}/a.ndjson`);
      await watching.total(1);
    })
  ));

Deno.test("a stream of files is taken once in the trigger's time, a file after a pause at once", () =>
  ConsumeWorld.use(async (world) => {
    const clock = new SteppedClock();
    await Watching.use(world, { clock }, async (watching) => {
      appear(world, "1.ndjson", event("1"));
      await watching.total(1);
      for (let number = 2; number <= 20; number++) {
        appear(world, `${number}.ndjson`, event(`${number}`));
        await Promise.race([clock.sleeper(5_000), watching.noMoreThan(1)]);
      }
      // What the system has not reported yet when a batch begins is for the next one.
      for (let batches = 2; watching.events < 20; batches++) {
        clock.advance(5_000);
        await watching.reached(batches);
        await Promise.race([clock.sleeper(5_000), watching.noMoreThan(batches)]);
      }
      ok(watching.batches.length <= 5, `${watching.batches.length} batches`);
      clock.advance(60_000);
      await clock.sleeper(30_000);
      appear(world, "21.ndjson", event("21"));
      await watching.total(21);
    }, 5_000);
  }));

Deno.test("files that are too many for a batch do not wait for the trigger", () =>
  ConsumeWorld.use(async (world) => {
    for (const id of ["1", "2", "3"]) world.put(`${id}.ndjson`, event(id));
    await Watching.use(world, { clock: new SteppedClock(), maxFilesPerBatch: 1 }, async (watching) => {
      await watching.total(3);
      strictEqual(watching.batches.length, 3);
    }, 5_000);
  }));

Deno.test("where nothing reports new files, looks begin a trigger's time apart", () =>
  ConsumeWorld.use(async (world) => {
    const clock = new SteppedClock();
    const remote = storeWith(world.store, { localPath: () => undefined });
    const zone = { ...world.options().zone, store: remote };
    await Watching.use(world, { clock, zone }, async (watching) => {
      await clock.sleeper(5_000);
      world.put("1.ndjson", event("1"));
      clock.advance(5_000);
      await watching.total(1);
      await clock.sleeper(5_000);
      world.put("2.ndjson", event("2"));
      clock.advance(5_000);
      await watching.total(2);
    }, 5_000);
  }));

Deno.test("what the system reports is looked at, not everything that lies in the folder", () =>
  ConsumeWorld.use(async (world) => {
    for (const id of ["1", "2"]) world.put(`${id}.ndjson`, event(id));
    const { store } = world;
    let listings = 0;
    const counting = storeWith(store, {
      list: (prefix, options) => {
        if (prefix === "raw/events/") listings++;
        return store.list(prefix, options);
      },
    });
    const zone = { ...world.options().zone, store: counting };
    await Watching.use(world, { zone, clock: sleepyClock }, async (watching) => {
      await watching.total(2);
      strictEqual(listings, 1);
      for (const id of ["3", "4"]) {
        appear(world, `${id}.ndjson`, event(id));
        await watching.total(Number(id));
      }
      const aside = `${world.folder}/aside`;
      Deno.mkdirSync(`${aside}/deep`, { recursive: true });
      for (const id of ["5", "6"]) Deno.writeTextFileSync(`${aside}/deep/${id}.ndjson`, event(id));
      Deno.renameSync(aside, `${world.folder}/raw/events/moved`);
      await watching.total(6);
      strictEqual(listings, 1);
      world.put("1.ndjson", event("other"));
      await world.remarked(/1.ndjson changed/);
      strictEqual(listings, 1);
    });
  }));

Deno.test("of more changes than are remembered one by one nothing is missed", () => {
  const hints = new ChangeHints();
  strictEqual(hints.take(), undefined);
  hints.note(["b", "a", "b"]);
  deepStrictEqual(hints.take(), ["a", "b"]);
  deepStrictEqual(hints.take(), []);
  hints.note(Array.from({ length: 10_001 }, (_, index) => `${index}`));
  hints.note(["c"]);
  strictEqual(hints.take(), undefined);
  hints.note(undefined);
  hints.note(["d"]);
  strictEqual(hints.take(), undefined);
  deepStrictEqual(hints.take(), []);
});

Deno.test("a file is queryable as soon as it appears, not at the next look", () =>
  ConsumeWorld.use((world) =>
    Watching.use(world, { clock: sleepyClock }, async (watching) => {
      for (let turn = 1; turn <= 5; turn++) {
        appear(world, `${turn}.ndjson`, event(`${turn}`));
        await watching.total(turn);
      }
    })
  ));
