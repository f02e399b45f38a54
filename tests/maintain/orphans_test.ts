import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import { runProgram } from "../../commands/line/program.ts";
import { systemClock } from "../../core/base/clock.ts";
import { seededRandom } from "../../core/base/random.ts";
import { Checkpoint } from "../../core/lake/checkpoint.ts";
import { appendFiles } from "../../core/iceberg/action/append_files.ts";
import { type Intent, writeIntent } from "../../core/lake/intent.ts";
import { originOf } from "../../core/lake/data_file_name.ts";
import { removeLeftovers } from "../../core/maintain/removal/leftovers.ts";
import { removeOrphans } from "../../core/maintain/removal/orphans.ts";
import { openLocalStore } from "../../core/storage/local/local_store.ts";
import { probeCreate } from "../../core/storage/probe.ts";
import { storeNowMs } from "../../core/maintain/store_clock.ts";
import { commands } from "../../main.ts";
import { storeWith } from "../support/store_with.ts";
import { unnamedFiles } from "../support/unnamed_files.ts";
import { testWorld } from "../support/test_world.ts";
import { eventRows, MaintainWorld } from "./maintain_world.ts";
import { batchPlan, routedBatch } from "./records.ts";

const folder = "warehouse/bronze/events";
const all = "SELECT * FROM bronze.events";
const day = 24 * 3_600_000;
const now = { olderThanMs: 0, dryRun: false };

/** Writes files of old age: their time of modification is a week ago. */
async function litter(world: MaintainWorld, ...paths: string[]): Promise<void> {
  for (const path of paths) {
    await world.lake.store.write(path, new TextEncoder().encode("litter"));
    const weekAgo = new Date(world.surroundings.clock.nowMs() - 7 * day);
    await Deno.utime(world.lake.store.localPath(path)!, weekAgo, weekAgo);
  }
}

async function orphans(world: MaintainWorld, olderThanMs = 3 * day): Promise<string[]> {
  const table = await world.load();
  const before = await world.paths();
  const dry = await removeOrphans(world.surroundings, table, { olderThanMs, dryRun: true });
  deepStrictEqual(await world.paths(), before, "a dry run changes nothing");
  const report = await removeOrphans(world.surroundings, table, { olderThanMs, dryRun: false });
  deepStrictEqual(report.paths, dry.paths, "a dry run tells the truth");
  const after = await world.paths();
  deepStrictEqual(before.filter((path) => !after.includes(path)), report.paths.toSorted());
  return report.paths;
}

Deno.test("old files that nothing names go, all others stay", () =>
  MaintainWorld.use(async (world) => {
    await world.events(3);
    const before = await world.lake.ask(all);
    const orphaned = [
      `${folder}/data/at_day=2026-03-01/lost.parquet`,
      `${folder}/data/lost.parquet`,
      `${folder}/metadata/0123-m0.avro`,
      `${folder}/metadata/snap-1-x.avro`,
    ];
    await litter(
      world,
      ...orphaned,
      `${folder}/data/_hidden`,
      `${folder}/data/.part.crc`,
      `${folder}/metadata/x.stats`,
      `${folder}/metadata/x.puffin`,
      `${folder}/metadata/notes.txt`,
      "warehouse/bronze/events2/data/other.parquet",
      "raw/events/a.json",
    );
    await world.lake.store.write(`${folder}/data/young.parquet`, new Uint8Array(1));
    deepStrictEqual(await orphans(world), orphaned);
    deepStrictEqual(await orphans(world), []);
    deepStrictEqual(await orphans(world, 0), [], "what may be another engine's is left alone for an hour");
    deepStrictEqual(await world.lake.ask(all), before);
  }));

Deno.test("what lost commits of ours have left goes at any age, after a fence", () =>
  MaintainWorld.use(async (world) => {
    await world.events(1);
    const before = await world.lake.ask(all);
    const left = [
      `${folder}/metadata/00112233445566778899aabbccddeeff-m0.avro`,
      `${folder}/metadata/snap-17-0011223344556677.avro`,
    ];
    const others = [
      `${folder}/metadata/2f2c0e0e-0000-4000-8000-000000000000-m0.avro`,
      `${folder}/metadata/snap-18-1-2f2c0e0e-0000-4000-8000-000000000000.avro`,
    ];
    for (const path of [...left, ...others]) await world.lake.store.write(path, new Uint8Array(1));
    deepStrictEqual((await removeOrphans(world.surroundings, await world.load(), now)).paths, left);
    const { snapshots } = (await world.load()).metadata;
    deepStrictEqual(snapshots.at(-1)!.summary["streamlab.fenced-files"], "2");
    deepStrictEqual((await removeOrphans(world.surroundings, await world.load(), now)).paths, []);
    strictEqual((await world.load()).metadata.snapshots.length, snapshots.length, "nothing to fence, no fence");
    deepStrictEqual(await world.lake.ask(all), before);
  }));

