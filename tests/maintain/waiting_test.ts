import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { systemClock } from "../../core/base/clock.ts";
import { setRef } from "../../core/iceberg/action/update_refs.ts";
import type { LoadedTable } from "../../core/iceberg/catalog/catalog.ts";
import { planScan } from "../../core/iceberg/scan/scan.ts";
import { snapshotOfRef } from "../../core/iceberg/format/table_metadata.ts";
import { type Intent, listIntents, PATIENCE_MS, writeIntent } from "../../core/lake/intent.ts";
import { listRemovals, type Removal, type StandingRemoval, writeRemoval } from "../../core/lake/removal.ts";
import { deleteWaiting, settleUnreleased } from "../../core/maintain/removal/delete_waiting.ts";
import { expireLater } from "../../core/maintain/removal/expire_later.ts";
import { removeOrphans } from "../../core/maintain/removal/orphans.ts";
import { upkeepStatus } from "../../core/maintain/status/upkeep_status.ts";
import { usualPolicy } from "../../core/maintain/upkeep/policy.ts";
import { deleteDue } from "../../core/maintain/upkeep/waiting.ts";
import { MaintainWorld } from "./maintain_world.ts";

const retention = () => ({ nowMs: systemClock.nowMs(), olderThanMs: 0, retainLast: 1 });
const name = { namespace: ["bronze"], name: "events" };
const hourMs = 3_600_000;

async function expire(world: MaintainWorld): Promise<Removal> {
  const { removal } = await expireLater(world.surroundings, await world.load(), retention);
  return removal!;
}

async function exist(
  world: MaintainWorld,
  { io: { location } }: LoadedTable,
  uris: readonly string[],
): Promise<boolean[]> {
  return await Promise.all(uris.map(async (uri) => await world.lake.store.stat(location.pathOf(uri)) !== undefined));
}

function filesOf({ dataFiles, manifests, manifestLists }: Removal): string[] {
  return [...dataFiles, ...manifests, ...manifestLists];
}

function intentOf({ metadata }: LoadedTable, inputs: string[]): Intent {
  const id = "compact-00000000-0000-4000-8000-000000000000";
  return {
    format: 2,
    kind: "compaction",
    id,
    table: "bronze.events",
    tableUuid: metadata.tableUuid,
    startedAt: "2026-03-01T12:00:00Z",
    stem: `warehouse/bronze/events/data/${id}-`,
    inputs,
    fenced: false,
    patienceMs: PATIENCE_MS,
  };
}

Deno.test("an expiry deletes nothing, and whoever holds an old snapshot reads on until the files are deleted", () =>
  MaintainWorld.use(async (world) => {
    const reader = await world.events(4);
    const held = await planScan(reader.io, reader.metadata);
    await world.compact();
    const rows = await world.lake.ask("SELECT * FROM bronze.events");
    const removal = await expire(world);
    deepStrictEqual([removal.snapshots.length, removal.released, removal.dataFiles.length], [4, true, 4]);
    ok(removal.bytes > held.files.reduce((sum, { dataFile }) => sum + dataFile.fileSizeBytes, 0));
    const paths = held.files.map(({ dataFile }) => dataFile.path);
    deepStrictEqual(new Set(await exist(world, reader, [...paths, ...filesOf(removal)])), new Set([true]));

    // Orphan removal leaves them to the list, however old they are to be.
    await removeOrphans(world.surroundings, await world.load(), { olderThanMs: 0, dryRun: false });
    deepStrictEqual(new Set(await exist(world, reader, filesOf(removal))), new Set([true]));

    const done = await deleteWaiting(world.surroundings, name, [removal]);
    deepStrictEqual(done, { files: filesOf(removal).length, bytes: removal.bytes, removals: 1 });
    deepStrictEqual(new Set(await exist(world, reader, filesOf(removal))), new Set([false]));
    deepStrictEqual(await listRemovals(world.lake.store), []);
    deepStrictEqual(await world.lake.ask("SELECT * FROM bronze.events"), rows);
  }));

/** Once, when all records of the lake have been listed. */
function whenRecordsAreListed({ lake: { store } }: MaintainWorld, action: () => Promise<void>): void {
  const list = store.list.bind(store);
  let isDone = false;
  Object.assign(store, {
    list: async function* (...args: Parameters<typeof list>) {
      yield* list(...args);
      if (isDone || args[0] !== "checkpoints/") return;
      isDone = true;
      await action();
    },
  });
}

