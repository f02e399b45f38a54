import { deepStrictEqual, rejects, strictEqual, throws } from "node:assert/strict";
import { StreamlabError } from "../../core/base/errors.ts";
import { ConsumeSession, type ConsumeSessionOptions } from "../../core/consume/consume_session.ts";
import { batchOfSummary, type BatchRecord, batchSummary, lagOf } from "../../core/lake/batch_history.ts";
import { LEDGER } from "../../core/lake/table_names.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { storeWith } from "../support/store_with.ts";
import { ConsumeWorld } from "./consume_world.ts";

const NOW_MS = Date.UTC(2026, 2, 1, 12);
const EVENT = `{"user_id":"u","event_id":"e","event_type":"t","event_timestamp":"2026-03-01T00:00:00Z"}`;

/** A file that landed so many seconds ago. */
function land(world: ConsumeWorld, name: string, secondsAgo: number): void {
  world.put(name, EVENT);
  Deno.utimeSync(world.rawPath(name), NOW_MS / 1_000, NOW_MS / 1_000 - secondsAgo);
}

function consume(world: ConsumeWorld, changes: Partial<ConsumeSessionOptions> = {}): Promise<unknown> {
  return world.consume({ clock: new ManualClock(NOW_MS), ...changes });
}

/** What the ledger's snapshots tell of batches, the oldest first. */
async function records(world: ConsumeWorld): Promise<BatchRecord[]> {
  const { metadata } = (await world.catalogOn(world.store).loadTable(LEDGER))!;
  return metadata.snapshots.flatMap(({ summary }) => batchOfSummary(summary, "of a snapshot") ?? []);
}

/** Of each batch the format of its record, and for how many seconds its oldest file had waited. */
async function lags(world: ConsumeWorld): Promise<[format: number, seconds: number | undefined][]> {
  return (await records(world)).map(({ format, landedMs, committedMs }) => {
    const lagMs = lagOf(landedMs, committedMs);
    return [format, lagMs && lagMs / 1_000];
  });
}

/** The sink of a run that ends when it is to create such a file, before or after it is there. */
function stopping(world: ConsumeWorld, file: RegExp, when: "before" | "after"): Partial<ConsumeSessionOptions> {
  const sink = storeWith(world.store, {
    async create(path, bytes) {
      if (!file.test(path)) return await world.store.create(path, bytes);
      if (when === "after") await world.store.create(path, bytes);
      throw new Error("stopped here");
    },
  });
  return { sink, catalog: world.catalogOn(sink), zone: world.options().zone };
}

Deno.test("a batch says for how long the oldest of its files had waited, whatever the order of their names", () =>
  ConsumeWorld.use(async (world) => {
    land(world, "a.ndjson", 30);
    land(world, "b.ndjson", 90);
    land(world, "c.ndjson", 10);
    await consume(world, { maxFilesPerBatch: 2 });
    deepStrictEqual(await lags(world), [[4, 90], [4, 10]]);
    deepStrictEqual(world.batches.map(({ lagMs }) => lagMs), [90_000, 10_000]);
  }));

Deno.test("a file that landed after its batch was committed, by its own clock, waited for nothing", () =>
  ConsumeWorld.use(async (world) => {
    land(world, "a.ndjson", -3_600);
    land(world, "b.ndjson", NOW_MS / 1_000);
    await consume(world, { maxFilesPerBatch: 1 });
    deepStrictEqual(await lags(world), [[4, 0], [4, NOW_MS / 1_000]]);
  }));

Deno.test("a file that a batch did not get does not count as one that waited for it", () =>
  ConsumeWorld.use(async (world) => {
    land(world, "a.ndjson", 90);
    land(world, "b.ndjson", 30);
    const sink = storeWith(world.store, {
      create(path, bytes) {
        if (path.endsWith(".plan.json")) Deno.removeSync(world.rawPath("a.ndjson"));
        return world.store.create(path, bytes);
      },
    });
    await consume(world, { sink, catalog: world.catalogOn(sink) });
    deepStrictEqual(await lags(world), [[4, 30]]);
    deepStrictEqual(world.batches.map(({ files, vanished }) => [files, vanished]), [[1, 1]]);
  }));