Deno.test("a commit whose manifests are taken for orphans is made anew, with others", () =>
  MaintainWorld.use(async (world) => {
    const table = await world.events(1);
    const append = { files: await world.lake.writeFiles(table, eventRows(50, 5)) };
    let tries = 0;
    await world.commit(async (transaction) => {
      transaction.add(await appendFiles(transaction, append));
      if (tries++ > 0) return;
      const { paths } = await removeOrphans(world.surroundings, await world.load(), now);
      strictEqual(paths.filter((path) => path.endsWith(".avro")).length, 2);
    });
    strictEqual(tries, 2);
    strictEqual((await world.lake.ask(all)).length, 15);
    deepStrictEqual(await unnamedFiles(world.lake.store), []);
  }));

Deno.test("probes and clock files of killed processes go, and new ones are made where one goes too early", () =>
  MaintainWorld.use(async (world) => {
    await world.events(1);
    const id = "0a1b2c3d-0000-4000-8000-000000000000";
    const left = [
      `checkpoints/bronze.events/.streamlab-probe-${id}`,
      `checkpoints/maintain/clock-${id}`,
      `warehouse/.streamlab-probe-${id}`,
    ];
    const { store } = world.lake;
    for (const path of left) await store.write(path, new Uint8Array());
    const { paths: kept } = await removeLeftovers(world.surroundings, { olderThanMs: day, dryRun: false });
    const { paths: dry } = await removeLeftovers(world.surroundings, { olderThanMs: 0, dryRun: true });
    deepStrictEqual([kept, dry], [[], left]);
    deepStrictEqual((await removeLeftovers(world.surroundings, { olderThanMs: 0, dryRun: false })).paths, left);
    deepStrictEqual(await unnamedFiles(store), []);
    let taken = 0;
    const thief = storeWith(store, {
      create: async (path, bytes) => {
        const won = await store.create(path, bytes);
        if (taken++ === 0) await store.deletePaths([path]);
        return won;
      },
      stat: async (path) => taken++ === 0 ? (await store.deletePaths([path]), undefined) : await store.stat(path),
    });
    await probeCreate(thief, "checkpoints", world.surroundings.random, "");
    taken = 0;
    ok(await storeNowMs({ store: thief, random: world.surroundings.random }) > 0);
    deepStrictEqual(await unnamedFiles(store), []);
  }));

Deno.test("what a planned batch or a routed record names stays", () =>
  MaintainWorld.use(async (world) => {
    await world.events(1);
    const checkpoint = new Checkpoint(world.lake.store, "bronze.events");
    await checkpoint.createPlan(batchPlan(7));
    await checkpoint.createRouted(routedBatch(7, ["data/at_day=2026-03-01/00000007-00000000000a-00000.parquet"]));
    await checkpoint.createPlan(batchPlan(8));
    const kept = [
      `${folder}/data/at_day=2026-03-01/00000007-00000000000a-00000.parquet`,
      `${folder}/data/at_day=2026-03-01/00000008-00000000000b-00000.parquet`,
    ];
    const lost = [
      `${folder}/data/at_day=2026-03-01/00000006-00000000000b-00000.parquet`,
      `${folder}/data/at_day=2026-03-01/00000007-00000000000b-00000.parquet`,
    ];
    await litter(world, ...kept, ...lost);
    deepStrictEqual(await orphans(world), lost);
    deepStrictEqual(await world.paths(`${folder}/data/at_day`), kept);
  }));

Deno.test("records that cannot be read stop orphan removal", () =>
  MaintainWorld.use(async (world) => {
    await world.events(1);
    await litter(world, `${folder}/data/lost.parquet`);
    const options = { olderThanMs: 0, dryRun: false };
    await world.lake.store.write("checkpoints/bronze.events/000000000001.routed.json", new Uint8Array());
    await rejects(removeOrphans(world.surroundings, await world.load(), options), /Cannot read the routed record/);
    await world.lake.store.deletePaths(["checkpoints/bronze.events/000000000001.routed.json"]);
    await world.lake.store.write("checkpoints/intents/x.json", new Uint8Array());
    await rejects(removeOrphans(world.surroundings, await world.load(), options), /Cannot read the intent/);
    strictEqual((await world.paths(`${folder}/data/lost.parquet`)).length, 1);
  }));

