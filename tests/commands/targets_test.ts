import { deepStrictEqual, doesNotMatch, match, ok, strictEqual } from "node:assert/strict";
import { systemClock } from "../../core/base/clock.ts";
import { systemRandom } from "../../core/base/random.ts";
import { setProperties } from "../../core/iceberg/action/set_properties.ts";
import { FileCatalog } from "../../core/iceberg/catalog/file_catalog.ts";
import { commitTable } from "../../core/iceberg/commit.ts";
import { openLocalStore } from "../../core/storage/local/local_store.ts";
import { Place } from "./place.ts";

const ORDERS = { type: "object", properties: { id: { type: "integer" }, item: { type: "string" } }, required: ["id"] };

/** Orders from a folder of their own, of files whose names say nothing, with fields rescued. */
async function withOrders(action: (place: Place) => Promise<void>): Promise<void> {
  await Place.use(async (place) => {
    place.put("orders.schema.json", ORDERS);
    place.put("in/a.log", '{"id":1,"item":"x"}\n{"id":2,"more":true}\n{"id":"bad"}\n');
    const flags = ["--contract", "orders.schema.json", "--format", "ndjson", "--on-extra-fields", "rescue"];
    const [batch] = await place.records("consume", "--once", "--table", "orders.raw", "--raw", "in", ...flags);
    deepStrictEqual([batch!.events, batch!.deadLetters], [2, 1]);
    await action(place);
  });
}

Deno.test("a target goes on as before without a further flag: folder, format, contract and mode", () =>
  withOrders(async (place) => {
    place.put("in/b.log", '{"id":3,"more":1}\n');
    const [batch] = await place.records("consume", "--once", "--table", "orders.raw");
    deepStrictEqual([batch!.files, batch!.events, batch!.deadLetters], [1, 1, 0]);
    deepStrictEqual(await place.ask("SELECT _rescued FROM orders.raw WHERE id = 3"), [{ _rescued: '{"more":1}' }]);
  }));

Deno.test("a sink goes on with what its table was fed from, unless a source is named with it", () =>
  withOrders(async (place) => {
    place.put("lake/raw/events/o.json", [{ id: 7 }, { id: 8 }, { id: 9 }]);
    const consume = async (...flags: string[]) => {
      const [batch] = await place.records("consume", "--once", "--table", "orders.raw", ...flags);
      return batch?.events;
    };
    place.put("in/b.log", '{"id":3}\n');
    strictEqual(await consume("--sink", "local"), 1);
    const feed = ["--raw", "in", "--contract", "orders.schema.json", "--format", "ndjson"];
    strictEqual(await consume("--sink", "other", ...feed), 2);
    place.put("in/c.log", '{"id":4}\n');
    strictEqual(await consume("--sink", "other"), 1);
    strictEqual(await consume("--sink", "other", "--source", "local", "--format", "json"), 3);
    place.put("lake/raw/events/p.json", [{ id: 10 }]);
    strictEqual(await consume("--sink", "other"), 1);
  }));

Deno.test("what becomes of wrong types is remembered, and changed by the flag alone", () =>
  withOrders(async (place) => {
    const consume = async (name: string, ...flags: string[]) => {
      place.put(`in/${name}.log`, '{"id":5,"item":[1.50],"more":true}\n');
      const [batch] = await place.records("consume", "--once", "--table", "orders.raw", ...flags);
      return [batch!.events, batch!.deadLetters];
    };
    deepStrictEqual(await consume("b"), [0, 1]);
    deepStrictEqual(await consume("c", "--on-wrong-type", "rescue"), [1, 0]);
    deepStrictEqual(await consume("d"), [1, 0]);
    deepStrictEqual(await consume("e", "--on-wrong-type", "dead-letter"), [0, 1]);
    deepStrictEqual(await place.ask("SELECT DISTINCT item, _rescued FROM orders.raw WHERE id = 5"), [
      { item: null, _rescued: '{"item":[1.50],"more":true}' },
    ]);
  }));

