import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { systemClock } from "../../core/base/clock.ts";
import { systemRandom } from "../../core/base/random.ts";
import { appendFiles } from "../../core/iceberg/action/append_files.ts";
import { setProperties } from "../../core/iceberg/action/set_properties.ts";
import { FileCatalog } from "../../core/iceberg/catalog/file_catalog.ts";
import { commitTable } from "../../core/iceberg/commit.ts";
import { planScan } from "../../core/iceberg/scan/scan.ts";
import { dedupeHistory } from "../../core/lake/dedupe_rule.ts";
import { openLocalStore } from "../../core/storage/local/local_store.ts";
import { Place } from "../commands/place.ts";

const LEDGER = { namespace: ["ingest"], name: "files" };
const PROPERTY = "streamlab.dedupe.bronze.events";
const DEDUPE = ["--dedupe-by", "event_id", "--dedupe-within", "1d"];

function event(id: string, time: string, more: object = {}): object {
  return { user_id: "u", event_id: id, event_type: "view", event_timestamp: `2026-03-${time}:00Z`, ...more };
}

function catalogOf(place: Place): FileCatalog {
  const store = openLocalStore(`${place.folder}/lake`, { random: systemRandom, durable: false });
  return new FileCatalog({ store, clock: systemClock, random: systemRandom });
}

async function ids(place: Place): Promise<string[]> {
  const rows = await place.ask("SELECT event_id FROM bronze.events ORDER BY 1");
  return (rows as { event_id: string }[]).map(({ event_id }) => event_id);
}

/** Two files in two batches: the second repeats an event of the first, and one of its own. */
async function withRepeats(action: (place: Place) => Promise<void>): Promise<void> {
  await Place.use(async (place) => {
    place.put("lake/raw/events/a.json", [event("a", "01T12:00"), event("b", "01T12:00")]);
    await place.records("consume", "--once", ...DEDUPE);
    place.put("lake/raw/events/b.json", [
      event("b", "02T12:00", { product_id: "later" }),
      event("c", "03T12:00"),
      event("c", "03T12:01"),
      event("a", "03T12:00"),
      { broken: true },
    ]);
    await action(place);
  });
}

Deno.test("a target remembers its deduplication; what was dropped is counted, told and audited", () =>
  withRepeats(async (place) => {
    const { stdout } = await place.run("consume", "--once");
    match(stdout, /batch 2: 1 file .* → 2 events, 1 dead letter in .*, 2 repeats dropped$/m);
    deepStrictEqual(await ids(place), ["a", "a", "b", "c"]);
    deepStrictEqual(await place.ask("SELECT records, events, dead_letters, duplicates FROM ingest.files ORDER BY 1"), [
      { records: 2, events: 2, dead_letters: 0, duplicates: 0 },
      { records: 5, events: 2, dead_letters: 1, duplicates: 2 },
    ]);
    deepStrictEqual(await place.ask("SELECT duplicates FROM ingest.batches ORDER BY batch_id"), [
      { duplicates: 0 },
      { duplicates: 2 },
    ]);
    const [audit] = await place.records("maintain", "--audit");
    deepStrictEqual([audit!.events, audit!.deadLetters, audit!.discrepancies], [4, 1, 0]);
  }));

Deno.test("--dedupe-by none keeps repeats from then on, and the audit knows from which batch on", () =>
  withRepeats(async (place) => {
    await place.records("consume", "--once", "--dedupe-by", "none");
    deepStrictEqual(await ids(place), ["a", "a", "b", "b", "c", "c"]);
    const ledger = await catalogOf(place).loadTable(LEDGER);
    deepStrictEqual(dedupeHistory(ledger!.metadata.properties, "bronze.events"), [
      { from: 1, rule: { by: ["event_id"], at: "event_timestamp", withinMicros: "86400000000" } },
      { from: 2, rule: null },
    ]);
    strictEqual((await place.run("maintain", "--audit")).status, 0);
  }));

