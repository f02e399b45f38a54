import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { systemClock } from "../../core/base/clock.ts";
import { systemRandom } from "../../core/base/random.ts";
import { appendFiles } from "../../core/iceberg/action/append_files.ts";
import { FileCatalog } from "../../core/iceberg/catalog/file_catalog.ts";
import { commitTable } from "../../core/iceberg/commit.ts";
import { planScan } from "../../core/iceberg/scan/scan.ts";
import { TOMBSTONES_BRANCH } from "../../core/lake/table_names.ts";
import { openLocalStore } from "../../core/storage/local/local_store.ts";
import { Place } from "../commands/place.ts";

const UPSERT = ["--upsert-by", "user_id", "--delete-when", 'event_type = "delete"'];

function record(user: string, time: string, type: string): object {
  return { user_id: user, event_id: `${user} ${time}`, event_type: type, event_timestamp: `2026-03-${time}:00Z` };
}

function catalogOf(place: Place): FileCatalog {
  const store = openLocalStore(`${place.folder}/lake`, { random: systemRandom, durable: false });
  return new FileCatalog({ store, clock: systemClock, random: systemRandom });
}

async function rows(place: Place): Promise<string[]> {
  const found = await place.ask(
    "SELECT user_id, event_type, strftime(event_timestamp, '%dT%H:%M') AS time FROM bronze.events ORDER BY ALL",
  );
  return (found as Record<string, string>[]).map(({ user_id, event_type, time }) => `${user_id} ${event_type} ${time}`);
}

Deno.test("the table holds the newest record of each key, whatever partition it was in and when it came", () =>
  Place.use(async (place) => {
    place.put("lake/raw/events/a.json", [
      record("ann", "01T12:00", "first"),
      record("ann", "01T12:05", "second"),
      record("bob", "02T12:00", "first"),
      record("eve", "02T12:00", "first"),
    ]);
    await place.records("consume", "--once", ...UPSERT);
    deepStrictEqual(await rows(place), ["ann second 01T12:05", "bob first 02T12:00", "eve first 02T12:00"]);

    place.put("lake/raw/events/b.json", [
      record("ann", "03T12:00", "third"),
      record("bob", "01T12:00", "late"),
      record("eve", "02T12:00", "delete"),
      record("dan", "04T12:00", "delete"),
      { broken: true },
    ]);
    const [batch] = await place.records("consume", "--once");
    deepStrictEqual([batch!.events, batch!.deadLetters], [1, 1]);
    deepStrictEqual(await rows(place), ["ann third 03T12:00", "bob first 02T12:00"]);

    // Older than what removed them, so they stay removed; and a newer one.
    place.put("lake/raw/events/c.json", [
      record("eve", "01T12:00", "late"),
      record("dan", "03T12:00", "late"),
      record("eve", "05T12:00", "again"),
    ]);
    await place.records("consume", "--once");
    deepStrictEqual(await rows(place), ["ann third 03T12:00", "bob first 02T12:00", "eve again 05T12:00"]);
    deepStrictEqual(
      await place.ask("SELECT records, events, dead_letters, superseded FROM ingest.files ORDER BY source_file"),
      [
        { records: 4, events: 3, dead_letters: 0, superseded: 1 },
        { records: 5, events: 1, dead_letters: 1, superseded: 3 },
        { records: 3, events: 1, dead_letters: 0, superseded: 2 },
      ],
    );
    const [audit] = await place.records("maintain", "--audit");
    const { events, deadLetters, discrepancies, repeatsRemoved, rowsReplaced } = audit!;
    deepStrictEqual([events, deadLetters, discrepancies, repeatsRemoved, rowsReplaced], [3, 1, 0, 0, 2]);
  }));

Deno.test("changes of a database come in envelopes, and a whole number says which is newer", () =>
  Place.use(async (place) => {
    const properties = {
      id: { type: "integer" },
      name: { type: ["string", "null"] },
      op: { type: "string" },
      ts_ms: { type: "integer" },
    };
    place.put("users.json", { type: "object", properties, required: ["id", "op", "ts_ms"] });
    const change = (id: number, name: string | null, op: string, ts_ms: number) => ({
      payload: { id, name, op, ts_ms },
    });
    const changes = [
      change(7, "Ann", "c", 1_000),
      change(8, "Bob", "c", 1_001),
      change(7, "Anna", "u", 1_002),
      change(8, null, "d", 1_003),
      // Its time is that of the change before: of equal ones the later counts.
      change(7, "Anne", "u", 1_002),
    ];
    place.put("lake/raw/events/a.ndjson", changes.map((each) => JSON.stringify(each)).join("\n"));
    const flags = ["--table", "crm.users", "--contract", "users.json", "--records", "/payload", "--newest-by", "ts_ms"];
    await place.records("consume", "--once", ...flags, "--upsert-by", "id", "--delete-when", "op = 'd'");
    deepStrictEqual(await place.ask("SELECT id, name, _source_position AS position FROM crm.users"), [
      { id: 7, name: "Anne", position: 4 },
    ]);
    deepStrictEqual(await place.ask("SELECT superseded FROM ingest.batches"), [{ superseded: 4 }]);
    strictEqual((await place.run("maintain", "--audit")).status, 0);
  }));