Deno.test("flags that are given again are remembered instead, unless the table cannot follow them", () =>
  withOrders(async (place) => {
    place.put("wider.json", { ...ORDERS, properties: { ...ORDERS.properties, more: { type: "boolean" } } });
    await place.records("consume", "--once", "--table", "orders.raw", "--contract", "wider.json");
    place.put("in/b.log", '{"id":3,"more":true}\n');
    await place.records("consume", "--once", "--table", "orders.raw");
    deepStrictEqual(await place.ask("SELECT more FROM orders.raw WHERE id = 3"), [{ more: true }]);

    place.put("other.json", { ...ORDERS, properties: { id: { type: "string" } } });
    const refused = await place.run("consume", "--once", "--table", "orders.raw", "--contract", "other.json");
    deepStrictEqual([refused.status, /column id/.test(refused.stderr)], [2, true]);
    place.put("in/c.log", '{"id":4,"more":false}\n');
    const [batch] = await place.records("consume", "--once", "--table", "orders.raw");
    deepStrictEqual([batch!.events, batch!.deadLetters], [1, 0]);
  }));

Deno.test("--status tells what waits where the files of each target land", () =>
  withOrders(async (place) => {
    place.put("lake/raw/events/x.json", [{}]);
    place.put("lake/raw/events/deep/y.json", [{}]);
    const waiting = async () =>
      Object.fromEntries(
        (await place.records("maintain", "--status")).filter(({ action }) => action === "ingestion-status")
          .map(({ table, raw, waitingFiles }) => [table, [raw, waitingFiles]]),
      );
    const raw = `file://${place.folder}/in/`;
    deepStrictEqual(await waiting(), { "orders.raw": [raw, 0] });
    await place.records("consume", "--once");
    place.put("lake/raw/events/z.json", [{}]);
    for (const name of ["b", "c"]) place.put(`in/${name}.log`, '{"id":3}\n');
    place.put("lake/raw/events/notes.txt", "x");
    deepStrictEqual(await waiting(), { "bronze.events": ["raw/events/", 1], "orders.raw": [raw, 2] });

    Deno.renameSync(`${place.folder}/in`, `${place.folder}/away`);
    const { status, stdout } = await place.run("maintain", "--status");
    strictEqual(status, 1);
    match(stdout, /^orders\.raw: nobody can tell what waits: there is no folder .*\/in$/m);
    match(stdout, /^bronze\.events: 1 file waits \(.*\n {2}1 file is passed over, .* no format: notes\.txt$/m);
  }));

Deno.test("--audit judges every target by the contract that it was fed with", () =>
  withOrders(async (place) => {
    place.put("lake/raw/events/x.json", [{}]);
    await place.records("consume", "--once");
    const reports = await place.records("maintain", "--audit");
    deepStrictEqual(
      reports.map(({ table, events, deadLetters, discrepancies, misplaced }) => {
        return [table, events, deadLetters, discrepancies, misplaced];
      }),
      [["bronze.events", 0, 1, 0, 0], ["orders.raw", 2, 1, 0, 0]],
    );
    const refused = await place.run("maintain", "--audit", "--contract", "orders.schema.json");
    deepStrictEqual([refused.status, /Name one of them with --table/.test(refused.stderr)], [2, true]);
  }));

Deno.test("a target whose table is gone is told of by status, audit and --all-targets, and the others go on", () =>
  withOrders(async (place) => {
    place.put("lake/raw/events/x.json", [{}]);
    await place.records("consume", "--once");
    const gone = "there is no table orders.raw, but ingest.files has batch 1";
    Deno.removeSync(`${place.folder}/lake/warehouse/orders`, { recursive: true });

    const status = await place.run("maintain", "--status");
    deepStrictEqual([status.status, status.stdout.includes(gone)], [1, true], status.stdout);
    match(status.stdout, /^bronze\.events: nothing waits$/m);
    const audit = await place.run("maintain", "--audit");
    deepStrictEqual([audit.status, audit.stdout.includes(`orders.raw: cannot be audited: `)], [1, true], audit.stdout);
    deepStrictEqual([audit.stdout.includes(gone), audit.stdout.includes("bronze.events: every record")], [true, true]);
    place.put("lake/raw/events/y.json", [{}]);
    const all = await place.run("consume", "--once", "--all-targets");
    deepStrictEqual([all.status, all.stderr.includes(gone)], [1, true], all.stderr);
    match(all.stdout, /batch 2: 1 file/);
    strictEqual(Deno.readDirSync(`${place.folder}/lake/warehouse`).some(({ name }) => name === "orders"), false);
  }));

Deno.test("a target whose letters are gone is told of by the audit, and the others are audited", () =>
  withOrders(async (place) => {
    place.put("lake/raw/events/x.json", [{}]);
    await place.records("consume", "--once");
    Deno.removeSync(`${place.folder}/lake/warehouse/dead_letters/events`, { recursive: true });
    const { status, stdout } = await place.run("maintain", "--audit");
    strictEqual(status, 1);
    match(stdout, /^bronze\.events: cannot be audited: There is no table dead_letters\.events$/m);
    match(stdout, /^orders\.raw: every record is in one table/m);
  }));

function cutNewestMetadata(place: Place, table: string): string {
  const folder = `lake/warehouse/${table}/metadata`;
  const versions = [...Deno.readDirSync(`${place.folder}/${folder}`)].filter(({ name }) => /^v\d+\./.test(name));
  const path = `${folder}/v${versions.length}.metadata.json`;
  Deno.truncateSync(`${place.folder}/${path}`, 200);
  return path.slice("lake/".length);
}

const WAY_OUT = /Restore that file from a backup.*; without one move it away/;

Deno.test("a target whose newest metadata is cut is told of with the way out, and the others go on", () =>
  withOrders(async (place) => {
    place.put("lake/raw/events/x.json", [{}]);
    await place.records("consume", "--once");
    const why = `Cannot read the table metadata ${cutNewestMetadata(place, "orders/raw")} of orders.raw: `;

    const status = await place.run("maintain", "--status");
    strictEqual(status.status, 1);
    ok(status.stdout.includes(`orders.raw: nobody can tell what waits: ${why}`), status.stdout);
    ok(status.stdout.includes(`\norders.raw: ${why}`), status.stdout);
    match(status.stdout, WAY_OUT);
    match(status.stdout, /^bronze\.events: nothing waits$/m);
    match(status.stdout, /^bronze\.events: nothing for upkeep to do$/m);
    const audit = await place.run("maintain", "--audit");
    strictEqual(audit.status, 1);
    ok(audit.stdout.includes(`orders.raw: cannot be audited: ${why}`), audit.stdout);
    match(audit.stdout, WAY_OUT);
    match(audit.stdout, /^bronze\.events: every record is in one table/m);
    const compaction = await place.run("maintain", "--compact");
    deepStrictEqual([compaction.status, compaction.stderr.includes(why)], [1, true], compaction.stderr);
    match(compaction.stderr, WAY_OUT);
    place.put("lake/raw/events/y.json", [{}]);
    const all = await place.run("consume", "--once", "--all-targets");
    deepStrictEqual([all.status, all.stderr.includes(why)], [1, true], all.stderr);
    match(all.stdout, /batch 2: 1 file/);
  }));

Deno.test("a ledger whose newest metadata is cut is told of, and the state of the other tables", () =>
  withOrders(async (place) => {
    const why = `Cannot read the table metadata ${cutNewestMetadata(place, "ingest/files")} of ingest.files: `;
    const { status, stdout } = await place.run("maintain", "--status");
    strictEqual(status, 1);
    const told = stdout.split("\n").filter((line) => line.includes(why));
    deepStrictEqual(told.map((line) => line.slice(0, line.indexOf(why))), [
      "orders.raw: nobody can tell what waits: ",
      "ingest.files: ",
    ]);
    match(stdout, WAY_OUT);
    doesNotMatch(stdout, /nothing was ingested/);
    match(stdout, /^orders\.raw +2 /m);
    const audit = await place.run("maintain", "--audit");
    deepStrictEqual([audit.status, audit.stderr.includes(why)], [1, true], audit.stderr);
    match(audit.stderr, WAY_OUT);
  }));

Deno.test("a lake that was moved with the folder that feeds it goes on there", () =>
  Place.use(async (place) => {
    place.put("orders.schema.json", ORDERS);
    place.put("lake/landing/a.json", [{ id: 1 }]);
    const flags = ["--raw", "lake/landing", "--contract", "orders.schema.json"];
    await place.records("consume", "--once", "--table", "orders.raw", ...flags);
    Deno.renameSync(`${place.folder}/lake`, `${place.folder}/moved`);
    place.put("moved/landing/b.json", [{ id: 2 }]);
    const status = await place.records("maintain", "--status", "--source", "moved");
    deepStrictEqual([status[0]!.raw, status[0]!.waitingFiles], ["landing/", 1]);
    const [batch] = await place.records("consume", "--once", "--table", "orders.raw", "--source", "moved");
    strictEqual(batch!.events, 1);
  }));

Deno.test("a record of a target that is damaged is named, with the way out", () =>
  withOrders(async (place) => {
    place.put("lake/raw/events/x.json", [{}]);
    await place.records("consume", "--once");
    const store = openLocalStore(`${place.folder}/lake`, { random: systemRandom, durable: false });
    const catalog = new FileCatalog({ store, clock: systemClock, random: systemRandom });
    const damage = (text: string) =>
      commitTable(catalog, { namespace: ["orders"], name: "raw" }, (transaction) => {
        transaction.add(setProperties({ "streamlab.target.orders.raw": text }));
      }, { clock: systemClock, random: systemRandom });
    for (const [text, why] of [["{", /it is not JSON/], ['{"format":3}', /made by a newer streamlab/]] as const) {
      await damage(text);
      const { status, stderr } = await place.run("consume", "--once", "--table", "orders.raw");
      strictEqual(status, 1);
      match(stderr, why);
      match(stderr, /streamlab\.target\.orders\.raw/);
      for (const [look, words] of [["--status", "nobody can tell what waits"], ["--audit", "cannot be audited"]]) {
        const { status, stdout } = await place.run("maintain", look!);
        strictEqual(status, 1);
        match(stdout, new RegExp(`^orders\\.raw: ${words}: .*streamlab\\.target\\.orders\\.raw`, "m"));
        match(stdout, /^bronze\.events: (nothing waits|every record)/m);
      }
    }
  }));

Deno.test("a folder that is not there is not watched, unless --create makes it", () =>
  Place.use(async (place) => {
    place.put("lake/note.txt", "");
    const refused = await place.run("consume");
    strictEqual(refused.status, 1);
    match(
      refused.stderr,
      /^streamlab: There is no folder to watch at .*\/lake\/raw\/events\n {2}Name another .*--create/,
    );
    const { status } = await place.run("consume", "--once", "--create", "--raw", "deep/in");
    deepStrictEqual([status, Deno.statSync(`${place.folder}/deep/in`).isDirectory], [0, true]);
  }));

Deno.test("a new table without partitions says so, once, and not where that was asked for", () =>
  withOrders(async (place) => {
    const flags = ["--once", "--raw", "in", "--format", "ndjson", "--contract", "orders.schema.json"];
    match(
      (await place.run("consume", ...flags, "--table", "a.b")).stderr,
      / a\.b The table is made without partitions; --partition-by/m,
    );
    for (const more of [["a.b"], ["a.c", "--partition-by", "id"]]) {
      const { stderr } = await place.run("consume", ...flags, "--table", ...more);
      strictEqual(stderr.includes("without partitions"), false, stderr);
    }
    const refused = await place.run("consume", ...flags, "--table", "dead_letters.x");
    match(refused.stderr, /Cannot send events to dead_letters\.x/);
    strictEqual(refused.stderr.includes("without partitions"), false, refused.stderr);
  }));

Deno.test("--all-targets refuses what is for one target, and a lake without any", () =>
  withOrders(async (place) => {
    for (
      const [flag, ...value] of [
        ["--table", "a.b"],
        ["--raw", "in"],
        ["--contract", "orders.schema.json"],
        ["--on-extra-fields", "add"],
        ["--partition-by", "id"],
        ["--sink", "other"],
        ["--format", "json"],
        ["--assert-formats"],
      ]
    ) {
      const { status, stderr } = await place.run("consume", "--once", "--all-targets", flag!, ...value);
      deepStrictEqual([status, stderr.includes(`${flag} is for one target`)], [2, true], stderr);
    }
    place.put("empty/note", "");
    const none = await place.run("consume", "--once", "--all-targets", "--source", "empty");
    deepStrictEqual([none.status, /There is no target to consume into/.test(none.stderr)], [1, true]);
    const { status, stdout } = await place.run("consume", "--once", "--all-targets");
    deepStrictEqual([status, stdout], [0, ""]);
  }));