Deno.test("the audit finds a repeat that was kept, one that was none, and a count that is wrong", () =>
  withRepeats(async (place) => {
    await place.records("consume", "--once");
    const audited = async (history: object[]) => {
      await commitTable(catalogOf(place), LEDGER, (transaction) => {
        transaction.add(setProperties({ [PROPERTY]: JSON.stringify({ format: 1, rules: history }) }));
      }, { clock: systemClock, random: systemRandom });
      const { status, stdout } = await place.run("maintain", "--audit");
      strictEqual(status, 1, stdout);
      return stdout;
    };
    const rule = { by: ["event_id"], at: "event_timestamp" };
    // As if two days had been asked for: the second a had to go.
    const kept = await audited([{ from: 1, rule: { ...rule, withinMicros: "172800000000" } }]);
    match(kept, /b\.json .*record 3.* repeats record 0 of raw\/events\/a\.json/);
    // As if a minute had been: then b was no repeat.
    const dropped = await audited([{ from: 1, rule: { ...rule, withinMicros: "60000000" } }]);
    match(dropped, /b\.json .*record 0.* is in no table: it must be an event/);
    match(dropped, /b\.json .*has 1 dropped repeat, 2 by the ledger/);
    match(await audited([]), /b\.json .*record 2.* is in no table/);
  }));

Deno.test("flags of deduplication that say too little, or name what can be no key, are refused", () =>
  Place.use(async (place) => {
    place.put("lake/raw/events/a.json", [event("a", "01T12:00")]);
    place.put("times.json", {
      type: "object",
      properties: {
        id: { type: "string" },
        weight: { type: "number" },
        made: { type: "string", format: "date-time" },
        sent: { type: "string", format: "date-time" },
      },
    });
    const contract = ["--contract", "times.json", "--table", "a.b"];
    const refused: [string[], RegExp][] = [
      [["--dedupe-by", "event_id"], /--dedupe-by needs --dedupe-within/],
      [["--dedupe-within", "1h"], /--dedupe-within says nothing without --dedupe-by/],
      [["--event-time", "event_timestamp"], /--event-time says nothing without --dedupe-by/],
      [["--dedupe-by", "evnt_id", "--dedupe-within", "1h"], /by evnt_id: the contract has no such column/],
      [["--dedupe-by", "properties", "--dedupe-within", "1h"], /by properties: a map can be no key/],
      [
        [...contract, "--dedupe-by", "weight", "--dedupe-within", "1h", "--event-time", "made"],
        /by weight: a double can be/,
      ],
      [[...contract, "--dedupe-by", "id", "--dedupe-within", "1h"], /an event's time: it may be made or sent/],
      [[...contract, "--dedupe-by", "id", "--dedupe-within", "1h", "--event-time", "id"], /by id: it is no time/],
    ];
    for (const [flags, why] of refused) {
      const { status, stderr } = await place.run("consume", "--once", ...flags);
      strictEqual(status, 2, stderr);
      match(stderr, why);
    }
    const [batch] = await place.records("consume", "--once", ...DEDUPE);
    deepStrictEqual([batch!.events, batch!.duplicates], [1, 0]);
  }));

Deno.test("rows that another program has put into the table count as kept, from the next batch on", () =>
  withRepeats(async (place) => {
    const catalog = catalogOf(place), clocks = { clock: systemClock, random: systemRandom };
    // The same columns with the same ids, so that a file of one fits the other.
    await place.records("consume", "--once", "--table", "other.events", "--dedupe-by", "none");
    const other = (await catalog.loadTable({ namespace: ["other"], name: "events" }))!;
    const { files } = await planScan(other.io, other.metadata);
    const late = files.find(({ dataFile }) => dataFile.path.includes("2026-03-03"))!.dataFile;
    const path = late.path.replace("/other/", "/bronze/");
    Deno.mkdirSync(new URL(".", path), { recursive: true });
    Deno.copyFileSync(new URL(late.path), new URL(path));
    await commitTable(catalog, { namespace: ["bronze"], name: "events" }, async (transaction) => {
      transaction.add(await appendFiles(transaction, { files: [{ ...late, path }] }));
      return true;
    }, clocks);
    const [batch] = await place.records("consume", "--once");
    deepStrictEqual([batch!.events, batch!.duplicates], [0, 4]);
  }));
