import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { folderState } from "../support/folder_state.ts";
import { ServedLake } from "../support/lake_server.ts";
import { Place } from "./place.ts";

const ORDERS = {
  type: "object",
  required: ["id"],
  properties: {
    id: { type: "integer" },
    lines: { type: "array", items: { type: "object", properties: { price: { type: "number" } } } },
  },
};
const LINES = '{"id":1}\n{"id":"x"}\n{"id":4,"lines":[{"price":1},{"price":"2"}]}\n{"id":6,"coupon":"C"}\n';
const FLAGS = ["--contract", "orders.json", "--table", "orders.raw"];

async function withOrders(action: (place: Place) => Promise<void>): Promise<void> {
  await Place.use(async (place) => {
    place.put("orders.json", ORDERS);
    place.put("lake/raw/events/a.ndjson", LINES);
    place.put("lake/raw/events/b.json", "[{");
    place.put("lake/raw/events/c.json", [{ id: 7 }, { id: "y" }, { id: 8, coupon: "D" }]);
    await action(place);
  });
}

type Counts = Record<string, unknown>;
const COUNTED = ["files", "bytes", "records", "events", "deadLetters", "duplicates"];

/** What a run does, in the figures of a dry run. */
function summed(batches: readonly Counts[]): Counts {
  const sum = (key: string) => batches.reduce((total, batch) => total + (batch[key] as number), 0);
  return { batches: batches.length, ...Object.fromEntries(COUNTED.map((key) => [key, sum(key)])) };
}

function foretold(record: Counts): Counts {
  return Object.fromEntries(["batches", ...COUNTED].map((key) => [key, record[key]]));
}

/** Judges, and sees that neither the place nor its temporary folder has changed. */
async function judged(place: Place, ...flags: string[]): Promise<Counts> {
  const before = folderState(place.folder);
  const records = await place.records("consume", "--dry-run", ...flags);
  deepStrictEqual(folderState(place.folder), before);
  strictEqual(records.length, 1);
  return records[0]!;
}

/** The files of a folder, without those of folders in it. */
function filesIn(folder: string): Map<string, Uint8Array<ArrayBuffer>> {
  const files = [...Deno.readDirSync(folder)].filter(({ isFile }) => isFile);
  return new Map(files.map(({ name }) => [`${folder}/${name}`, Deno.readFileSync(`${folder}/${name}`)]));
}

Deno.test("a dry run says what would go where, and leaves the folder as it was, byte for byte", () =>
  withOrders(async (place) => {
    const { groups, newTables, time: _time, ...counts } = await judged(place, ...FLAGS);
    deepStrictEqual(counts, {
      action: "dry-run",
      table: "orders.raw",
      deadLettersTable: "dead_letters.orders_raw",
      batches: 1,
      files: 3,
      bytes: 132,
      records: 7,
      events: 2,
      deadLetters: 6,
      duplicates: 0,
      empty: 0,
      vanished: 0,
      changed: 0,
      unreadable: 0,
      reasons: { extra_fields: 2, invalid_schema: 3, corrupted_batch: 1 },
      wholeFiles: 1,
      newColumns: [],
    });
    deepStrictEqual(newTables, ["orders.raw", "dead_letters.orders_raw", "ingest.files"]);
    const example = (file: string, position: number | null) => ({ file: `raw/events/${file}`, position });
    deepStrictEqual(
      (groups as Counts[]).map(({ reason, place, letters, example }) => {
        const { file, position } = example as Counts;
        return { reason, place, letters, file, position };
      }),
      [
        { reason: "extra_fields", place: "/coupon", letters: 2, ...example("a.ndjson", 3) },
        { reason: "invalid_schema", place: "/id", letters: 2, ...example("a.ndjson", 1) },
        { reason: "corrupted_batch", place: "", letters: 1, ...example("b.json", null) },
        { reason: "invalid_schema", place: "/lines/*/price", letters: 1, ...example("a.ndjson", 2) },
      ],
    );
    const { stdout } = await place.run("consume", "--dry-run", ...FLAGS);
    match(
      stdout,
      /^orders\.raw: 3 files \(132 B\) in 1 batch, 7 records → 2 events, 6 dead letters in dead_letters\.orders_raw; nothing was written$/m,
    );
    match(stdout, /^A run would make the tables orders\.raw, dead_letters\.orders_raw, ingest\.files$/m);
    match(stdout, /^ {2}invalid_schema \/id: 2\n {4}raw\/events\/a\.ndjson record 1: \/id: expected integer/m);
  }));

