import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { type Clock, systemClock } from "../../../core/base/clock.ts";
import { ConsumeWorld } from "../../consume/consume_world.ts";
import { ServedLake } from "../../support/lake_server.ts";
import { getJson, partitionBy } from "./console_lake.ts";

const TABLE = "table=dead_letters.events";
const OVER_TIME = `letters/over-time?${TABLE}`;

interface OverTime {
  by: string;
  from: string;
  to: string;
  groups: { reason: string | null; place: string | null; count: number }[];
  periods: { at: string; counts: number[] }[];
}

function clockAt(time: string): Clock {
  return { nowMs: () => Date.parse(time), sleep: (ms, signal) => systemClock.sleep(ms, signal) };
}

/** Letters of two days and three hours: of a type, of a field that lacks, and a whole file. */
const useCopy = ConsumeWorld.copies(async (world) => {
  const event = { user_id: "u", event_id: "e", event_type: "view", event_timestamp: "2026-03-01T12:00:00Z" };
  const batches: [time: string, content: string][] = [
    ["2026-03-01T22:59:59.999Z", JSON.stringify([{ ...event, user_id: 7 }, { ...event, user_id: 8 }])],
    ["2026-03-01T23:00:00Z", JSON.stringify([{ ...event, user_id: 7 }, { ...event, event_type: undefined }])],
    ["2026-03-02T01:30:00Z", "[broken"],
  ];
  for (const [index, [time, content]] of batches.entries()) {
    world.put(`${index}.json`, content);
    await world.consume({ partitionBy, clock: clockAt(time) });
  }
});

function useLetters(now: string, action: (lake: ServedLake) => Promise<void>): Promise<void> {
  return useCopy((world) => ServedLake.use(action, { folder: world.folder, consoleClock: clockAt(now) }));
}

Deno.test("letters are counted hour by hour, by reason and place, up to now", () =>
  useLetters("2026-03-02T01:59:00Z", async (lake) => {
    const found = await getJson(lake, `${OVER_TIME}&last=4`) as unknown as OverTime;
    deepStrictEqual([found.by, found.from, found.to], [
      "hour",
      "2026-03-01T22:00:00.000Z",
      "2026-03-02T02:00:00.000Z",
    ]);
    deepStrictEqual(found.groups, [
      { reason: "invalid_schema", place: "/user_id", count: 3 },
      { reason: "corrupted_batch", place: "", count: 1 },
      { reason: "invalid_schema", place: "/event_type", count: 1 },
    ]);
    deepStrictEqual(found.periods, [
      { at: "2026-03-01T22:00:00.000Z", counts: [2, 0, 0] },
      { at: "2026-03-01T23:00:00.000Z", counts: [1, 0, 1] },
      { at: "2026-03-02T00:00:00.000Z", counts: [0, 0, 0] },
      { at: "2026-03-02T01:00:00.000Z", counts: [0, 1, 0] },
    ]);
    const day = await getJson(lake, OVER_TIME) as unknown as OverTime;
    strictEqual(day.periods.length, 24);
  }));

Deno.test("days, a span and a group can be asked for, and what a span begins or ends within is counted whole", () =>
  useLetters("2026-03-05T12:00:00Z", async (lake) => {
    const days = await getJson(lake, `${OVER_TIME}&by=day&last=5`) as unknown as OverTime;
    deepStrictEqual(days.periods.map(({ at, counts }) => [at.slice(0, 10), counts.reduce((sum, n) => sum + n)]), [
      ["2026-03-01", 4],
      ["2026-03-02", 1],
      ["2026-03-03", 0],
      ["2026-03-04", 0],
      ["2026-03-05", 0],
    ]);
    const span = `${OVER_TIME}&from=2026-03-01T22:30:00Z&to=2026-03-01T23:00:00.001Z&reason=invalid_schema`;
    const hours = await getJson(lake, `${span}&place=${encodeURIComponent("/user_id")}`) as unknown as OverTime;
    deepStrictEqual(hours.groups.map(({ count }) => count), [3]);
    deepStrictEqual(hours.periods.map(({ counts }) => counts), [[2], [1]]);
    const none = await getJson(lake, `${OVER_TIME}&last=2`) as unknown as OverTime;
    deepStrictEqual([none.groups, none.periods.map(({ counts }) => counts)], [[], [[], []]]);
    // A day means its midnight, and an offset is one.
    const day = await getJson(lake, `${OVER_TIME}&by=day&from=2026-03-01&to=2026-03-02T01:00:00%2B01:00`);
    strictEqual((day as unknown as OverTime).periods.length, 1);
  }));