Deno.test("a table goes on with the rule that it began with, and refuses another", () =>
  Place.use(async (place) => {
    place.put("lake/raw/events/a.json", [record("ann", "01T12:00", "delete"), record("bob", "01T12:00", "first")]);
    await place.records("consume", "--once", ...UPSERT);
    const refused: [string[], RegExp][] = [
      [
        ["--upsert-by", "event_id"],
        /Cannot continue with bronze\.events --upsert-by event_id .*batches --upsert-by user_id/,
      ],
      [["--delete-when", "event_type = true"], /by event_type: it is a string, which is never true/],
      [["--dedupe-by", "event_id", "--dedupe-within", "1d"], /--upsert-by with --dedupe-by/],
      [["--on-extra-fields", "add"], /--upsert-by with --on-extra-fields add/],
      [["--engine", "spark", "--master", "local"], /--upsert-by with --engine spark/],
    ];
    for (const [flags, why] of refused) {
      const { status, stderr } = await place.run("consume", "--once", ...flags);
      strictEqual(status, 2, stderr);
      match(stderr, why);
    }
    const { status, stderr } = await place.run("maintain", "--dedupe-by", "event_id");
    deepStrictEqual([status, /holds one row of each key/.test(stderr)], [2, true]);
    place.put("lake/raw/events/b.json", [record("ann", "01T11:00", "late"), record("bob", "01T12:00", "second")]);
    await place.records("consume", "--once");
    deepStrictEqual(await rows(place), ["bob second 01T12:00"]);
  }));

Deno.test("flags of upserts that say too little, or name what has no order or can be no key, are refused", () =>
  Place.use(async (place) => {
    place.put("lake/raw/events/a.json", [record("ann", "01T12:00", "first")]);
    const refused: [string[], RegExp][] = [
      [["--newest-by", "event_timestamp"], /--newest-by says nothing without --upsert-by/],
      [["--delete-when", "a = 1"], /--delete-when says nothing without --upsert-by/],
      [["--upsert-by", "usr_id"], /by usr_id: the contract has no such column/],
      [["--upsert-by", "properties"], /by properties: a map can be no key/],
      [["--upsert-by", "user_id", "--newest-by", "event_type"], /by event_type: it is a string, and newer is/],
      [["--upsert-by", "user_id", "--delete-when", "event_type is d"], /it is no COLUMN = VALUE/],
      [["--upsert-by", "user_id", "--delete-when", "event_type = d"], /it is no COLUMN = VALUE/],
      [["--upsert-by", "user_id", "--delete-when", "op = 1"], /by op: the contract has no such column/],
    ];
    for (const [flags, why] of refused) {
      const { status, stderr } = await place.run("consume", "--once", ...flags);
      strictEqual(status, 2, stderr);
      match(stderr, why);
    }
    await place.records("consume", "--once");
    const { stderr } = await place.run("consume", "--once", ...UPSERT);
    match(stderr, /Cannot continue with bronze\.events --upsert-by user_id .* batches without --upsert-by/);
  }));

Deno.test("a dry run foretells what a run makes of it, and writes nothing", () =>
  Place.use(async (place) => {
    place.put("lake/raw/events/a.json", [record("ann", "01T12:00", "first"), record("bob", "01T12:00", "first")]);
    await place.records("consume", "--once", ...UPSERT);
    place.put("lake/raw/events/b.json", [record("ann", "02T12:00", "delete"), record("bob", "01T11:00", "late")]);
    match((await place.run("consume", "--dry-run")).stdout, /2 records → 0 events, .*, 2 records superseded;/);
    const [told] = await place.records("consume", "--dry-run");
    deepStrictEqual(await rows(place), ["ann first 01T12:00", "bob first 01T12:00"]);
    const [done] = await place.records("consume", "--once");
    deepStrictEqual([told!.events, told!.records], [done!.events, done!.records]);
    deepStrictEqual(await rows(place), ["bob first 01T12:00"]);
  }));