Deno.test("the run that follows does what was foretold, batch by batch, at first and later", () =>
  withOrders(async (place) => {
    const limits = ["--max-files-per-batch", "2"];
    const first = await judged(place, ...FLAGS, ...limits);
    const batches = await place.records("consume", "--once", ...FLAGS, ...limits);
    deepStrictEqual(foretold(first), summed(batches));
    strictEqual(first.batches, 2);

    // By what is remembered, and over tables that are there.
    place.put("lake/raw/events/d.ndjson", LINES.repeat(100));
    place.put("lake/raw/events/a.ndjson", "{}\n");
    const second = await judged(place, "--table", "orders.raw");
    deepStrictEqual([second.changed, second.newTables, second.files], [1, [], 1]);
    deepStrictEqual(
      foretold(second),
      summed(
        await place.records("consume", "--once", "--table", "orders.raw")
          .then((records) => records.filter(({ action }) => action === "batch")),
      ),
    );

    const none = await judged(place, "--table", "orders.raw");
    deepStrictEqual([none.batches, none.records], [0, 0]);
    const { stdout } = await place.run("consume", "--dry-run", "--table", "orders.raw");
    strictEqual(stdout, "orders.raw: nothing new to judge, and nothing was written\n");
  }));

Deno.test("columns that a run would add are named, and those of one batch are there for the next", () =>
  withOrders(async (place) => {
    await place.records("consume", "--once", ...FLAGS);
    place.put("lake/raw/events/d.ndjson", '{"id":1,"coupon":"C"}\n');
    place.put("lake/raw/events/e.ndjson", '{"id":1,"coupon":"C","city":"Ulm"}\n{"id":2,"coupon":5}\n');
    const add = ["--table", "orders.raw", "--on-extra-fields", "add", "--max-files-per-batch", "1"];
    const { newColumns, ...counts } = await judged(place, ...add);
    deepStrictEqual(newColumns, ["coupon", "city", "_rescued"]);
    deepStrictEqual(foretold(counts), summed(await place.records("consume", "--once", ...add)));
  }));

Deno.test("repeats are found across the batches of a dry run, and against the table", () =>
  Place.use(async (place) => {
    const properties = { id: { type: "integer" }, at: { type: "string", format: "date-time" } };
    place.put("c.json", { type: "object", properties });
    const put = (name: string, ...ids: number[]) =>
      place.put(`lake/raw/events/${name}.json`, ids.map((id) => ({ id, at: "2026-03-01T12:00:00Z" })));
    const flags = ["--contract", "c.json", "--dedupe-by", "id", "--dedupe-within", "1h", "--max-files-per-batch", "1"];
    for (const [names, duplicates] of [[["a", "b", "c"], 5], [["d", "e"], 6]] as const) {
      names.forEach((name, index) => put(name, 1, 2 + index, 3));
      const counts = await judged(place, ...flags);
      deepStrictEqual([counts.batches, counts.duplicates], [names.length, duplicates]);
      deepStrictEqual(foretold(counts), summed(await place.records("consume", "--once", ...flags)));
    }
  }));

