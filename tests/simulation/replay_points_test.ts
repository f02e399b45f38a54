import { commitsOf, pointsOf, stagesOf, walk, type Workshop } from "./world/crash_walk.ts";
import { DataRows } from "./world/data_rows.ts";
import type { Life } from "./world/life.ts";
import { replayLight } from "./world/light_replay.ts";
import { compactLight, LightRewriting } from "./world/light_rewriting.ts";
import { isAll, type Place, placesOf, sample } from "./world/places.ts";
import { lightTools } from "./world/race.ts";
import { arrayOf, corrupted, explained, extra, invalid, mended, valid } from "./world/raw_files.ts";
import { abandonedReplay, lateRemoval } from "./world/replay_scenarios.ts";
import type { Scenario } from "./world/scenarios.ts";
import { say } from "../support/say.ts";

const rows = new DataRows();
const workshop: Pick<Workshop, "rows" | "tools"> = { rows, tools: lightTools(rows) };

const replay = (life: Life) => life.work((process) => replayLight(life, process, rows));
const compact = (life: Life) => life.maintain((around, table) => compactLight(around, table, new LightRewriting(rows)));

const scenario: Scenario = {
  name: "dead letters replayed, between batches and compaction",
  rounds: 5,
  steps: [
    (life) => {
      life.land("a.json", arrayOf(mended(), valid(), invalid(), explained()));
      life.land("b.json", arrayOf(extra(), mended()));
      life.land("c.json", corrupted());
    },
    (life) => life.consume({ maxFilesPerBatch: 1 }),
    replay,
    compact,
    (life) => life.land("d.json", arrayOf(mended(), mended(), explained())),
    (life) => life.consume(),
    compact,
    replay,
    compact,
    // A compaction by hand that died has announced itself for a day.
    (life) => life.wait(25 * 3_600_000),
  ],
};

/** Of each test in CI; all 1,088 take a minute. */
const POINTS_MAX = isAll ? Infinity : 24;

async function walkAll(places: readonly Place[], fails: boolean): Promise<void> {
  for (const { stage, point } of places) await walk(scenario, stage, [{ ...point, fails }], workshop);
}

Deno.test("a crash at any operation of a replay loses and doubles no letter", async () => {
  const places = sample(placesOf(await stagesOf(scenario, workshop)), POINTS_MAX);
  await walkAll(places, false);
  say(`${places.length} crash points walked, all audited clean`);
});

Deno.test("an error from any operation of a replay is told as one, and loses and doubles no letter", async () => {
  const places = sample(placesOf(await stagesOf(scenario, workshop)), POINTS_MAX);
  await walkAll(places, true);
  say(`${places.length} failing operations walked, all audited clean`);
});

Deno.test("a crash during the recovery from a replay's crash loses and doubles no letter", async () => {
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

Deno.test("a replay that died is finished also where the files of its events were replaced and deleted meanwhile", async () => {
  const abandoned = abandonedReplay(rows);
  const [, stage] = await stagesOf(abandoned, workshop);
  for (const ordinal of await commitsOf(abandoned, stage!, workshop)) {
    await walk(abandoned, stage!, [{ ordinal, phase: "after" }], workshop);
  }
});

Deno.test("a removal of letters that comes late finds the files that it names, though orphans were removed meanwhile", async () => {
  await stagesOf(lateRemoval(rows), workshop);
});
