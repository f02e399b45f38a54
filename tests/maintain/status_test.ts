import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { StreamlabError } from "../../core/base/errors.ts";
import { seededRandom } from "../../core/base/random.ts";
import { ledgerFields } from "../../core/lake/our_columns.ts";
import { ingestionStatus } from "../../core/maintain/status/ingestion_status.ts";
import { tableHealth } from "../../core/maintain/status/table_health.ts";
import { openLocalStore } from "../../core/storage/local/local_store.ts";
import type { Store } from "../../core/storage/store.ts";
import { storeWith } from "../support/store_with.ts";
import { MaintainWorld } from "./maintain_world.ts";

async function withStatus(
  action: (world: MaintainWorld, status: (lake?: Store) => ReturnType<typeof ingestionStatus>) => Promise<void>,
): Promise<void> {
  await MaintainWorld.use(async (world) => {
    const temporaryFolder = await Deno.makeTempDir();
    const options = {
      temporaryFolder,
      threads: 1,
      openRaw: (root: string) => Promise.resolve(openLocalStore(root, { random: seededRandom(1), durable: false })),
      onDamage: () => {},
    };
    try {
      await action(world, (store = world.lake.store) => ingestionStatus({ ...world.surroundings, store }, options));
    } finally {
      await Deno.remove(temporaryFolder, { recursive: true });
    }
  });
}

Deno.test("before the first run every event file waits", () =>
  withStatus(async (world, status) => {
    deepStrictEqual(await status(), [
      {
        table: "bronze.events",
        deadLetterTable: "dead_letters.events",
        raw: "raw/events/",
        waiting: { files: 0, bytes: 0, oldestMs: undefined },
        problem: undefined,
        lastBatch: undefined,
        isLedgerRead: true,
        unreadable: [],
        passedOver: { files: 0, example: undefined },
        plan: undefined,
      },
    ]);
    await world.lake.store.write("raw/events/a.json", new Uint8Array(5));
    await world.lake.store.write("raw/events/deep/b.json", new Uint8Array(7));
    await world.lake.store.write("raw/events/notes.txt", new Uint8Array(9));
    await world.lake.store.write("raw/events/_SUCCESS", new Uint8Array());
    const [{ waiting, passedOver }] = await status() as [Awaited<ReturnType<typeof status>>[number]];
    deepStrictEqual([waiting!.files, waiting!.bytes], [2, 12]);
    deepStrictEqual(passedOver, { files: 1, example: "notes.txt" });
    strictEqual(waiting!.oldestMs, (await world.lake.store.stat("raw/events/a.json"))!.modifiedMs);
  }));

Deno.test("a file that may not be looked at waits, is named, and keeps nobody from the others", () =>
  withStatus(async (world, status) => {
    const { store } = world.lake;
    for (const name of ["a", "b", "c"]) await store.write(`raw/events/${name}.json`, new Uint8Array(5));
    const refusing = storeWith(store, {
      async stat(path) {
        if (path === "raw/events/b.json") throw new StreamlabError("unavailable", "permission denied");
        return await store.stat(path);
      },
    });
    const [{ waiting, unreadable, problem }] = await status(refusing) as [Awaited<ReturnType<typeof status>>[number]];
    deepStrictEqual([waiting!.files, waiting!.bytes, problem], [3, 10, undefined]);
    strictEqual(waiting!.oldestMs, (await store.stat("raw/events/a.json"))!.modifiedMs);
    deepStrictEqual(unreadable, [{ name: "raw/events/b.json", why: "it may not be read" }]);
  }));

Deno.test("what the ledger has ingested waits no more, and its last batch is summed up, for each table", () =>
  withStatus(async (world, status) => {
    for (const name of ["a", "b", "c"]) await world.lake.store.write(`raw/events/${name}.json`, new Uint8Array(5));
    const ledger = await world.lake.create("ingest.files", ledgerFields());
    const row = (table: string, file: string, batch: number, state = "ingested") =>
      `('${table}', 'raw/events/${file}.json', 'e', 5::BIGINT, ${batch}::BIGINT, 10::BIGINT, 8::BIGINT, 2::BIGINT, 0::BIGINT,
      '${state}', TIMESTAMPTZ '2026-03-0${batch} 00:00:00+00')`;
    const names = ledgerFields().map(({ name }) => `"${name}"`).join(", ");
    await world.lake.append(
      ledger,
      `SELECT * FROM (VALUES ${row("bronze.events", "a", 1)}, ${row("bronze.events", "b", 2)},
      ${row("bronze.events", "c", 2, "vanished")}, ${row("orders.raw", "a", 1)}) t(${names})`,
    );
    const summary = (await status()).map(({ table, waiting, lastBatch }) => ({
      table,
      waiting: waiting!.files,
      batch: lastBatch?.batchId,
      files: lastBatch?.files,
      events: lastBatch?.events,
      at: lastBatch?.ingestedAtMs,
    }));
    deepStrictEqual(summary, [
      { table: "bronze.events", waiting: 1, batch: 2n, files: 1n, events: 16n, at: Date.UTC(2026, 2, 2) },
      { table: "orders.raw", waiting: 2, batch: 1n, files: 1n, events: 8n, at: Date.UTC(2026, 2, 1) },
    ]);
  }));

Deno.test("a table's health counts its files, its history and what compaction would take", () =>
  MaintainWorld.use(async (world) => {
    await world.events(4, true);
    const [file] = await world.liveFiles();
    const table = await world.deletePositions([[file!, 0]], { partition: file!.partition });
    const health = await tableHealth(world.surroundings.catalog, table, 1e6);
    const { averageBytes, bytes, oldestSnapshotMs, newestSnapshotMs, ...counts } = health;
    deepStrictEqual(counts, {
      table: "bronze.events",
      records: 40,
      files: 5,
      smallFiles: 5,
      deleteFiles: 1,
      partitions: 2,
      manifests: 5,
      snapshots: 5,
      damages: [],
    });
    strictEqual(averageBytes, Math.round(bytes / 5));
    strictEqual(oldestSnapshotMs, table.metadata.snapshots[0]!.timestampMs);
    strictEqual(newestSnapshotMs, table.metadata.snapshots[4]!.timestampMs);
    strictEqual((await tableHealth(world.surroundings.catalog, table, 1)).smallFiles, 0);
  }));