Deno.test("what would stop a run stops a dry run, with the same status and nothing written", () =>
  withOrders(async (place) => {
    await place.records("consume", "--once", ...FLAGS);
    place.put("lake/raw/events/d.ndjson", LINES);
    place.put("other.json", { ...ORDERS, properties: { id: { type: "string" } } });
    const before = folderState(place.folder);
    const limited = await place.run("consume", "--dry-run", "--table", "orders.raw", "--max-dead-letters", "2");
    strictEqual(limited.status, 3);
    match(limited.stdout, /3 dead letters in dead_letters\.orders_raw/);
    match(limited.stderr, /A run would stop: 3 dead letters are more than --max-dead-letters 2\n.*Nothing was written/);
    const refused = await place.run("consume", "--dry-run", "--table", "orders.raw", "--contract", "other.json");
    strictEqual(refused.status, 2);
    match(refused.stderr, /Cannot change orders\.raw to the contract: .*id/);
    deepStrictEqual(folderState(place.folder), before);
  }));

Deno.test("a batch that an earlier run has planned, or routed, comes first, as a run would take it", () =>
  withOrders(async (place) => {
    await place.records("consume", "--once", ...FLAGS);
    const folders = ["orders/raw", "dead_letters/orders_raw", "ingest/files"].map((table) => {
      return `${place.folder}/lake/warehouse/${table}/metadata`;
    });
    const before = folders.map(filesIn);
    place.put("lake/raw/events/d.ndjson", LINES);
    await place.records("consume", "--once", "--table", "orders.raw");
    // As if it had died before its first commit: all is there but the tables' newest versions.
    for (const folder of folders) for (const path of filesIn(folder).keys()) Deno.removeSync(path);
    for (const [path, bytes] of before.flatMap((files) => [...files])) Deno.writeFileSync(path, bytes);
    const { groups, ...routed } = await judged(place, "--table", "orders.raw");
    deepStrictEqual([routed.events, routed.deadLetters, (groups as unknown[]).length], [1, 3, 3]);
    await Deno.remove(`${place.folder}/lake/checkpoints/orders.raw/000000000002.routed.json`);
    place.put("lake/raw/events/e.ndjson", LINES);
    const planned = await judged(place, "--table", "orders.raw");
    strictEqual(planned.batches, 2);
    deepStrictEqual(foretold(planned), summed(await place.records("consume", "--once", "--table", "orders.raw")));
  }));

Deno.test("a dry run over the tables of a REST catalog changes none of them, and makes none", () =>
  ServedLake.use((lake) =>
    withOrders(async (place) => {
      const flags = [...FLAGS, "--catalog", `${lake.address}/catalog`];
      const unchanged = async () => {
        const before = folderState(lake.folder);
        const counts = await judged(place, ...flags);
        deepStrictEqual(folderState(lake.folder), before);
        return foretold(counts);
      };
      deepStrictEqual(await unchanged(), summed(await place.records("consume", "--once", ...flags)));
      place.put("lake/raw/events/d.ndjson", LINES);
      deepStrictEqual(await unchanged(), summed(await place.records("consume", "--once", ...flags)));
    })
  ));

Deno.test("nothing stays in the temporary folder, whatever became of the dry run", () =>
  withOrders(async (place) => {
    place.temporaryFolder = `${place.folder}/tmp`;
    await Deno.mkdir(place.temporaryFolder);
    for (const flags of [[], ["--max-dead-letters", "1"], ["--partition-by", "nothing"]]) {
      await place.run("consume", "--dry-run", ...FLAGS, ...flags);
      deepStrictEqual([...Deno.readDirSync(place.temporaryFolder)], []);
    }
  }));

Deno.test("each target of a lake is judged by what is remembered with it", () =>
  withOrders(async (place) => {
    await place.records("consume", "--once", ...FLAGS);
    place.put("in/a.ndjson", '{"id":1}\n');
    await place.records("consume", "--once", "--contract", "orders.json", "--raw", "in");
    place.put("in/b.ndjson", '{"id":1}\n{"id":"x"}\n');
    const before = folderState(place.folder);
    const records = await place.records("consume", "--dry-run", "--all-targets");
    deepStrictEqual(records.map(({ table, events, deadLetters }) => [table, events, deadLetters]), [
      ["bronze.events", 1, 1],
      ["orders.raw", 0, 0],
    ]);
    deepStrictEqual(folderState(place.folder), before);
  }));

