import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { systemClock } from "../../core/base/clock.ts";
import { StreamlabError } from "../../core/base/errors.ts";
import type { ConsumeSessionOptions } from "../../core/consume/consume_session.ts";
import { batchRecordPath } from "../../core/lake/layout.ts";
import type { UpkeepRecord } from "../../core/lake/upkeep_history.ts";
import { type AfterIngest, removeRaw } from "../../core/maintain/raw/raw_removal.ts";
import { RawUpkeep, type RawUpkeepOptions } from "../../core/maintain/raw/raw_upkeep.ts";
import { openLocalStore } from "../../core/storage/local/local_store.ts";
import type { Store } from "../../core/storage/store.ts";
import { ConsumeWorld } from "../consume/consume_world.ts";
import { SimulatedDisk } from "../support/simulated_disk.ts";
import { Crash } from "../support/simulated_store.ts";
import { storeWith } from "../support/store_with.ts";
import { scratchFolder } from "../support/scratch_folder.ts";

const DAY_MS = 86_400_000;
const EVENT = { user_id: "u", event_type: "view", event_timestamp: "2026-03-01T12:00:00Z" };
const target = { namespace: ["bronze"], name: "events" };
const { signal } = new AbortController();

function records(...ids: string[]): string {
  return JSON.stringify(ids.map((event_id) => ({ ...EVENT, event_id })));
}

/** Upkeep of raw files as it is so many days later, for files of a week ago. */
async function look(
  world: ConsumeWorld,
  action: AfterIngest,
  { days = 8, store = world.store, ...changes }: Partial<RawUpkeepOptions> & { days?: number; store?: Store } = {},
): Promise<{ done: UpkeepRecord[]; notes: string[] }> {
  const done: UpkeepRecord[] = [], notes: string[] = [];
  const clock = { ...systemClock, nowMs: () => systemClock.nowMs() + days * DAY_MS };
  const upkeep = new RawUpkeep({ store, catalog: world.catalogOn(world.store), clock, random: world.random }, {
    zone: { store, prefix: "raw/events/", nameBase: "", format: undefined },
    target,
    action,
    ageMs: 7 * DAY_MS,
    share: 0.1,
    temporaryFolder: scratchFolder(),
    threads: 1,
    report: (record) => void done.push(record),
    note: (text) => void notes.push(text),
    ...changes,
  });
  await upkeep.runWhole(signal);
  await upkeep.close();
  return { done, notes };
}

async function pathsIn(store: Store, prefix = "raw/"): Promise<string[]> {
  return (await Array.fromAsync(store.list(prefix))).map(({ path }) => path);
}

async function idsOf(world: ConsumeWorld): Promise<string[]> {
  return (await world.rows("SELECT event_id FROM {{bronze.events}} ORDER BY ALL")).map((row) => row.event_id as string);
}

Deno.test("files are archived or deleted when they were ingested long enough ago, and are never taken again", () =>
  ConsumeWorld.use(async (world) => {
    world.put("a.json", records("a0", "a1"));
    world.put("deep/b.ndjson", records("b0").slice(1, -1));
    await world.consume();
    world.put("c.json", records("c0"));
    world.put("notes.txt", "no event file");
    deepStrictEqual((await look(world, "archive", { days: 6 })).done, []);

    const { done, notes } = await look(world, "archive");
    deepStrictEqual([done.map(({ action, table, done }) => [action, table, done.files]), notes], [
      [["archive-raw-files", "bronze.events", 2]],
      [],
    ]);
    const archived = ["raw/archive/events/a.json", "raw/archive/events/deep/b.ndjson"];
    deepStrictEqual(await pathsIn(world.store), [...archived, "raw/events/c.json", "raw/events/notes.txt"]);
    strictEqual(await Deno.readTextFile(`${world.folder}/${archived[0]}`), records("a0", "a1"));

    // Not even where the whole of raw/ is the place of event files.
    await world.consume({ zone: { store: world.store, prefix: "raw/", nameBase: "", format: undefined } });
    deepStrictEqual(await idsOf(world), ["a0", "a1", "b0", "c0"]);
    strictEqual((await look(world, "delete", { days: 8 })).done[0]!.done.files, 1);
    deepStrictEqual(await pathsIn(world.store), [...archived, "raw/events/notes.txt"]);
    await world.consume();
    deepStrictEqual(await idsOf(world), ["a0", "a1", "b0", "c0"]);
  }));