for (const [name, file] of [["planned", /\.plan\.json$/], ["routed", /\.routed\.json$/]] as const) {
  Deno.test(`a batch that another run has ${name} says it, too, while its files are there`, () =>
    ConsumeWorld.use(async (world) => {
      land(world, "a.ndjson", 90);
      await rejects(consume(world, stopping(world, file, "after")), /stopped here/);
      await consume(world);
      deepStrictEqual(await lags(world), [[4, 90]]);
    }));
}

Deno.test("a batch whose files are gone, are others by now, or cannot be looked at says nothing of it", async (t) => {
  const changes: Record<string, (world: ConsumeWorld) => Partial<ConsumeSessionOptions>> = {
    gone: (world) => {
      Deno.removeSync(world.rawPath("a.ndjson"));
      return {};
    },
    others: (world) => {
      world.put("a.ndjson", `${EVENT}\n${EVENT}`);
      return {};
    },
    "not to be looked at": (world) => {
      const refuse = () => Promise.reject(new StreamlabError("unavailable", "Cannot look at a.ndjson: no answer"));
      return { zone: { ...world.options().zone, store: storeWith(world.store, { stat: refuse }) } };
    },
  };
  for (const [name, change] of Object.entries(changes)) {
    await t.step(name, () =>
      ConsumeWorld.use(async (world) => {
        land(world, "a.ndjson", 90);
        await rejects(consume(world, stopping(world, /\.routed\.json$/, "after")), /stopped here/);
        const options = change(world);
        const stopped = new AbortController();
        const report = { ...world.options().report, batch: () => stopped.abort() };
        const session = await ConsumeSession.open(
          world.options({ clock: new ManualClock(NOW_MS), ...options, report }),
        );
        await session.runOnce(stopped.signal).finally(() => session.close());
        deepStrictEqual(await lags(world), [[1, undefined]]);
      }));
  }
});

const FIGURES = {
  ...{ table: "bronze.events", batchId: 7, plannedMs: 1, routedMs: 2, committedMs: 3, steps: { route: 5 } },
  ...{ files: 0, bytes: 0, records: 0, events: 0, deadLetters: 0, duplicates: 0, changed: 0, vanished: 0 },
  ...{ conflicts: 0, engine: "embedded" },
};

Deno.test("what is nothing in a record of a batch comes back as nothing, and what is unknown as unknown", () => {
  const all: BatchRecord[] = [
    { format: 4, ...FIGURES, landedMs: 0 },
    { format: 4, ...FIGURES, landedMs: 5, superseded: 0, tasks: 3 },
    { format: 2, ...FIGURES, superseded: 0 },
    { format: 3, ...FIGURES, reingested: 0, reasons: {} },
    { format: 1, ...FIGURES, replayed: 0, plannedMs: 0 },
    { format: 1, ...FIGURES },
  ];
  for (const record of all) deepStrictEqual(batchOfSummary(batchSummary(record), "of a snapshot"), record);
});

/** As the versions before wrote them. */
const WRITTEN =
  "&table=bronze.events&batchId=7&plannedMs=1&routedMs=2&committedMs=3&steps=&steps.route=5&engine=embedded";

Deno.test("records of batches that were written before are read, and tell nothing of a landing", () => {
  const read = (text: string) => batchOfSummary({ "streamlab.batch": text }, "of a snapshot");
  deepStrictEqual(read(`format=1${WRITTEN}`), { format: 1, ...FIGURES });
  deepStrictEqual(read(`format=2${WRITTEN}&superseded=4`), { format: 2, ...FIGURES, superseded: 4 });
  deepStrictEqual(read(`format=3${WRITTEN}&reingested=1`), { format: 3, ...FIGURES, reingested: 1 });
  deepStrictEqual(read(`format=4${WRITTEN}&landedMs=2`), { format: 4, ...FIGURES, landedMs: 2 });
  deepStrictEqual(read(`format=1${WRITTEN}&empty=2`), { format: 1, ...FIGURES }, "as it was written by mistake");
  strictEqual(batchOfSummary({ operation: "append" }, "of a snapshot"), undefined);
  throws(() => read(`format=3${WRITTEN}&landedMs=2`), { kind: "corrupt" });
  throws(() => read(`format=4${WRITTEN}`), { kind: "corrupt" });
  throws(() => read(`format=5${WRITTEN}&landedMs=2`), { kind: "newer" });
});
