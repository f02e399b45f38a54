import { deepStrictEqual, match, rejects, strictEqual } from "node:assert/strict";
import { systemClock } from "../../core/base/clock.ts";
import { systemRandom } from "../../core/base/random.ts";
import { setProperties } from "../../core/iceberg/action/set_properties.ts";
import type { TableCommit } from "../../core/iceberg/catalog/catalog.ts";
import { FileCatalog } from "../../core/iceberg/catalog/file_catalog.ts";
import { commitTable } from "../../core/iceberg/commit.ts";
import { snapshotOfRef } from "../../core/iceberg/format/table_metadata.ts";
import { planScan } from "../../core/iceberg/scan/scan.ts";
import { listIntents } from "../../core/lake/intent.ts";
import { removedRepeats } from "../../core/lake/removed_repeats.ts";
import { settleIntent } from "../../core/maintain/abandoned_intents.ts";
import type { RepeatsReport } from "../../core/maintain/repeats/remove_repeats.ts";
import type { Surroundings } from "../../core/maintain/surroundings.ts";
import { openLocalStore } from "../../core/storage/local/local_store.ts";
import { Place } from "../commands/place.ts";
import { dedupeEvents, EVENTS } from "./dedupe_events.ts";

const PROPERTY = "streamlab.removed-repeats.bronze.events";

function event(id: string | null, day: string, more: object = {}): object {
  return { user_id: "u", event_id: id, event_type: "view", event_timestamp: `2026-03-${day}T12:00:00Z`, ...more };
}

/** Three batches of a file each: a and b are repeated within a batch, across batches and days. */
async function withRepeats(action: (place: Place) => Promise<void>): Promise<void> {
  await Place.use(async (place) => {
    const batches = [
      [event("a", "02"), event("b", "01"), event("a", "01"), { broken: true }],
      [event("c", "01"), event("b", "02", { product_id: "later" })],
      [event("a", "03"), event("d", "01"), event("d", "01")],
    ];
    for (const [index, events] of batches.entries()) {
      place.put(`lake/raw/events/${index}.json`, events);
      await consume(place);
    }
    await action(place);
  });
}

async function consume(place: Place, ...flags: string[]): Promise<void> {
  await place.records("consume", "--once", "--no-upkeep", ...flags);
}

async function kept(place: Place): Promise<string[]> {
  const rows = await place.ask(
    "SELECT event_id || ' ' || _batch_id || ' ' || _source_position AS it FROM bronze.events ORDER BY 1",
  );
  return (rows as { it: string }[]).map(({ it }) => it);
}

async function audit(place: Place): Promise<{ status: number; stdout: string }> {
  return await place.run("maintain", "--audit");
}

async function auditHolds(place: Place): Promise<void> {
  const { status, stdout } = await audit(place);
  strictEqual(status, 0, stdout);
}

function surroundingsOf(place: Place): Surroundings {
  const [clock, random] = [systemClock, systemRandom];
  const store = openLocalStore(`${place.folder}/lake`, { random, durable: false });
  return { store, clock, random, catalog: new FileCatalog({ store, clock, random }) };
}

function dedupe(
  { temporaryFolder }: Place,
  surroundings: Surroundings,
  by: string[],
  mergeOnRead: boolean,
): Promise<RepeatsReport> {
  return dedupeEvents(surroundings, { by, mergeOnRead, temporaryFolder });
}

/** Something happens right before the first commit. */
function beforeCommit(surroundings: Surroundings, action: () => Promise<unknown>): Surroundings {
  let isFirst = true;
  const catalog = new Proxy(surroundings.catalog, {
    get(inner, name) {
      const method = Reflect.get(inner, name);
      if (name !== "commit") return typeof method === "function" ? method.bind(inner) : method;
      return async (commit: TableCommit) => {
        if (isFirst) {
          isFirst = false;
          await action();
        }
        return await inner.commit(commit);
      };
    },
  });
  return { ...surroundings, catalog };
}

const FIRSTS = ["a 1 0", "b 1 1", "c 2 0", "d 3 1"];
const WAYS = [
  { way: "copy-on-write", flags: [], mergeOnRead: false },
  { way: "merge-on-read", flags: ["--merge-on-read"], mergeOnRead: true },
];

