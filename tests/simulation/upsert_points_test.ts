import { expireTable } from "../../core/maintain/removal/expire.ts";
import { removeOrphans } from "../../core/maintain/removal/orphans.ts";
import { say } from "../support/say.ts";
import { pointsOf, stagesOf, walk, type Workshop } from "./world/crash_walk.ts";
import { DataRows } from "./world/data_rows.ts";
import { routeOnly } from "./world/foreign_columns.ts";
import { GRACE_MS, type Life } from "./world/life.ts";
import { compactLight, LightRewriting } from "./world/light_rewriting.ts";
import { keysIn, LIGHT_UPSERT as upsert } from "./world/light_upserts.ts";
import { isAll, type Place, placesOf, sample } from "./world/places.ts";
import { lightTools } from "./world/race.ts";
import { arrayOf, invalid, type RawFile, valid } from "./world/raw_files.ts";
import type { Scenario } from "./world/scenarios.ts";

const rows = new DataRows();
const workshop: Pick<Workshop, "rows" | "tools"> = { rows, tools: lightTools(rows) };

const change = (key: string, day: number, type = "u") =>
  valid({ event_id: key, event_type: type, event_timestamp: `2026-03-0${day}T12:00:00Z` });

/** Keys that come twice in a file, late records, removed keys, and one that comes back. */
const files: Record<string, RawFile> = {
  "a.json": arrayOf(change("ann", 1), change("bob", 1), change("ann", 2), change("eve", 5)),
  "b.json": arrayOf(change("ann", 3), change("bob", 2, "d"), invalid(), change("ann", 3)),
  "c.json": arrayOf(change("eve", 4), change("dan", 4)),
  "d.json": arrayOf(change("bob", 1), change("ann", 4), change("dan", 4, "d")),
  "e.json": arrayOf(change("bob", 3), change("dan", 3), change("eve", 6, "d"), change("eve", 6, "d")),
};

const land = (...names: string[]) => (life: Life) => names.forEach((name) => life.land(name, files[name]!));
const compact = (life: Life) => life.maintain((around, table) => compactLight(around, table, new LightRewriting(rows)));

const scenario: Scenario = {
  name: "newer records take the place of older ones, between compaction and expiry",
  rounds: 5,
  choices: { upsert },
  audit: { upserts: true, keysOf: (name) => keysIn(files[name.replace("raw/events/", "")]!.bytes, true) },
  steps: [
    land("a.json"),
    (life) => life.consume({ upsert }),
    land("b.json", "c.json"),
    (life) => life.consume({ upsert, maxFilesPerBatch: 1 }),
    land("d.json"),
    (life) => routeOnly(life, { upsert }),
    compact,
    (life) => life.consume({ upsert, upkeepMs: 10_000 }),
    (life) =>
      life.maintain((around, table) => expireTable(around, table, { olderThanMs: 0, retainLast: 1, dryRun: false })),
    (life) => life.wait(2 * 24 * 3_600_000),
    (life) => life.maintain((around, table) => removeOrphans(around, table, { olderThanMs: 3_600_000, dryRun: false })),
    land("e.json"),
    (life) => life.consume({ upsert, upkeepMs: 10 * GRACE_MS }),
    (life) => life.wait(25 * 3_600_000),
  ],
};

/** Of each test in CI. */
const POINTS_MAX = isAll ? Infinity : 80;

async function walkAll(places: readonly Place[], fails: boolean): Promise<void> {
  for (const { stage, point } of places) await walk(scenario, stage, [{ ...point, fails }], workshop);
}

Deno.test("a crash at any operation of upserts leaves the newest record of each key, and every record accounted for", async () => {
  const all = placesOf(await stagesOf(scenario, workshop));
  const places = sample(all, POINTS_MAX);
  await walkAll(places, false);
  say(`${places.length} of ${all.length} crash points walked, all audited clean`);
});

Deno.test("an error from any operation of upserts is told as one, and does the same", async () => {
  const all = placesOf(await stagesOf(scenario, workshop));
  const places = sample(all, POINTS_MAX);
  await walkAll(places, true);
  say(`${places.length} of ${all.length} failing operations walked, all audited clean`);
});

Deno.test("a crash during the recovery from an upsert's crash does the same", async () => {
  let walked = 0;
  for (const { stage, point } of sample(placesOf(await stagesOf(scenario, workshop)), POINTS_MAX / 6)) {
    const operations = await walk(scenario, stage, [point], workshop);
    for (const second of sample(pointsOf(operations, point.ordinal + 1), isAll ? Infinity : 4)) {
      await walk(scenario, stage, [point, second], workshop);
      walked++;
    }
  }
  say(`${walked} pairs of crash points walked, all audited clean`);
});
