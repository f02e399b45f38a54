import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { type Clock, systemClock } from "../../../core/base/clock.ts";
import { ServedLake } from "../../support/lake_server.ts";
import { Place } from "../../commands/place.ts";
import { auditHolds, EVENTS, LETTERS, rowsOf, withLetters } from "../../maintain/letters_place.ts";
import { HOSTILE_RECORD } from "./console_lake.ts";

const table = "dead_letters.events";
const JSON_TYPE = { "content-type": "application/json" };

function serve(place: Place, action: (lake: ServedLake) => Promise<void>, allowsUpkeep = true): Promise<void> {
  return ServedLake.use(action, { folder: `${place.folder}/lake`, allowsUpkeep });
}

function ask(lake: ServedLake, body: object, headers: Record<string, string> = {}) {
  return lake.ask("POST", "/api/letters/replay", body, { ...JSON_TYPE, ...headers });
}

async function replay(lake: ServedLake, body: object): Promise<Record<string, unknown>> {
  const { status, json, text } = await ask(lake, { table, ...body });
  strictEqual(status, 200, text);
  return json;
}

/** The last of the server-sent events, with its name. */
async function lastEvent(lake: ServedLake, body: object): Promise<[string, Record<string, unknown>]> {
  const { status, text, headers } = await ask(lake, { table, ...body }, { accept: "text/event-stream" });
  deepStrictEqual([status, headers.get("content-type")], [200, "text/event-stream"], text);
  const [, name, json] = /^event: (\w+)\ndata: ([^\n]*)$/.exec(text.trimEnd().split("\n\n").at(-1)!)!;
  return [name!, JSON.parse(json!)];
}

Deno.test("letters of a list are judged again without a change, and then replayed, each once", () =>
  withLetters((place) =>
    serve(place, async (lake) => {
      const reasons = [{ reason: "extra_fields", letters: 4, taken: 3, changed: 1 }];
      const choice = { reason: "extra_fields", place: "/coupon", from: "2020-01-01" };
      deepStrictEqual(await replay(lake, choice), {
        action: "replay-dead-letters",
        table,
        dryRun: true,
        batches: 0,
        events: 0,
        changed: 0,
        reasons,
      });
      deepStrictEqual((await rowsOf(place)).events, ["1 0 1"]);
      const done = await replay(lake, { ...choice, dryRun: false });
      deepStrictEqual([done.batches, done.events, done.changed, done.reasons], [1, 3, 1, reasons]);
      const again = await replay(lake, { dryRun: false });
      deepStrictEqual([again.batches, again.events, again.changed], [0, 0, 0]);
      deepStrictEqual(await rowsOf(place), { events: EVENTS, letters: LETTERS });
      await auditHolds(place);
    })
  ));

Deno.test("only letters of the reason, place and time that were asked for are judged again", () =>
  withLetters((place) =>
    serve(place, async (lake) => {
      const none = [
        { reason: "missing" },
        { reason: "extra_fields", place: "/other" },
        { to: "2020-01-01" },
        { from: "2999-01-01T00:00:00Z" },
        { reason: `' OR true -- ${HOSTILE_RECORD}` },
        { place: "') OR true OR ('' = '" },
      ];
      for (const choice of none) deepStrictEqual((await replay(lake, choice)).reasons, [], JSON.stringify(choice));
      const { reasons } = await replay(lake, { reason: "invalid_schema", to: "2999-01-01" });
      deepStrictEqual(reasons, [{ reason: "invalid_schema", letters: 1, taken: 0, changed: 0 }]);
      const all = (await replay(lake, {})).reasons as { letters: number }[];
      strictEqual(all.reduce((sum, { letters }) => sum + letters, 0), 7);
    })
  ));

Deno.test("who accepts events is told the same in the last of them", () =>
  withLetters((place) =>
    serve(place, async (lake) => {
      const { dryRun, reasons, ...said } = await replay(lake, { reason: "extra_fields" });
      deepStrictEqual(await lastEvent(lake, { reason: "extra_fields" }), ["done", { dryRun, reasons, ...said }]);
      const [name, { batches, events, changed }] = await lastEvent(lake, { dryRun: false });
      deepStrictEqual([name, batches, events, changed], ["done", 1, 3, 1]);
      await auditHolds(place);
    })
  ));