for (const { way, flags, mergeOnRead } of WAYS) {
  Deno.test(`what repeats an earlier event is removed, told and proven, once: ${way}`, () =>
    withRepeats(async (place) => {
      const [dry] = await place.records("maintain", "--dedupe-by", "event_id", ...flags, "--dry-run");
      deepStrictEqual([dry!.repeats, (await kept(place)).length], [4, 8]);
      const [done] = await place.records("maintain", "--dedupe-by", "event_id", ...flags);
      deepStrictEqual([done!.repeats, done!.inputs, done!.dropped], [4, dry!.inputs, []]);
      deepStrictEqual(await kept(place), FIRSTS);
      const { metadata, io } = (await surroundingsOf(place).catalog.loadTable(EVENTS))!;
      deepStrictEqual(removedRepeats(metadata.properties, "bronze.events"), [
        { by: ["event_id"], through: 3, events: 4 },
      ]);
      const { files } = await planScan(io, metadata);
      strictEqual(files.some(({ deletes }) => deletes.length > 0), mergeOnRead);
      const { status, stdout } = await audit(place);
      strictEqual(status, 0, stdout);
      match(stdout, /4 events, 1 dead letter\)\n {2}4 repeats were removed by --dedupe-by/);
      match(
        (await place.run("maintain", "--dedupe-by", "event_id", ...flags)).stdout,
        /^bronze\.events: no row repeats an earlier one by event_id( in .*)?$/m,
      );
      // What the table is turned into afterwards changes nothing of the account.
      await place.records("maintain", "--all", "--older-than", "0", "--retain-last", "1");
      deepStrictEqual(await kept(place), FIRSTS);
      await auditHolds(place);
      place.put("lake/raw/events/3.json", [event("a", "04"), event("e", "04")]);
      await consume(place);
      await auditHolds(place);
      await place.records("maintain", "--dedupe-by", "event_id", ...flags);
      deepStrictEqual(await kept(place), [...FIRSTS, "e 4 1"]);
      for (const name of ["0", "1", "2"]) Deno.removeSync(`${place.folder}/lake/raw/events/${name}.json`);
      await auditHolds(place);
      const upkeep = await place.ask("SELECT done.repeats::INT AS n FROM ingest.upkeep WHERE action = 'dedupe-by'");
      deepStrictEqual((upkeep as { n: number }[]).map(({ n }) => n).sort(), [1, 4]);
    }));

  Deno.test(`a batch and a compaction that land meanwhile lose no row: ${way}`, () =>
    withRepeats(async (place) => {
      const surroundings = beforeCommit(surroundingsOf(place), async () => {
        place.put("lake/raw/events/3.json", [event("a", "01"), event("e", "01")]);
        await consume(place);
        await place.records("maintain", "--compact");
      });
      const report = await dedupe(place, surroundings, ["event_id"], mergeOnRead);
      deepStrictEqual([report.repeats, report.dropped], [4, []]);
      // The repeat of a batch that came later stays until it is looked for again.
      deepStrictEqual(await kept(place), ["a 1 0", "a 4 0", "b 1 1", "c 2 0", "d 3 1", "e 4 1"]);
      await auditHolds(place);
      deepStrictEqual(await listIntents(surroundings.store), []);
    }));

  Deno.test(`rows that another removal takes meanwhile still stand for none that goes: ${way}`, () =>
    withRepeats(async (place) => {
      place.put("lake/raw/events/3.json", [
        event("y", "05", { user_id: "1" }),
        event("x", "06", { user_id: "1" }),
        event("x", "07", { user_id: "2" }),
      ]);
      await consume(place);
      // By user x of 1 goes, which stood for x of 2, whose own file nobody else touches.
      const surroundings = beforeCommit(surroundingsOf(place), async () => {
        strictEqual((await dedupe(place, surroundingsOf(place), ["user_id"], mergeOnRead)).repeats, 8);
      });
      strictEqual((await dedupe(place, surroundings, ["event_id"], mergeOnRead)).repeats, 0);
      deepStrictEqual(await kept(place), ["a 1 0", "x 4 2", "y 4 0"]);
      await auditHolds(place);
    }));
}