Deno.test("only the version that the ledger knows is touched, in a place that no link leads to", () =>
  ConsumeWorld.use(async (world) => {
    for (const name of ["same", "changed"]) world.put(`${name}.json`, records(name));
    const elsewhere = await Deno.makeTempDir({ prefix: "streamlab-elsewhere-" });
    try {
      await Deno.writeTextFile(`${elsewhere}/theirs.json`, records("theirs"));
      await Deno.symlink(elsewhere, `${world.folder}/raw/events/linked`);
      await world.consume();
      world.put("changed.json", records("changed", "again"));
      const { done, notes } = await look(world, "delete");
      deepStrictEqual([done[0]!.done.files, notes], [1, [
        "The raw file raw/events/linked/theirs.json stays where it is: it is reached through a link",
      ]]);
      strictEqual(await Deno.readTextFile(`${elsewhere}/theirs.json`), records("theirs"));
      deepStrictEqual(await pathsIn(world.store), ["raw/events/changed.json", "raw/events/linked/theirs.json"]);
    } finally {
      await Deno.remove(elsewhere, { recursive: true });
    }
  }));

Deno.test("a file stays as long as another table of the lake, which is fed from it, has not ingested it", () =>
  ConsumeWorld.use(async (world) => {
    const other = { target: { namespace: ["orders"], name: "raw" } };
    await Deno.mkdir(`${world.folder}/raw/events`, { recursive: true });
    // By another way to the same folder.
    await Deno.symlink(`${world.folder}/raw/events`, `${world.folder}/way`);
    const store = openLocalStore(`${world.folder}/way`, { random: world.random, durable: false });
    const zone: ConsumeSessionOptions["zone"] = { store, prefix: "", nameBase: "way/", format: undefined };
    world.put("a.json", records("a"));
    await world.consume({ ...other, zone });
    await world.consume();
    world.put("b.json", records("b"));
    await world.consume();
    await look(world, "delete");
    deepStrictEqual(await pathsIn(world.store), ["raw/events/b.json"]);
    await world.consume({ ...other, zone });
    await look(world, "delete");
    deepStrictEqual(await pathsIn(world.store), []);
  }));

Deno.test("a file that a batch under way is to read stays", () =>
  ConsumeWorld.use(async (world) => {
    for (const name of ["a", "b"]) world.put(`${name}.json`, records(name));
    await world.consume();
    const plan = JSON.parse(await Deno.readTextFile(`${world.folder}/${batchRecordPath("bronze.events", 1n, "plan")}`));
    const files = plan.files.filter(({ name }: { name: string }) => name === "raw/events/a.json");
    const next = JSON.stringify({ ...plan, batchId: 2, files });
    await Deno.writeTextFile(`${world.folder}/${batchRecordPath("bronze.events", 2n, "plan")}`, next);
    await look(world, "delete");
    deepStrictEqual(await pathsIn(world.store), ["raw/events/a.json"]);
  }));

Deno.test("a file of which a dead letter has only the head is not deleted, but may be archived", () =>
  ConsumeWorld.use(async (world) => {
    world.put("a.json", records("a"));
    world.put("large.json", `[${" ".repeat(16 << 20)}`);
    world.put("small.json", "[");
    await world.consume();
    await look(world, "delete");
    deepStrictEqual(await pathsIn(world.store), ["raw/events/large.json"]);
    await look(world, "archive");
    deepStrictEqual(await pathsIn(world.store), ["raw/archive/events/large.json"]);
  }));

Deno.test("an archived file is never replaced: another one of its name stays where it landed", () =>
  ConsumeWorld.use(async (world) => {
    world.put("a.json", records("a"));
    await world.consume();
    await look(world, "archive");
    world.put("a.json", records("b"));
    await world.consume({ onChangedFile: "ingest" });
    const { done, notes } = await look(world, "archive");
    deepStrictEqual(done, []);
    match(notes[0]!, /raw\/events\/a\.json stays where it is: it has another file of its name in the archive/);
    strictEqual(await Deno.readTextFile(`${world.folder}/raw/archive/events/a.json`), records("a"));
    strictEqual(await Deno.readTextFile(`${world.folder}/raw/events/a.json`), records("b"));
  }));

