import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import { systemClock } from "../../core/base/clock.ts";
import { seededRandom } from "../../core/base/random.ts";
import { BATCHES, History, UPKEEP } from "../../core/lake/history.ts";
import type { BatchRecord } from "../../core/lake/batch_history.ts";
import type { UpkeepRecord } from "../../core/lake/upkeep_history.ts";
import { openLocalStore } from "../../core/storage/local/local_store.ts";
import type { Store } from "../../core/storage/store.ts";
import { storeWith } from "../support/store_with.ts";

const random = seededRandom(2);

function batch(batchId: number, table = "bronze.events"): BatchRecord {
  return {
    format: 1,
    table,
    batchId,
    plannedMs: 1_772_366_400_000,
    routedMs: 1_772_366_400_100,
    committedMs: 1_772_366_400_200,
    steps: { route: 50 },
    files: 1,
    bytes: 1000,
    records: 10,
    events: 9,
    deadLetters: 1,
    reasons: { extra_fields: 1 },
    duplicates: 0,
    changed: 0,
    vanished: 0,
    conflicts: 0,
    engine: "embedded",
  };
}

function upkeep(id: string): UpkeepRecord {
  return {
    format: 1,
    id,
    table: "bronze.events",
    by: "consume",
    action: "compact",
    startedAt: "2026-03-01T12:00:00.000Z",
    endedAt: "2026-03-01T12:00:01.000Z",
    outcome: "done",
    done: { filesBefore: 10, filesAfter: 1 },
    debt: { files: 3 },
  };
}

