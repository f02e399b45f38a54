import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { systemClock } from "../../core/base/clock.ts";
import { systemRandom } from "../../core/base/random.ts";
import { FileCatalog } from "../../core/iceberg/catalog/file_catalog.ts";
import { streamlabKey } from "../../core/lake/keys.ts";
import { openLocalStore } from "../../core/storage/local/local_store.ts";
import { Place } from "../commands/place.ts";
import {
  auditHolds,
  EVENTS,
  LETTERS,
  lettersOfFiles,
  NARROW,
  replayOnce,
  rowsOf,
  WIDE,
  withLetters,
} from "./letters_place.ts";

Deno.test("letters that are valid by now become events once, and others keep or change their reason", () =>
  withLetters(async (place) => {
    const [dry] = await place.records("maintain", "--replay-dead-letters", "--dry-run");
    const reasons = dry!.reasons as { reason: string; letters: number; taken: number; changed: number }[];
    deepStrictEqual(reasons.find(({ reason }) => reason === "extra_fields"), {
      reason: "extra_fields",
      letters: 4,
      taken: 3,
      changed: 1,
    });
    deepStrictEqual((await rowsOf(place)).events, ["1 0 1"]);
    const [done] = await place.records("maintain", "--replay-dead-letters");
    deepStrictEqual([done!.batches, done!.events, done!.changed], [1, 3, 1]);
    const [again] = await place.records("maintain", "--replay-dead-letters");
    deepStrictEqual([again!.batches, again!.events, again!.changed], [0, 0, 0]);
    await place.records("maintain", "--compact", "--table", "dead_letters.events");
    deepStrictEqual(await rowsOf(place), { events: EVENTS, letters: LETTERS });
    await auditHolds(place);
  }));

Deno.test("the ledger's sums are what the tables hold after a replay, and ingest.batches says what it has judged again", () =>
  withLetters(async (place) => {
    await place.records("maintain", "--replay-dead-letters");
    const sum = (column: string) => `(SELECT sum(${column})::int FROM ingest.files) AS ${column}`;
    const columns =
      "files, b.events AS became, b.dead_letters AS letters, replayed, landed_at, dead_letters_by_reason::JSON::VARCHAR AS reasons";
    const sql = `SELECT ${columns}, ${["records", "events", "dead_letters"].map(sum).join(", ")}
FROM ingest.batches b WHERE batch_id = 2`;
    deepStrictEqual(await place.ask(sql), [{
      files: 0,
      became: 3,
      letters: 0,
      replayed: 4,
      landed_at: null,
      reasons: '{"invalid_schema":1}',
      records: 7,
      events: 4,
      dead_letters: 4,
    }]);
  }));

Deno.test("--status says of a replay's batch whose letters it has judged again", () =>
  withLetters(async (place) => {
    await place.records("maintain", "--replay-dead-letters");
    const { stdout } = await place.run("maintain", "--status");
    match(stdout, /\n {2}batch 2, .* ago: dead letters of 2 files judged again → 3 events\n/);
    const [{ lastBatch }] = await place.records("maintain", "--status") as [{ lastBatch: Record<string, unknown> }];
    const { files, replayedFiles, records, events, deadLetters } = lastBatch;
    deepStrictEqual([files, replayedFiles, records, events, deadLetters], [0, 2, 0, 3, 0]);
  }));

Deno.test("only letters of the reason and condition that were asked for are replayed", () =>
  withLetters(async (place) => {
    const flags = ["--where", "_source_position > 2 -- of those"];
    const [done] = await place.records("maintain", "--replay-dead-letters", "--reason", "extra_fields", ...flags);
    deepStrictEqual([done!.events, done!.changed], [1, 1]);
    deepStrictEqual((await rowsOf(place)).events, ["1 0 1", "3 3 2"]);
    const [none] = await place.records("maintain", "--replay-dead-letters", "--reason", "invalid_schema");
    strictEqual(none!.events, 0);
    const odd = await place.run("maintain", "--audit", "--where", "true");
    strictEqual(odd.status, 2);
    match(odd.stderr, /--where says nothing without --replay-dead-letters/);
  }));