Deno.test("the letters, their reasons and their export are of a span of time, if that is asked for", () =>
  useLetters("2026-03-05T12:00:00Z", async (lake) => {
    const span = `${TABLE}&from=2026-03-01T23:00:00Z&to=2026-03-02`;
    const { letters } = await getJson(lake, `letters?${span}`) as { letters: Record<string, unknown>[] };
    deepStrictEqual(letters.map(({ sourceFile }) => sourceFile), ["raw/events/1.json", "raw/events/1.json"]);
    const { groups } = await getJson(lake, `letters/reasons?${span}`) as { groups: Record<string, unknown>[] };
    deepStrictEqual(groups.map(({ place, count }) => [place, count]), [["/event_type", 1], ["/user_id", 1]]);
    const { text } = await lake.ask("GET", `/api/letters/export?${TABLE}&from=2026-03-02`);
    deepStrictEqual(text.trimEnd().split("\n").map((line) => JSON.parse(line).sourceFile), ["raw/events/2.json"]);
  }));

Deno.test("more groups than can be told apart are one together", () =>
  useCopy(async (world) => {
    const records = Array.from({ length: 25 }, (_, n) => ({ user_id: "u", [`more_${n}`]: 1 }));
    const whole = { event_id: "e", event_type: "view", event_timestamp: "2026-03-01T12:00:00Z" };
    world.put("3.json", JSON.stringify(records.map((record) => ({ ...record, ...whole }))));
    await world.consume({ partitionBy, clock: clockAt("2026-03-04T00:00:00Z") });
    await ServedLake.use(async (lake) => {
      const found = await getJson(lake, `${OVER_TIME}&by=day&last=5`) as unknown as OverTime;
      strictEqual(found.groups.length, 21);
      deepStrictEqual(found.groups.at(-1), { reason: null, place: null, count: 8 });
      const sums = found.groups.map((_, at) => found.periods.reduce((sum, { counts }) => sum + counts[at]!, 0));
      deepStrictEqual(sums, found.groups.map(({ count }) => count));
    }, { folder: world.folder, consoleClock: clockAt("2026-03-05T12:00:00Z") });
  }));

Deno.test("a span that is none, or too long, is refused, and says why", () =>
  useLetters("2026-03-05T12:00:00Z", async (lake) => {
    const cases: [query: string, why: RegExp][] = [
      ["by=minute", /neither hour nor day/],
      ["by=toString", /neither hour nor day/],
      ["last=0", /from 1 to 400/],
      ["last=x", /not a whole number/],
      ["from=2026-03-02&to=2026-03-01", /from 1 to 400/],
      ["from=2024-01-01&by=hour", /from 1 to 400/],
      ["from=yesterday", /neither an instant/],
      ["to=2026-13-01", /neither an instant/],
      ["to=2026-03-01T12:00:00", /neither an instant/],
      ["from=%27%20OR%20true", /neither an instant/],
    ];
    for (const [query, why] of cases) {
      const { status, json } = await lake.ask("GET", `/api/${OVER_TIME}&${query}`);
      strictEqual(status, 400, query);
      match((json.error as { message: string }).message, why);
    }
    strictEqual((await lake.ask("GET", "/api/letters/over-time?table=bronze.events")).status, 400);
    deepStrictEqual(lake.failures, []);
  }));