Deno.test("an example is cut, and no terminal obeys it", () =>
  Place.use(async (place) => {
    place.put("lake/raw/events/a.ndjson", JSON.stringify({ [`\u001b[31m${"k".repeat(5_000)}`]: 1 }));
    const { stdout } = await place.run("consume", "--dry-run");
    ok(!stdout.includes("\u001b"));
    ok(stdout.split("\n").every((line) => line.length < 6_000), stdout);
  }));

Deno.test("flags that cannot apply to what is only looked at are refused by name, and nothing is made", () =>
  Place.use(async (place) => {
    place.put("in/a.ndjson", '{"id":1}\n');
    place.put("c.json", ORDERS);
    const before = folderState(place.folder);
    const refusals = [
      ["--infer-contract", "--create"],
      ["--infer-contract", "--dry-run"],
      ["--infer-contract", "--all-targets"],
      ["--infer-contract", "--contract", "c.json"],
      ["--infer-contract", "--partition-by", "id"],
      ["--infer-contract", "--max-dead-letters", "1"],
      ["--infer-contract", "--trigger", "1s"],
      ["--infer-contract", "--wait"],
      ["--dry-run", "--wait"],
      ["--dry-run", "--create"],
      ["--dry-run", "--trigger", "1s"],
      ["--dry-run", "--keep-snapshots", "3"],
      ["--dry-run", "--no-upkeep"],
      ["--dry-run", "--delete-after", "1h"],
      ["--dry-run", "--metrics-port", "0"],
    ];
    for (const [mode, wrong, ...value] of refusals) {
      const { status, stdout, stderr } = await place.run("consume", "--raw", "none", mode!, wrong!, ...value);
      deepStrictEqual([status, stdout], [2, ""], `${mode} ${wrong}: ${stderr}`);
      match(stderr, new RegExp(`${wrong} cannot be asked for together with ${mode}\n.*Leave it out`));
    }
    for (const mode of ["--infer-contract", "--dry-run"]) {
      const { status, stderr } = await place.run("consume", mode, "--raw", "none", "--once");
      strictEqual(status, 1);
      match(stderr, /There is no folder to read at .*\/none/);
    }
    deepStrictEqual(folderState(place.folder), before);
  }));

Deno.test("settings that are meant for other runs do not stop a look, and make no folder", () =>
  Place.use(async (place) => {
    place.put("in/a.ndjson", '{"id":1}\n');
    place.put("streamlab.json", { consume: { create: true, trigger: "5s", "keep-snapshots": 7 } });
    strictEqual((await place.run("consume", "--infer-contract", "--raw", "in")).status, 0);
    strictEqual((await place.run("consume", "--dry-run", "--raw", "in")).status, 0);
    const before = folderState(place.folder);
    strictEqual((await place.run("consume", "--dry-run", "--raw", "none")).status, 1);
    strictEqual((await place.run("consume", "--infer-contract", "--raw", "none")).status, 1);
    deepStrictEqual(folderState(place.folder), before);
  }));

Deno.test("a dry run cares for no raw files, whatever the settings say of those that are ingested", () =>
  withOrders(async (place) => {
    await place.records("consume", "--once", ...FLAGS);
    const care = { "after-ingest": "delete", "after-ingest-age": "0s", "keep-snapshots": 1, "delete-after": "0s" };
    place.put("streamlab.json", { consume: care });
    place.put("lake/raw/events/d.ndjson", LINES);
    deepStrictEqual((await judged(place, "--table", "orders.raw")).files, 1);
  }));