Deno.test("between batches it takes its share of the time, ends with the pause, and waits after a failure", () =>
  ConsumeWorld.use(async (world) => {
    world.put("a.json", records("a"));
    await world.consume();
    let nowMs = systemClock.nowMs() + 8 * DAY_MS, refuses = true;
    const store = storeWith(world.store, {
      deletePaths: (paths) => {
        if (refuses) throw new StreamlabError("unavailable", "Cannot delete: the disk is read-only");
        return world.store.deletePaths(paths);
      },
    });
    const notes: string[] = [];
    const clock = { ...systemClock, nowMs: () => nowMs };
    const upkeep = new RawUpkeep({ store, catalog: world.catalogOn(world.store), clock, random: world.random }, {
      zone: { store, prefix: "raw/events/", nameBase: "", format: undefined },
      target,
      action: "archive",
      ageMs: 7 * DAY_MS,
      share: 0.1,
      temporaryFolder: scratchFolder(),
      threads: 1,
      report: () => {},
      note: (text) => void notes.push(text),
    });
    const aborted = AbortSignal.abort();
    // A step at a time: the look, then the piece that fails.
    for (let step = 0; step < 2; step++) await upkeep.run({ idleMs: 0, signal: aborted });
    match(notes[0]!, /waits a while: Cannot delete/);
    deepStrictEqual(await pathsIn(world.store), ["raw/archive/events/a.json", "raw/events/a.json"]);
    refuses = false;
    await upkeep.run({ idleMs: 0, signal });
    strictEqual((await pathsIn(world.store)).length, 2);
    nowMs += 60_000;
    for (let step = 0; step < 2; step++) await upkeep.run({ idleMs: 0, signal });
    deepStrictEqual([await pathsIn(world.store), notes.length], [["raw/archive/events/a.json"], 1]);
    await world.consume();
    deepStrictEqual(await idsOf(world), ["a"]);
  }));

const CONTENT = new TextEncoder().encode(records("a"));

for (const action of ["archive", "delete"] as const) {
  Deno.test(`wherever a process that is to ${action} raw files is stopped, no byte is lost, and the next ends it`, async () => {
    const names = ["a.json", "b.json"];
    let ordinal = 0;
    for (let ended = false; !ended; ordinal++) {
      for (const phase of ["before", "after"] as const) {
        const disk = new SimulatedDisk({ seed: ordinal });
        for (const name of names) disk.put(`raw/events/${name}`, CONTENT, true);
        const ingested = names.map((name) => {
          return { path: `raw/events/${name}`, etag: disk.version(`raw/events/${name}`)!.info.etag };
        });
        const run = async () => {
          const store = disk.connect();
          const zone = { store, prefix: "raw/events/", nameBase: "", format: undefined };
          return await removeRaw(store, zone, ingested, action);
        };
        disk.hook = ({ index }, at) => index === ordinal && at === phase ? { do: "crash" } : undefined;
        const first = await run().catch((error) => {
          if (!(error instanceof Crash)) throw error;
          return undefined;
        });
        disk.hook = undefined;
        ended = first !== undefined;
        for (const name of names) {
          const places = [`raw/events/${name}`, `raw/archive/events/${name}`].map((path) => disk.version(path)?.bytes);
          if (action === "archive") ok(places.some((bytes) => bytes !== undefined), `${name} is lost`);
          for (const bytes of places) if (bytes !== undefined) deepStrictEqual(bytes, CONTENT);
        }
        await run();
        const left = await pathsIn(disk.connect());
        deepStrictEqual(left, action === "archive" ? names.map((name) => `raw/archive/events/${name}`) : []);
      }
    }
    // Two looks at each file, and what is done to it.
    ok(ordinal > names.length * (action === "archive" ? 4 : 3), `${ordinal} places`);
  });
}