Deno.test("letters that a replay was not asked for keep their reason, and the audit holds", () =>
  withLetters(async (place) => {
    await place.records("maintain", "--replay-dead-letters", "--where", "_source_position = 2");
    await auditHolds(place);
    await place.records("maintain", "--replay-dead-letters", "--where", "_source_position <> 3");
    await auditHolds(place);
  }));

Deno.test("what a replay has not moved is audited by the contract of its batch, which had a column more", () =>
  Place.use(async (place) => {
    const when = { when: { type: "string", format: "date-time" } };
    place.put("narrow.json", { ...NARROW, properties: { ...NARROW.properties, ...when } });
    place.put("wide.json", WIDE);
    place.put("lake/raw/events/a.json", [
      { id: 1, when: "2026-03-01T12:00:00Z" },
      ...[2, 3, 4].map((id) => ({ id, coupon: "c" })),
    ]);
    for (const contract of ["narrow.json", "wide.json"]) {
      await place.records("consume", "--once", "--no-upkeep", "--contract", contract);
    }
    for (const position of [1, 2]) {
      const where = `_source_position = ${position}`;
      const [done] = await place.records("maintain", "--replay-dead-letters", "--where", where);
      strictEqual(done!.events, 1);
      await auditHolds(place);
    }
    // The letter that is left has not been moved: this contract would take it.
    const [left] = await place.records("maintain", "--replay-dead-letters", "--dry-run");
    deepStrictEqual((left!.reasons as { taken: number }[]).map(({ taken }) => taken), [1]);
  }));

Deno.test("letters of two versions of a file become events with what its folder says, a batch for each version", () =>
  Place.use(async (place) => {
    const shop = { shop: { type: "string" } };
    place.put("narrow.json", { ...NARROW, properties: { ...NARROW.properties, ...shop } });
    place.put("wide.json", { ...WIDE, properties: { ...WIDE.properties, ...shop } });
    const flags = ["--once", "--no-upkeep", "--path-columns", "shop", "--on-changed-file", "ingest"];
    for (const ids of [[1, 2], [3, 4, 5]]) {
      place.put("lake/raw/events/shop=x/a.json", ids.map((id) => ({ id, coupon: "c" })));
      await place.records("consume", ...flags, "--contract", "narrow.json");
    }
    await place.records("consume", ...flags, "--contract", "wide.json");
    const [done] = await place.records("maintain", "--replay-dead-letters");
    deepStrictEqual([done!.batches, done!.events, done!.changed], [2, 5, 0]);
    const rows = await place.ask("SELECT id || shop || coupon AS it FROM bronze.events ORDER BY 1");
    deepStrictEqual(rows, [1, 2, 3, 4, 5].map((id) => ({ it: `${id}xc` })));
    await auditHolds(place);
  }));

Deno.test("letters for extra fields become events where extra fields are rescued by now", () =>
  withLetters(async (place) => {
    const rescue = ["--contract", "narrow.json", "--on-extra-fields", "rescue"];
    await place.records("consume", "--once", "--no-upkeep", ...rescue);
    const [done] = await place.records("maintain", "--replay-dead-letters");
    deepStrictEqual([done!.batches, done!.events, done!.changed], [1, 4, 0]);
    deepStrictEqual(await rowsOf(place), {
      events: ["1 0 1", "2 2 2", "3 3 2", "4 4 2", "5 0 2"],
      letters: LETTERS.filter((it) => it !== "a.json 4 invalid_schema"),
    });
    await auditHolds(place);
  }));