Deno.test("what is under way is told meanwhile", () =>
  withLetters((place) => {
    // Asks for news whenever anything has been done.
    const eager: Clock = { nowMs: () => systemClock.nowMs(), sleep: () => new Promise((done) => setTimeout(done, 0)) };
    const options = { folder: `${place.folder}/lake`, allowsUpkeep: true, consoleClock: eager };
    return ServedLake.use(async (lake) => {
      const { text } = await ask(lake, { table, dryRun: false }, { accept: "text/event-stream" });
      const moving = { batches: 0, events: 0, changed: 0, step: "moving", letters: 4 };
      ok(text.includes(`event: progress\ndata: ${JSON.stringify(moving)}\n\n`), text);
      match(text, /\n\nevent: done\ndata: [^\n]+\n\n$/);
    }, options);
  }));

Deno.test("a replay that its client has left, and two at once, move every letter once", () =>
  withLetters((place) =>
    serve(place, async (lake) => {
      const init = { method: "POST", body: JSON.stringify({ table, dryRun: false }) };
      const headers = { ...JSON_TYPE, accept: "text/event-stream" };
      const left = await fetch(`${lake.address}/api/letters/replay`, { ...init, headers });
      await left.body!.cancel();
      await Promise.all([replay(lake, { dryRun: false }), replay(lake, { dryRun: false })]);
      deepStrictEqual(await rowsOf(place), { events: EVENTS, letters: LETTERS });
      await auditHolds(place);
      deepStrictEqual(lake.failures, []);
    })
  ));

Deno.test("a console that may only look replays nothing, not even to see what would be", () =>
  withLetters((place) =>
    serve(place, async (lake) => {
      for (const dryRun of [true, false]) {
        for (const accept of ["*/*", "text/event-stream"]) {
          const { status, json } = await ask(lake, { table, dryRun }, { accept });
          strictEqual(status, 403);
          match(JSON.stringify(json), /This console only looks: start serve with --allow-upkeep/);
        }
      }
      deepStrictEqual((await rowsOf(place)).events, ["1 0 1"]);
    }, false)
  ));

Deno.test("what cannot be replayed is refused in words, however the answer comes", () =>
  withLetters((place) =>
    serve(place, async (lake) => {
      const wrong: [object, number, RegExp][] = [
        [{}, 400, /Cannot read table: it is not a text/],
        [{ table, dryRun: "no" }, 400, /Cannot read dryRun/],
        [{ table, reason: 1 }, 400, /Cannot read reason: it is not a text/],
        [{ table, place: ["/a"] }, 400, /Cannot read place/],
        [{ table, from: "yesterday" }, 400, /Cannot read from: it is neither an instant/],
        [{ table, to: 7 }, 400, /Cannot read to/],
        [{ table: "bronze.events" }, 400, /it is no table of dead letters/],
        [{ table: `dead_letters.${HOSTILE_RECORD}` }, 404, /There is no table/],
      ];
      for (const [body, expected, why] of wrong) {
        const { status, text } = await ask(lake, body, { accept: "text/event-stream" });
        strictEqual(status, expected, text);
        match(text, why);
      }
      strictEqual((await ask(lake, { table }, { "content-type": "text/plain" })).status, 415);
      strictEqual((await ask(lake, { table }, { origin: "https://evil.example" })).status, 403);
      strictEqual((await lake.ask("GET", "/api/letters/replay")).status, 405);
    })
  ));

Deno.test("letters of a target that drops repeats are not replayed, and the answer says why", () =>
  Place.use(async (place) => {
    place.put("lake/raw/events/a.json", [{ broken: true }]);
    await place.records("consume", "--once", "--no-upkeep", "--dedupe-by", "event_id", "--dedupe-within", "1d");
    await serve(place, async (lake) => {
      const { status, text } = await ask(lake, { table });
      strictEqual(status, 400, text);
      match(text, /Cannot replay letters of bronze\.events: its batches drop repeats/);
      const [name, { message, hint, code }] = await lastEvent(lake, { dryRun: false });
      deepStrictEqual([name, code], ["problem", 400]);
      match(String(message), /its batches drop repeats/);
      ok(String(hint).startsWith("Only targets that were never fed with --dedupe-by"));
      deepStrictEqual(lake.failures, []);
    });
  }));