Deno.test("files of an expiry that comes while orphans are looked for wait for their readers, too", () =>
  MaintainWorld.use(async (world) => {
    await world.events(4);
    await world.compact();
    await world.lake.append(await world.load(), "SELECT 99::BIGINT AS id");
    await world.compact();
    const waits: string[] = [];
    whenRecordsAreListed(world, async () => void waits.push(...filesOf(await expire(world))));
    const { paths } = await removeOrphans(world.surroundings, await world.load(), { olderThanMs: 0, dryRun: false });
    ok(waits.some((uri) => uri.includes("/data/")) && waits.some((uri) => uri.endsWith(".avro")));
    deepStrictEqual(paths, []);
    deepStrictEqual(new Set(await exist(world, await world.load(), waits)), new Set([true]));
  }));

Deno.test("what several expiries left is deleted together: a disk writes each folder down once, not once for each", () =>
  MaintainWorld.use(async (world) => {
    await world.events(2);
    const removals: Removal[] = [];
    for (let expiry = 0; expiry < 3; expiry++) {
      await world.events(2);
      await world.compact();
      removals.push(await expire(world));
    }
    const { store } = world.lake;
    const deletePaths = store.deletePaths.bind(store);
    const deletions: number[] = [];
    Object.assign(store, {
      deletePaths: (paths: string[]) => {
        deletions.push(paths.length);
        return deletePaths(paths);
      },
    });
    const files = [...new Set(removals.flatMap(filesOf))];
    const bytes = removals.reduce((sum, removal) => sum + removal.bytes, 0);
    const done = await deleteWaiting(world.surroundings, name, removals);
    deepStrictEqual(done, { files: files.length, bytes, removals: 3 });
    // Data, manifests, their lists, and last the records that name them.
    deepStrictEqual([deletions.length, deletions.at(-1)], [4, 3]);
    deepStrictEqual(new Set(await exist(world, await world.load(), files)), new Set([false]));
    deepStrictEqual(await listRemovals(store), []);
  }));

Deno.test("a file that the table, a tag or a branch names is not deleted, whatever a list says", () =>
  MaintainWorld.use(async (world) => {
    const table = await world.events(3);
    const { snapshotId } = snapshotOfRef(table.metadata)!;
    await world.commit((transaction) => {
      transaction.add(setRef(transaction.metadata, "audit", { snapshotId, type: "tag" }));
    });
    await world.compact();
    await world.lake.append(await world.load(), "SELECT 99::BIGINT AS id");
    const tagged = (await planScan(table.io, table.metadata)).files.map(({ dataFile }) => dataFile.path);
    const live = (await world.liveFiles()).map(({ path }) => path);
    const { metadata } = await world.load();
    const lists = metadata.snapshots.flatMap(({ manifestList }) => manifestList ?? []);
    const removal: Removal = { ...await expire(world), dataFiles: [...tagged, ...live], manifestLists: lists };
    await writeRemoval(world.lake.store, removal);
    await deleteWaiting(world.surroundings, name, [removal]);
    deepStrictEqual(new Set(await exist(world, table, [...tagged, ...live])), new Set([true]));
    const kept = (await world.load()).metadata.snapshots.flatMap(({ manifestList }) => manifestList ?? []);
    deepStrictEqual(new Set(await exist(world, table, kept)), new Set([true]));
    strictEqual((await world.lake.ask("SELECT * FROM bronze.events")).length, 31);
  }));

Deno.test("files that a rewrite under way reads wait for it", () =>
  MaintainWorld.use(async (world) => {
    const table = await world.events(3);
    await world.compact();
    const removal = await expire(world);
    const intent = intentOf(table, [removal.dataFiles[0]!]);
    await writeIntent(world.lake.store, intent);
    deepStrictEqual(await deleteWaiting(world.surroundings, name, [removal]), { files: 0, bytes: 0, removals: 0 });
    deepStrictEqual(new Set(await exist(world, table, filesOf(removal))), new Set([true]));
    strictEqual((await listRemovals(world.lake.store)).length, 1);
  }));

Deno.test("files that a rewrite has read whose owner is gone wait for it no more", () =>
  MaintainWorld.use(async (world) => {
    const table = await world.events(3);
    await world.compact();
    const removal = await expire(world);
    await writeIntent(world.lake.store, { ...intentOf(table, [removal.dataFiles[0]!]), patienceMs: -1 });
    const { files, removals } = await deleteWaiting(world.surroundings, name, [removal]);
    deepStrictEqual([files, removals], [filesOf(removal).length, 1]);
    deepStrictEqual([await listIntents(world.lake.store), await listRemovals(world.lake.store)], [[], []]);
  }));

