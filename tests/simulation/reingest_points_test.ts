import { pointsOf, stagesOf, walk, type Workshop } from "./world/crash_walk.ts";
import { DataRows } from "./world/data_rows.ts";
import type { Life } from "./world/life.ts";
import { BY_COUPON, BY_DEFAULT, type Reingest, reingestLight } from "./world/light_reingest.ts";
import { compactLight, LightRewriting } from "./world/light_rewriting.ts";
import { replayLight } from "./world/light_replay.ts";
import { isAll, type Place, placesOf, sample } from "./world/places.ts";
import { lightTools } from "./world/race.ts";
import { arrayOf, corrupted, explained, extra, invalid, mended, valid } from "./world/raw_files.ts";
import type { Scenario } from "./world/scenarios.ts";
import { say } from "../support/say.ts";

const rows = new DataRows();
const workshop: Pick<Workshop, "rows" | "tools"> = { rows, tools: lightTools(rows) };

const reingest = (by: Reingest) => (life: Life) => life.work((process) => reingestLight(life, process, rows, by));
const replay = (life: Life) => life.work((process) => replayLight(life, process, rows));
const compact = (life: Life) => life.maintain((around, table) => compactLight(around, table, new LightRewriting(rows)));

const scenario: Scenario = {
  name: "files reingested, between batches, replays and compaction",
  rounds: 5,
  steps: [
    (life) => {
      life.land("a.json", arrayOf(mended(), valid(), invalid(), explained()));
      life.land("b.json", arrayOf(extra(), mended()));
      life.land("c.json", corrupted());
    },
    (life) => life.consume({ maxFilesPerBatch: 1 }),
    reingest({ ...BY_COUPON, takes: (name) => !name.endsWith("b.json") }),
    compact,
    (life) => life.land("c.json", arrayOf(mended(), explained(), valid())),
    reingest(BY_DEFAULT),
    (life) => life.consume(),
    (life) => life.remove("b.json"),
    replay,
    reingest(BY_COUPON),
    compact,
    // A compaction by hand that died has announced itself for a day.
    (life) => life.wait(25 * 3_600_000),
  ],
};

/** Of each test in CI. */
const POINTS_MAX = isAll ? Infinity : 24;

async function walkAll(places: readonly Place[], fails: boolean): Promise<void> {
  for (const { stage, point } of places) await walk(scenario, stage, [{ ...point, fails }], workshop);
}

Deno.test("a crash at any operation of a reingest loses and doubles no record", async () => {
  const all = placesOf(await stagesOf(scenario, workshop));
  const places = sample(all, POINTS_MAX);
  await walkAll(places, false);
  say(`${places.length} of ${all.length} crash points walked, all audited clean`);
});

Deno.test("an error from any operation of a reingest is told as one, and loses and doubles no record", async () => {
  const places = sample(placesOf(await stagesOf(scenario, workshop)), POINTS_MAX);
  await walkAll(places, true);
  say(`${places.length} failing operations walked, all audited clean`);
});

Deno.test("a crash during the recovery from a reingest's crash loses and doubles no record", async () => {
  let walked = 0;
  for (const { stage, point } of sample(placesOf(await stagesOf(scenario, workshop)), POINTS_MAX / 2)) {
    const operations = await walk(scenario, stage, [point], workshop);
    for (const second of sample(pointsOf(operations, point.ordinal + 1), isAll ? Infinity : 2)) {
      await walk(scenario, stage, [point, second], workshop);
      walked++;
    }
  }
  say(`${walked} pairs of crash points walked, all audited clean`);
});
