import { deepStrictEqual, match } from "node:assert/strict";
import { runAllTargets } from "../../commands/consume/all_targets.ts";
import { StreamlabError } from "../../core/base/errors.ts";
import { systemRandom } from "../../core/base/random.ts";
import { FileCatalog } from "../../core/iceberg/catalog/file_catalog.ts";
import { openLocalStore } from "../../core/storage/local/local_store.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { testWorld } from "../support/test_world.ts";
import { Place } from "./place.ts";

const MINUTE_MS = 60_000;

/** What a watched target does at each start; the last stops the program. */
type Start = (clock: ManualClock) => void;

async function watched(starts: Record<string, readonly Start[]>) {
  const clock = new ManualClock(), stop = new AbortController();
  const world = testWorld({ commands: [], signal: stop.signal });
  const begun: string[] = [];
  let left = Object.keys(starts).length;
  await Place.use(async (place) => {
    place.put("lake/raw/events/x.json", [{}]);
    for (const table of Object.keys(starts)) await place.records("consume", "--once", "--table", table);
    const store = openLocalStore(`${place.folder}/lake`, { random: systemRandom, durable: false });
    const catalog = new FileCatalog({ store, clock, random: systemRandom });
    const context = { ...world, clock, json: false, jsonMessages: false, debug: false };
    const status = await runAllTargets(context, catalog, {
      inTurn: false,
      run: (table) => {
        const start = starts[table]![begun.filter((each) => each === table).length]!;
        begun.push(table);
        const isLast = start === starts[table]!.at(-1);
        if (isLast && --left === 0) stop.abort(new Error("SIGTERM"));
        return Promise.resolve(start(clock)).then(() => 0);
      },
    });
    deepStrictEqual(status, begun.includes("orders.raw") ? 3 : 0);
  });
  return { clock, begun, said: world.stderrText() };
}

const fails = () => {
  throw new StreamlabError("not-found", "There is no folder to watch", { hint: "Name another" });
};

Deno.test("a watched target that failed is started again after a pause that doubles, and says so", async () => {
  const failsLate = (clock: ManualClock) => {
    clock.advance(6 * MINUTE_MS);
    fails();
  };
  const starts = [fails, fails, ...new Array(5).fill(fails), failsLate, () => {}];
  const { clock, said } = await watched({ "bronze.events": starts });
  const seconds = [5, 10, 20, 40, 80, 160, 300, 5];
  deepStrictEqual(clock.sleeps, seconds.map((pause) => pause * 1_000));
  match(
    said,
    /^2026-03-01T00:00:00Z bronze\.events There is no folder to watch\n {2}Name another\n {2}bronze\.events is started again in 5\.0s$/m,
  );
});

Deno.test("a limit stops its target for good, and no other", async () => {
  const { begun, said } = await watched({
    "orders.raw": [() => {
      throw new StreamlabError("limit", "Stopped: more dead letters than allowed");
    }],
    "bronze.events": [fails, () => {}],
  });
  deepStrictEqual(begun.sort(), ["bronze.events", "bronze.events", "orders.raw"]);
  match(said, /orders\.raw Stopped: more dead letters than allowed\n(?! {2}orders)/);
});