Deno.test("new files of a rewrite that was committed wait for their readers, whoever settles its intent", () =>
  MaintainWorld.use(async (world) => {
    await world.events(2);
    await world.compact();
    const rewritten = (await world.liveFiles())[0]!.path;
    await world.lake.append(await world.load(), "SELECT 99::BIGINT AS id");
    await world.compact();
    // A snapshot names what it has deleted, too, as long as it stays.
    const table = await world.lake.append(await world.load(), "SELECT 100::BIGINT AS id");
    const { dataFiles } = await expire(world);
    ok(dataFiles.includes(rewritten));
    // Its owner died between the commit and this.
    const [stem, id] = /^.*\/(compact-[0-9a-f-]{36})-/.exec(table.io.location.pathOf(rewritten))!;
    await writeIntent(world.lake.store, { ...intentOf(table, []), id: id!, stem, patienceMs: -1 });
    const { abandonedRewrites, paths } = await removeOrphans(world.surroundings, table, {
      olderThanMs: 0,
      dryRun: false,
    });
    deepStrictEqual([abandonedRewrites, paths], [1, []]);
    deepStrictEqual(await exist(world, table, dataFiles), dataFiles.map(() => true));
  }));

Deno.test("files of another table, and places that are no table's, are left alone, whatever a list says", () =>
  MaintainWorld.use(async (world) => {
    const table = await world.events(2);
    const other = await world.lake.create("bronze.others", [{
      id: 0,
      name: "id",
      required: true,
      type: { type: "long" },
    }]);
    const appended = await world.lake.append(other, "SELECT 1::BIGINT AS id");
    const { dataFile } = (await planScan(appended.io, appended.metadata)).files[0]!;
    await world.compact();
    const removal = await expire(world);
    const wrong = {
      ...removal,
      dataFiles: [dataFile.path, table.io.location.uriOf("../../../raw/events/x.parquet")],
      manifests: [appended.metadataLocation, table.metadataLocation],
    };
    await deleteWaiting(world.surroundings, name, [wrong]);
    deepStrictEqual(await exist(world, appended, [dataFile.path, appended.metadataLocation]), [true, true]);
    strictEqual((await world.lake.ask("SELECT * FROM bronze.others")).length, 1);
  }));

Deno.test("an expiry whose owner died is released when its snapshots are gone, and discarded when they are there", () =>
  MaintainWorld.use(async (world) => {
    await world.events(3);
    await world.compact();
    const before = await world.load();
    const removal = await expire(world);
    const { store } = world.lake;
    const settle = async (nowMs: number) => {
      const isAbandoned = ({ modifiedMs }: StandingRemoval) => nowMs - modifiedMs >= usualPolicy().commitMsMax;
      await settleUnreleased(world.surroundings, name, await listRemovals(store), isAbandoned);
      return (await listRemovals(store)).map((each) => each.removal.released);
    };
    await writeRemoval(store, { ...removal, released: false });
    const nowMs = systemClock.nowMs();
    deepStrictEqual(await settle(nowMs), [false], "its owner may still be at it");
    deepStrictEqual(await settle(nowMs + hourMs), [true]);
    const there = before.metadata.snapshots.at(-1)!.snapshotId.toString();
    await writeRemoval(store, { ...removal, released: false, snapshots: [there] });
    deepStrictEqual(await settle(nowMs + hourMs), []);
  }));

Deno.test("what waits is in the status, and goes with the orphans once its readers are gone", () =>
  MaintainWorld.use(async (world) => {
    await world.events(3);
    await world.compact();
    const removal = await expire(world);
    const files = filesOf(removal).length;
    const policy = { ...usualPolicy(), graceMs: hourMs };
    const status = async () => (await upkeepStatus(world.surroundings, [name], policy))[0]!.debt;
    const { waitingFiles, waitingBytes, dueFiles } = await status();
    deepStrictEqual([waitingFiles, waitingBytes, dueFiles], [files, removal.bytes, 0]);
    deepStrictEqual(await deleteDue(world.surroundings, name, policy, 24 * hourMs), { files: 0, bytes: 0 });
    await writeRemoval(world.lake.store, { ...removal, released: false });
    deepStrictEqual(await deleteDue(world.surroundings, name, policy, hourMs), { files: 0, bytes: 0 });
    deepStrictEqual(await deleteDue(world.surroundings, name, policy, 0), { files, bytes: removal.bytes });
    deepStrictEqual((await status()).waitingFiles, 0);
  }));