Deno.test("an event that was a letter is repeated like any other, once repeats are dropped", () =>
  Place.use(async (place) => {
    const at = { at: { type: "string", format: "date-time" } };
    place.put("narrow.json", { ...NARROW, properties: { ...NARROW.properties, ...at } });
    place.put("wide.json", { ...WIDE, properties: { ...WIDE.properties, ...at } });
    const event = { id: 1, at: "2026-01-01T00:00:00Z", coupon: "a" };
    const flags = ["--once", "--no-upkeep"];
    place.put("lake/raw/events/a.json", [event]);
    await place.records("consume", ...flags, "--contract", "narrow.json");
    await place.records("consume", ...flags, "--contract", "wide.json");
    await place.records("maintain", "--replay-dead-letters");
    place.put("lake/raw/events/b.json", [event, { ...event, id: 2 }]);
    await place.records("consume", ...flags, "--dedupe-by", "id", "--event-time", "at", "--dedupe-within", "1d");
    deepStrictEqual((await rowsOf(place)).events, ["1 0 2", "2 1 3"]);
    await auditHolds(place);
  }));

Deno.test("letters of a target that drops repeats are not replayed, nor those of one that has dropped some", () =>
  Place.use(async (place) => {
    const refusal = /Cannot replay letters of bronze\.events: its batches drop repeats, or have dropped some/;
    place.put("lake/raw/events/a.json", [{ broken: true }]);
    await place.records("consume", "--once", "--no-upkeep", "--dedupe-by", "event_id", "--dedupe-within", "1d");
    const during = await place.run("maintain", "--replay-dead-letters");
    strictEqual(during.status, 2);
    match(during.stderr, refusal);
    place.put("lake/raw/events/b.json", [{ broken: true }]);
    await place.records("consume", "--once", "--no-upkeep", "--dedupe-by", "none");
    const after = await place.run("maintain", "--replay-dead-letters");
    strictEqual(after.status, 2);
    match(after.stderr, refusal);
  }));

Deno.test("a replay beside a batch of new files loses and doubles nothing", () =>
  withLetters(async (place) => {
    place.put("lake/raw/events/d.json", [{ id: 8 }, { id: 9, other: 1 }]);
    await Promise.all([
      place.records("maintain", "--replay-dead-letters"),
      place.records("consume", "--once", "--no-upkeep"),
    ]);
    const { events, letters } = await rowsOf(place);
    deepStrictEqual(events.map((it) => it.slice(0, 1)), ["1", "2", "3", "5", "8"]);
    deepStrictEqual(letters, [...LETTERS, "d.json 1 extra_fields"]);
    await auditHolds(place);
  }));

Deno.test("after a replay consume goes on as before, and takes no file again", () =>
  withLetters(async (place) => {
    const before = await targetProperty(place);
    await place.records("maintain", "--replay-dead-letters");
    strictEqual(await targetProperty(place), before);
    place.put("lake/raw/events/e.json", [{ id: 6, coupon: "e" }]);
    const [batch] = await place.records("consume", "--once", "--no-upkeep");
    deepStrictEqual([batch!.batchId, batch!.files, batch!.events], [3, 1, 1]);
    await auditHolds(place);
  }));

Deno.test("a replay leaves what feeds the target as it is, also where it has changed since the replay began", () =>
  withLetters(async (place) => {
    const letters = await lettersOfFiles(place);
    await place.records("consume", "--once", "--no-upkeep", "--contract", "narrow.json");
    const changed = await targetProperty(place);
    await replayOnce(place, letters, (store) => store);
    deepStrictEqual((await rowsOf(place)).events, EVENTS);
    strictEqual(await targetProperty(place), changed);
  }));

async function targetProperty(place: Place): Promise<string | undefined> {
  const [clock, random] = [systemClock, systemRandom];
  const store = openLocalStore(`${place.folder}/lake`, { random, durable: false });
  const table = await new FileCatalog({ store, clock, random }).loadTable({ namespace: ["bronze"], name: "events" });
  return table!.metadata.properties[streamlabKey.target("bronze.events")];
}
