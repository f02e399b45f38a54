import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { type Clock, systemClock } from "../../../core/base/clock.ts";
import { ConsumeWorld } from "../../consume/consume_world.ts";
import { ServedLake } from "../../support/lake_server.ts";
import { getJson, partitionBy } from "./console_lake.ts";

const OVER_TIME = "batches/over-time?target=bronze.events";

interface Period {
  at: string;
  batches: number;
  files: number;
  records: number;
  events: number;
  deadLetters: number;
  duplicates: number;
  superseded: number | null;
  lagMs: number | null;
}

function clockAt(time: string): Clock {
  return { nowMs: () => Date.parse(time), sleep: (ms, signal) => systemClock.sleep(ms, signal) };
}

/** Batches of two days and three hours, and how many seconds before each its file had landed. */
const useCopy = ConsumeWorld.copies(async (world) => {
  const event = { user_id: "u", event_id: "e", event_type: "view", event_timestamp: "2026-03-01T12:00:00Z" };
  const batches: [time: string, waitedSeconds: number, records: unknown[]][] = [
    ["2026-03-01T22:59:59.999Z", 7, [event, event]],
    ["2026-03-01T23:00:00Z", 90, [event, { ...event, user_id: 7 }]],
    ["2026-03-01T23:59:30Z", 5, [event]],
    ["2026-03-02T01:30:00Z", 1, [event]],
  ];
  for (const [index, [time, waitedSeconds, records]] of batches.entries()) {
    world.put(`${index}.json`, JSON.stringify(records));
    const landed = Date.parse(time) / 1_000 - waitedSeconds;
    Deno.utimeSync(world.rawPath(`${index}.json`), landed, landed);
    await world.consume({ partitionBy, clock: clockAt(time) });
  }
});

function useBatches(now: string, action: (lake: ServedLake) => Promise<void>): Promise<void> {
  return useCopy((world) => ServedLake.use(action, { folder: world.folder, consoleClock: clockAt(now) }));
}

async function periods(lake: ServedLake, query: string): Promise<Period[]> {
  return (await getJson(lake, OVER_TIME + query) as unknown as { periods: Period[] }).periods;
}

Deno.test("the longest that a file waited is told hour by hour, and unknown where no batch came", () =>
  useBatches("2026-03-02T01:59:00Z", async (lake) => {
    const found = await periods(lake, "&last=4");
    deepStrictEqual(found.map(({ at, lagMs, batches }) => [at, lagMs, batches]), [
      ["2026-03-01T22:00:00.000Z", 7_000, 1],
      ["2026-03-01T23:00:00.000Z", 90_000, 2],
      ["2026-03-02T00:00:00.000Z", null, 0],
      ["2026-03-02T01:00:00.000Z", 1_000, 1],
    ]);
    deepStrictEqual(
      found.map(({ files, records, events, deadLetters, duplicates, superseded }) => [
        ...[files, records, events, deadLetters],
        ...[duplicates, superseded],
      ]),
      [[1, 2, 2, 0, 0, null], [2, 3, 2, 1, 0, null], [0, 0, 0, 0, 0, null], [1, 1, 1, 0, 0, null]],
    );
    strictEqual((await periods(lake, "")).length, 24);
    deepStrictEqual(lake.failures, []);
  }));

Deno.test("minutes and days can be asked for, and another target has nothing of it", () =>
  useBatches("2026-03-02T01:59:00Z", async (lake) => {
    const days = await periods(lake, "&by=day&last=3");
    deepStrictEqual(days.map(({ at, lagMs, batches }) => [at.slice(0, 10), lagMs, batches]), [
      ["2026-02-28", null, 0],
      ["2026-03-01", 90_000, 3],
      ["2026-03-02", 1_000, 1],
    ]);
    const minutes = await periods(lake, "&by=minute&from=2026-03-01T22:59:10Z&to=2026-03-01T23:00:01Z");
    deepStrictEqual(minutes.map(({ at, lagMs }) => [at.slice(11, 16), lagMs]), [["22:59", 7_000], ["23:00", 90_000]]);
    const none = await getJson(lake, "batches/over-time?target=orders.raw&last=4") as unknown as { periods: Period[] };
    deepStrictEqual(none.periods.map(({ batches }) => batches), [0, 0, 0, 0]);
    const quoted = await getJson(lake, `batches/over-time?last=1&target=${encodeURIComponent("' OR true --")}`);
    deepStrictEqual((quoted.periods as Period[]).map(({ batches }) => batches), [0]);
  }));

Deno.test("a span of batches that is none, or too long, is refused, and says why", () =>
  useBatches("2026-03-02T01:59:00Z", async (lake) => {
    const cases: [query: string, why: RegExp][] = [
      ["&by=second", /neither minute nor hour nor day/],
      ["&by=toString", /neither minute nor hour nor day/],
      ["&last=0", /from 1 to 400/],
      ["&by=minute&from=2026-03-01", /from 1 to 400/],
      ["&from=yesterday", /neither an instant/],
    ];
    for (const [query, why] of cases) {
      const { status, json } = await lake.ask("GET", `/api/${OVER_TIME}${query}`);
      strictEqual(status, 400, query);
      match((json.error as { message: string }).message, why);
    }
    strictEqual((await lake.ask("GET", "/api/batches/over-time")).status, 400);
  }));

Deno.test("a lake without a batch has none at any time", () =>
  ServedLake.use(async (lake) => {
    deepStrictEqual((await periods(lake, "&last=2")).map(({ batches, lagMs }) => [batches, lagMs]), [
      [0, null],
      [0, null],
    ]);
    deepStrictEqual(lake.failures, []);
  }));