Deno.test("files of a rewrite under way stay, those of an abandoned one go", () =>
  MaintainWorld.use(async (world) => {
    const table = await world.events(1);
    const intent = (id: string, stem: string): Intent => ({
      format: 2,
      patienceMs: 24 * 3_600_000,
      kind: "compaction",
      id,
      table: "bronze.events",
      tableUuid: table.metadata.tableUuid,
      startedAt: "2026-03-01T00:00:00Z",
      stem: `${folder}/data/${stem}`,
      inputs: [],
      fenced: false,
    });
    const [alive, dead] = [1, 2].map((n) => `compact-00000000-0000-4000-8000-00000000000${n}`);
    await litter(world, `${folder}/data/${alive}-00000.parquet`, `${folder}/data/${dead}-00000.parquet`);
    await writeIntent(world.lake.store, intent(alive!, `${alive}-`));
    await writeIntent(world.lake.store, intent(dead!, `${dead}-`));
    const path = world.lake.store.localPath(`checkpoints/intents/${dead}.json`)!;
    const weekAgo = new Date(world.surroundings.clock.nowMs() - 7 * day);
    await Deno.utime(path, weekAgo, weekAgo);
    const report = await removeOrphans(world.surroundings, table, { olderThanMs: 3 * day, dryRun: false });
    deepStrictEqual([report.abandonedRewrites, report.paths], [1, [`${folder}/data/${dead}-00000.parquet`]]);
    deepStrictEqual(await world.paths("checkpoints/"), [`checkpoints/intents/${alive}.json`]);
    strictEqual((await world.load()).metadata.snapshots.length, 2, "the fence is a snapshot");
  }));

Deno.test("paths that engines spell differently are the same", () =>
  MaintainWorld.use(async (world) => {
    const table = await world.events(1);
    const [file] = await world.lake.writeFiles(table, eventRows(90, 1));
    const spelled = (path: string) => ({ ...file!, path });
    const append = {
      files: [
        spelled(`${table.io.location.recorded}/data/p=a%20b/x.parquet`),
        spelled(`${table.io.location.recorded}//data/p=ü/y.parquet`.normalize("NFD")),
        spelled(table.io.location.recorded.replace("file://", "file:") + "/data/z.parquet"),
      ],
    };
    await world.commit(async (transaction) => transaction.add(await appendFiles(transaction, append)));
    await litter(
      world,
      `${folder}/data/p=a b/x.parquet`,
      `${folder}/data/p=ü/y.parquet`.normalize("NFC"),
      `${folder}/data/z.parquet`,
      `${folder}/data/q.parquet`,
    );
    const report = await removeOrphans(world.surroundings, await world.load(), { olderThanMs: day, dryRun: false });
    deepStrictEqual(report.paths, [`${folder}/data/q.parquet`]);
  }));

Deno.test("old versions of the metadata that the log has forgotten go, no others", () =>
  MaintainWorld.use(async (world) => {
    await world.events(2);
    const { metadata } = await world.load();
    strictEqual(metadata.metadataLog.length, 2);
    await litter(world, `${folder}/metadata/v0.metadata.json`);
    deepStrictEqual(await orphans(world), [`${folder}/metadata/v0.metadata.json`]);
    const versions = (await world.paths(`${folder}/metadata/v`)).filter((path) => path.endsWith("json"));
    strictEqual(versions.length, 3);
  }));

Deno.test("the names of all files that consume and compaction write say that they were announced", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const run = async (...args: string[]) => {
      const world = testWorld({ commands, cwd: folder });
      strictEqual(await runProgram(args, { ...world, clock: systemClock }), 0, world.stderrText());
    };
    const names = async () => {
      const store = openLocalStore(`${folder}/lake`, { random: seededRandom(1) });
      const found: string[] = [];
      for await (const { path } of store.list("warehouse/")) if (path.includes("/data/")) found.push(path);
      return found;
    };
    await run("produce", "--batches", "4", "--dirty", "--interval", "0", "--seed", "1");
    await run("consume", "--once", "--max-files-per-batch", "2");
    const written = await names();
    ok(written.length >= 5, written.join());
    deepStrictEqual(written.filter((path) => originOf(path)?.kind !== "batch"), []);
    await run("maintain", "--compact");
    const rewritten = (await names()).filter((path) => !written.includes(path));
    ok(rewritten.length >= 2, rewritten.join());
    deepStrictEqual(rewritten.filter((path) => originOf(path)?.kind !== "rewrite"), []);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