Deno.test("a null equals nothing, and several columns make a key, whatever their names", () =>
  Place.use(async (place) => {
    place.put("contract.json", { properties: { key_1: { type: "string" }, n: { type: "integer" } } });
    const rows = [["a", 1], [null, 1], ["a", null], [null, 1], ["a", 2], ["a", 1], ["a", null]]
      .map(([key_1, n]) => ({ key_1, n }));
    place.put("lake/raw/events/0.json", rows);
    await consume(place, "--contract", "contract.json", "--table", "lab.keys");
    const positions = async () =>
      (await place.ask("SELECT _source_position AS p FROM lab.keys ORDER BY 1") as { p: number }[]).map(({ p }) => p);
    await place.records("maintain", "--table", "lab.keys", "--dedupe-by", "key_1,n");
    deepStrictEqual(await positions(), [0, 1, 2, 3, 4, 6]);
    await place.records("maintain", "--table", "lab.keys", "--dedupe-by", "key_1");
    deepStrictEqual(await positions(), [0, 1, 3]);
    await auditHolds(place);
  }));

Deno.test("what consume dropped is proven still when the event that stood for it was removed", () =>
  Place.use(async (place) => {
    const rule = ["--dedupe-by", "event_id", "--dedupe-within", "1d"];
    place.put("lake/raw/events/0.json", [event("y", "01")]);
    await consume(place, ...rule);
    place.put("lake/raw/events/1.json", [event("x", "01"), event("z", "01", { user_id: "v" })]);
    await consume(place);
    place.put("lake/raw/events/2.json", [event("x", "02"), event("w", "02", { user_id: "v" })]);
    await consume(place);
    await place.records("maintain", "--dedupe-by", "user_id");
    deepStrictEqual(await kept(place), ["y 1 0", "z 2 1"]);
    await auditHolds(place);
    // Nobody can tell any more what it held; the counts still add up.
    Deno.removeSync(`${place.folder}/lake/raw/events/1.json`);
    await auditHolds(place);
  }));

Deno.test("the audit tells an event that is lost from a repeat that was removed", () =>
  withRepeats(async (place) => {
    await place.records("maintain", "--dedupe-by", "event_id");
    const { catalog } = surroundingsOf(place);
    const audited = async (events: number) => {
      await commitTable(catalog, EVENTS, (transaction) => {
        const removals = [{ by: ["event_id"], through: 3, events }];
        transaction.add(setProperties({ [PROPERTY]: JSON.stringify({ format: 1, removals }) }));
      }, { clock: systemClock, random: systemRandom });
      const { status, stdout } = await audit(place);
      strictEqual(status, 1, stdout);
      return stdout;
    };
    match(await audited(3), /bronze\.events \(batch 3\) lacks 4 events that the ledger has, and 3 were removed/);
    // Of these it says only what went by event_id: c and d had to stay.
    strictEqual((await place.run("maintain", "--dedupe-by", "event_type")).status, 0);
    const text = await audited(7);
    match(text, /1\.json record 0 \(batch 2\) is in no table: it must be an event/);
  }));

Deno.test("keys and tables that cannot be meant are refused, and variables ask for nothing", () =>
  withRepeats(async (place) => {
    const refused: [string[], RegExp][] = [
      [["--dedupe-by", "evnt_id"], /by evnt_id: bronze\.events has no such column/],
      [["--dedupe-by", "properties"], /by properties: a map can be no key/],
      [["--dedupe-by", "_batch_id"], /by _batch_id: it is no column of the events themselves/],
      [["--dedupe-by", "event_id", "--table", "dead_letters.events"], /consume does not write events to it/],
      [["--dedupe-by", "source_file", "--table", "ingest.files"], /consume does not write events to it/],
      [["--compact", "--merge-on-read"], /--merge-on-read says nothing without --dedupe-by/],
    ];
    for (const [flags, why] of refused) {
      const { status, stderr } = await place.run("maintain", ...flags);
      strictEqual(status, 2, stderr);
      match(stderr, why);
    }
    place.put("streamlab.json", { "dedupe-by": "event_id" });
    await place.records("maintain", "--compact");
    strictEqual((await kept(place)).length, 8);
  }));

Deno.test("a removal that was fenced meanwhile is looked for anew", () =>
  withRepeats(async (place) => {
    const plain = surroundingsOf(place);
    const surroundings = beforeCommit(plain, async () => {
      const table = (await plain.catalog.loadTable(EVENTS))!;
      for (const { intent } of await listIntents(plain.store)) await settleIntent(plain, table, intent);
    });
    strictEqual((await dedupe(place, surroundings, ["event_id"], false)).repeats, 4);
    deepStrictEqual(await kept(place), FIRSTS);
    const newest = (await plain.catalog.loadTable(EVENTS))!;
    strictEqual(snapshotOfRef(newest.metadata)!.summary.operation, "overwrite");
    await auditHolds(place);
    await rejects(dedupe(place, plain, ["nothing"], false), /no such column/);
  }));