Deno.test("the audit finds a row that should have been replaced, and a removed key that was forgotten", () =>
  Place.use(async (place) => {
    place.put("lake/raw/events/a.json", [record("ann", "01T12:00", "first"), record("bob", "01T12:00", "first")]);
    await place.records("consume", "--once", "--no-upkeep", ...UPSERT);
    const catalog = catalogOf(place), clocks = { clock: systemClock, random: systemRandom };
    const events = { namespace: ["bronze"], name: "events" };
    const before = (await catalog.loadTable(events))!;
    const [first] = (await planScan(before.io, before.metadata)).files;
    place.put("lake/raw/events/b.json", [record("ann", "02T12:00", "second"), record("bob", "03T12:00", "delete")]);
    await place.records("consume", "--once", "--no-upkeep");
    strictEqual((await place.run("maintain", "--audit")).status, 0);

    await commitTable(catalog, events, async (transaction) => {
      const copy = { ...first!.dataFile, path: first!.dataFile.path.replace(/\.parquet$/, "-copy.parquet") };
      Deno.copyFileSync(new URL(first!.dataFile.path), new URL(copy.path));
      transaction.add(await appendFiles(transaction, { files: [copy] }));
      transaction.add({ requirements: [], updates: [{ action: "remove-snapshot-ref", refName: TOMBSTONES_BRANCH }] });
      return true;
    }, clocks);
    const { status, stdout } = await place.run("maintain", "--audit");
    strictEqual(status, 1, stdout);
    match(stdout, /a\.json .*record 0.*a newer record of its key is known: record 0 of raw\/events\/b\.json/);
    match(stdout, /b\.json .*record 1.*removes its key, and is not in the branch/);
  }));

Deno.test("dead letters of such a table are not replayed, and nothing is planned for them", () =>
  Place.use(async (place) => {
    place.put("lake/raw/events/a.json", [record("ann", "01T12:00", "first"), { broken: true }]);
    await place.records("consume", "--once", ...UPSERT);
    const { status, stderr } = await place.run("maintain", "--replay-dead-letters");
    strictEqual(status, 2, stderr);
    match(stderr, /Cannot replay letters of bronze\.events: it holds the newest record of each key/);
    place.put("lake/raw/events/b.json", [record("ann", "02T12:00", "second")]);
    const [batch] = await place.records("consume", "--once");
    deepStrictEqual([batch!.batchId, batch!.events], [2, 1]);
  }));

Deno.test("of a file with many records of few keys the newest ones stay, wherever they stand", () =>
  Place.use(async (place) => {
    const users = ["ann", "bob", "eve"];
    const file = Array.from({ length: 100 }, (_, at) => {
      const minute = (at * 37) % 100;
      const time = `01T${String(Math.floor(minute / 60)).padStart(2, "0")}:${String(minute % 60).padStart(2, "0")}`;
      return record(users[at % 3]!, time, String(at));
    });
    place.put("lake/raw/events/a.json", file);
    await place.records("consume", "--once", ...UPSERT);
    const newest = users.map((user) => {
      const own = (file as Record<string, string>[]).filter(({ user_id }) => user_id === user);
      return own.reduce((last, each) => each.event_timestamp! >= last.event_timestamp! ? each : last).event_type;
    });
    deepStrictEqual((await rows(place)).map((row) => row.split(" ")[1]), newest);
    strictEqual((await place.run("maintain", "--audit")).status, 0);
  }));

Deno.test("a batch whose events are committed and its ledger not is no discrepancy, though it replaced rows", () =>
  Place.use(async (place) => {
    const batches = [
      [record("ann", "01T12:00", "first"), record("bob", "01T12:00", "first")],
      [record("ann", "02T12:00", "second"), record("bob", "03T12:00", "delete")],
    ];
    const consume = ["consume", "--once", "--no-upkeep", ...UPSERT];
    const versions = () =>
      [...Deno.readDirSync(`${place.folder}/lake/warehouse/ingest/files/metadata`)].map(({ name }) => name)
        .filter((name) => name.endsWith(".metadata.json"));
    const before: string[] = [];
    for (const [index, records] of batches.entries()) {
      before.splice(0, before.length, ...index === 0 ? [] : versions());
      place.put(`lake/raw/events/${index}.json`, records);
      await place.records(...consume);
    }
    // As if the last commit had not come to be.
    for (const name of versions().filter((name) => !before.includes(name))) {
      Deno.removeSync(`${place.folder}/lake/warehouse/ingest/files/metadata/${name}`);
    }
    const audit = async () => {
      const { status, stdout, stderr } = await place.run("maintain", "--audit");
      strictEqual(status, 0, stdout + stderr);
      return stdout;
    };
    match(await audit(), /1 file of 1 batch/);
    await place.records(...consume);
    match(await audit(), /2 files of 2 batches/);
    deepStrictEqual(await rows(place), ["ann second 02T12:00"]);
  }));

Deno.test("the audit needs no checkpoints of upserts", () =>
  Place.use(async (place) => {
    place.put("lake/raw/events/a.json", [record("ann", "01T12:00", "first"), record("bob", "01T12:00", "first")]);
    place.put("lake/raw/events/b.json", [record("ann", "02T12:00", "second"), record("bob", "03T12:00", "delete")]);
    await place.records("consume", "--once", "--max-files-per-batch", "1", ...UPSERT);
    Deno.removeSync(`${place.folder}/lake/checkpoints`, { recursive: true });
    const { status, stdout, stderr } = await place.run("maintain", "--audit");
    strictEqual(status, 0, stdout + stderr);
  }));
