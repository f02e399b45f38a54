import { deepStrictEqual, match, rejects, strictEqual } from "node:assert/strict";
import { type Clock, systemClock } from "../../../core/base/clock.ts";
import type { ServedLake } from "../../support/lake_server.ts";
import { partitionBy, useFilledLake } from "./console_lake.ts";

const PATH = "/api/letters/export?table=dead_letters.events";
const PLACES = 4;

/** An answer whose body nobody takes yet. */
function begin(lake: ServedLake): Promise<Response> {
  return lake.server.answer(new Request(lake.address + PATH, { headers: { host: new URL(lake.address).host } }));
}

async function fillPlaces(lake: ServedLake): Promise<Response[]> {
  const answers = await Promise.all(Array.from({ length: PLACES }, () => begin(lake)));
  deepStrictEqual(answers.map(({ status }) => status), answers.map(() => 200));
  const refused = await begin(lake);
  deepStrictEqual([refused.status, refused.headers.get("retry-after")], [503, "10"]);
  match((await refused.json()).error.message, /Too many exports/);
  return answers;
}

Deno.test("so many exports go on at once, and whoever ends or hangs up makes room", () =>
  useFilledLake(async (lake) => {
    const [first, second, ...rest] = await fillPlaces(lake);
    strictEqual((await first!.text()).trimEnd().split("\n").length, 3);
    await second!.body!.cancel();
    const more = [await begin(lake), await begin(lake)];
    deepStrictEqual(more.map(({ status }) => status), [200, 200]);
    strictEqual((await begin(lake)).status, 503);
    await Promise.all([...rest, ...more].map(({ body }) => body!.cancel()));
    // A refusal takes no place.
    for (let time = 0; time < PLACES + 1; time++) {
      strictEqual((await lake.ask("GET", "/api/letters/export?table=dead_letters.none")).status, 404);
    }
    strictEqual((await lake.ask("GET", PATH)).status, 200);
    deepStrictEqual(lake.failures, []);
  }));

Deno.test("an export that nobody takes is ended after a minute", () => {
  const pauses: number[] = [], minute = Promise.withResolvers<void>();
  const clock: Clock = {
    nowMs: () => systemClock.nowMs(),
    sleep: (ms, signal) => {
      pauses.push(ms);
      return Promise.race([minute.promise, systemClock.sleep(ms, signal)]);
    },
  };
  return useFilledLake(async (lake) => {
    const answers = await fillPlaces(lake);
    minute.resolve();
    for (const answer of answers) await rejects(answer.text(), /nobody takes it/);
    strictEqual((await begin(lake)).status, 200);
    deepStrictEqual(new Set(pauses), new Set([60_000]));
  }, { consoleClock: clock });
});

Deno.test("an export that cannot go on is cut off, and the operator is told why", () => {
  let questions = 0;
  // After the batches and the first portion, the second portion takes too long.
  const clock: Clock = {
    nowMs: () => systemClock.nowMs(),
    sleep: (ms, signal) => questions++ < 2 ? systemClock.sleep(ms, signal) : Promise.resolve(),
  };
  return useFilledLake(async (lake, world) => {
    world.put("many.json", JSON.stringify(Array.from({ length: 5_000 }, (_, id) => ({ user_id: id }))));
    await world.consume({ partitionBy });
    const response = await fetch(lake.address + PATH);
    strictEqual(response.status, 200);
    await rejects(response.text(), TypeError);
    deepStrictEqual(lake.failures, [
      "StreamlabError: Cannot go on with an export of dead letters: Stopped the question: it took more than 30 seconds",
    ]);
  }, { sessionClock: clock });
});

Deno.test("an export has each letter once, the oldest batch first, however many a batch has", () =>
  useFilledLake(async (lake, world) => {
    const counts = [1, 1_999, 2, 9_000, 3, 700];
    for (const [index, count] of counts.entries()) {
      const records = Array.from({ length: count }, (_, id) => ({ user_id: id, batch: index }));
      world.put(`more-${index}.json`, JSON.stringify(records));
      await world.consume({ partitionBy });
    }
    const lines = (await (await fetch(lake.address + PATH)).text()).trimEnd().split("\n");
    const letters = lines.map((line) => JSON.parse(line)).filter(({ sourceFile }) => /more-/.test(sourceFile));
    deepStrictEqual(
      letters.map(({ sourceFile, sourcePosition }) => `${/\d(?=\.json)/.exec(sourceFile)} ${sourcePosition}`),
      counts.flatMap((count, index) => Array.from({ length: count }, (_, position) => `${index} ${position}`)),
    );
    deepStrictEqual(lines.length - letters.length, 3);
  }));