async function useStore(action: (store: Store) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "streamlab-history-" });
  try {
    await action(openLocalStore(folder, { random: seededRandom(1), durable: false }));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function historyIn(store: Store): History<BatchRecord> {
  return new History(BATCHES, { store, clock: systemClock, random });
}

async function readAll<T extends { format: number }>(history: History<T>): Promise<T[]> {
  return (await Array.fromAsync(history.read())).flat();
}

async function filesIn(store: Store): Promise<string[]> {
  const paths: string[] = [];
  for await (const { path } of store.list("checkpoints/history/")) paths.push(path);
  return paths;
}

function idsOf(records: readonly BatchRecord[]): number[] {
  return records.map(({ batchId }) => batchId).sort((a, b) => a - b);
}

Deno.test("records of batches come back as they were, each once however often it was added", () =>
  useStore(async (store) => {
    const history = historyIn(store);
    deepStrictEqual(await readAll(history), []);
    await history.add([batch(1), batch(2)]);
    await history.add([batch(2), batch(2, "orders.raw")]);
    await history.add([]);
    const read = await readAll(history);
    deepStrictEqual(idsOf(read), [1, 2, 2]);
    deepStrictEqual(read.find(({ batchId }) => batchId === 1), batch(1));
  }));

Deno.test("however many records were added one by one, they lie in few files", () =>
  useStore(async (store) => {
    const history = historyIn(store);
    for (let id = 1; id <= 200; id++) {
      await history.add([batch(id)]);
      ok((await filesIn(store)).length <= 32);
    }
    deepStrictEqual(idsOf(await readAll(history)), Array.from({ length: 200 }, (_, i) => i + 1));
  }));

Deno.test("who dies between joining files and removing them leaves every record once", () =>
  useStore(async (store) => {
    let cuts = 0;
    const dying = storeWith(store, {
      deletePaths: () => {
        cuts++;
        return Promise.reject(new Error("killed"));
      },
    });
    for (let id = 1; id <= 31; id++) await historyIn(store).add([batch(id)]);
    await rejects(new History(BATCHES, { store: dying, clock: systemClock, random }).add([batch(32)]));
    strictEqual(cuts, 1);
    deepStrictEqual(idsOf(await readAll(historyIn(store))), Array.from({ length: 32 }, (_, i) => i + 1));
    await new History(BATCHES, { store, clock: systemClock, random }).add([batch(33)]);
    deepStrictEqual(idsOf(await readAll(historyIn(store))), Array.from({ length: 33 }, (_, i) => i + 1));
    strictEqual((await filesIn(store)).length, 1);
  }));

Deno.test("a reader misses no record while others join the files that it reads", () =>
  useStore(async (store) => {
    for (let id = 1; id <= 31; id++) await historyIn(store).add([batch(id)]);
    let joins = 0;
    const meanwhile = storeWith(store, {
      read: async (path, options) => {
        if (joins++ === 0) {
          await new History(BATCHES, { store, clock: systemClock, random }).add([batch(32)]);
        }
        return await store.read(path, options);
      },
    });
    deepStrictEqual(idsOf(await readAll(historyIn(meanwhile))), Array.from({ length: 32 }, (_, i) => i + 1));
  }));

Deno.test("however long a history is, few of its records are in memory at once", () =>
  useStore(async (store) => {
    const history = historyIn(store);
    await history.add(Array.from({ length: 2_500 }, (_, i) => batch(i + 1)));
    const portions: number[] = [];
    for await (const records of history.read()) portions.push(records.length);
    ok(portions.length > 1 && portions.every((records) => records <= 1_000), String(portions));
    strictEqual(portions.reduce((sum, records) => sum + records, 0), 2_500);
  }));

Deno.test("records of upkeep are told apart by their ids", () =>
  useStore(async (store) => {
    const history = new History(UPKEEP, { store, clock: systemClock, random });
    const record = upkeep("a");
    await history.add([record, { ...record, id: "b", outcome: "gave-way", detail: "a batch is due" }]);
    deepStrictEqual((await readAll(history)).map(({ id, outcome }) => [id, outcome]), [["a", "done"], [
      "b",
      "gave-way",
    ]]);
    await store.write("checkpoints/history/upkeep/notes.txt", new Uint8Array([1]));
    strictEqual((await readAll(history)).length, 2);
  }));

Deno.test("of the history of upkeep the newest files stay, so that it does not grow for ever", () =>
  useStore(async (store) => {
    const pathOf = (number: number) =>
      `checkpoints/history/upkeep/0000000${number}-0000-7000-8000-000000000000.ndjson.gz`;
    for (const number of [3, 1, 4, 2]) await store.write(pathOf(number), new Uint8Array(1_000_000));
    await new History({ ...UPKEEP, finalFilesMax: 2 }, { store, clock: systemClock, random }).add([upkeep("a")]);
    const left = (await filesIn(store)).sort();
    deepStrictEqual([left.length, left.slice(0, 2)], [3, [pathOf(3), pathOf(4)]]);
    ok(UPKEEP.finalFilesMax < 100);
  }));

/** So small that a few records fill a file. */
const SMALL_KIND = { ...BATCHES, finalBytes: 400 };

/** Batches of two tables, some added twice; and the paths that are read. */
async function addMany(store: Store, count: number): Promise<{ history: History<BatchRecord>; read: string[] }> {
  const read: string[] = [];
  const watched = storeWith(store, {
    read: (path, options) => {
      read.push(path);
      return store.read(path, options);
    },
  });
  const history = new History(SMALL_KIND, { store: watched, clock: systemClock, random });
  for (let id = 1; id <= count; id += 4) {
    const fresh = [id, id + 1, id + 2, id + 3].filter((each) => each <= count);
    await history.add(fresh.flatMap((each) => [batch(each), batch(each, "orders.raw")]));
    if (id % 12 === 1) await history.add([batch(id)]);
  }
  read.splice(0);
  return { history, read };
}

Deno.test("the newest records of a table come whole, each once, whichever part of a history is asked for", () =>
  useStore(async (store) => {
    const { history } = await addMany(store, 600);
    for (const [from, to, count] of [[1, 600, 600], [1, 600, 7], [590, 600, 11], [1, 5, 5], [300, 340, 20]] as const) {
      const expected = Array.from({ length: to - from + 1 }, (_, i) => to - i).slice(0, count);
      for (let time = 1; time <= 2; time++) {
        const found = await history.newest("bronze.events", { count, from, to });
        deepStrictEqual(found.map(({ batchId }) => batchId), expected, `${from} to ${to}, time ${time}`);
        ok(found.every(({ table }) => table === "bronze.events"));
      }
    }
    deepStrictEqual(await history.newest("bronze.events", { count: 5, from: 601 }), []);
    deepStrictEqual(await history.newest("bronze", { count: 5 }), []);
  }));

Deno.test("for a few records few files of a long history are opened", () =>
  useStore(async (store) => {
    const { history, read } = await addMany(store, 600);
    const isYoung = async (path: string) => (await store.stat(path))!.size < SMALL_KIND.finalBytes;
    const all = await filesIn(store), young = (await Promise.all(all.map(isYoung))).filter(Boolean).length;
    ok(all.length > young + 3);
    const readFor = async (from: number, to: number) => {
      read.splice(0);
      await history.newest("bronze.events", { count: to - from + 1, from, to });
      return read.length - young;
    };
    ok(await readFor(596, 600) <= 1);
    // The first time all are looked through; then it is known where they begin and end.
    strictEqual(await readFor(1, 5), all.length - young);
    strictEqual(await readFor(1, 5), 1);
  }));

Deno.test("the newest records are found while others join the files that they are in", () =>
  useStore(async (store) => {
    for (let id = 1; id <= 31; id++) await historyIn(store).add([batch(id)]);
    let reads = 0;
    const meanwhile = storeWith(store, {
      read: async (path, options) => {
        if (reads++ === 0) await historyIn(store).add([batch(32)]);
        return await store.read(path, options);
      },
    });
    const found = await historyIn(meanwhile).newest("bronze.events", { count: 3 });
    deepStrictEqual(found.map(({ batchId }) => batchId), [32, 31, 30]);
  }));

Deno.test("pieces of upkeep are told by the time at which they began, whatever their words are", () =>
  useStore(async (store) => {
    const history = new History(UPKEEP, { store, clock: systemClock, random });
    const at = (minute: number) => `2026-03-01T12:0${minute}:00.000Z`;
    await history.add([
      { ...upkeep("a"), startedAt: at(2) },
      { ...upkeep("b"), startedAt: at(1) },
      { ...upkeep("c"), startedAt: at(3), table: "orders.raw", detail: '{"table":"bronze.events"}' },
    ]);
    const found = await history.newest("bronze.events", { count: 5 });
    deepStrictEqual(found.map(({ id }) => id), ["a", "b"]);
  }));
