import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { setRef } from "../../core/iceberg/action/update_refs.ts";
import { reachableFiles } from "../../core/iceberg/reachable_files.ts";
import { planScan } from "../../core/iceberg/scan/scan.ts";
import { snapshotOfRef } from "../../core/iceberg/format/table_metadata.ts";
import { expireTable } from "../../core/maintain/removal/expire.ts";
import { rewriteTableManifests } from "../../core/maintain/manifests.ts";
import { MaintainWorld } from "./maintain_world.ts";

const all = "SELECT * FROM bronze.events";
const now = { olderThanMs: 0, retainLast: 1, dryRun: false };

/** Files of the table that are there, and those that its snapshots name: by path. */
async function presentAndNamed(world: MaintainWorld): Promise<[string[], string[]]> {
  const { io, metadata } = await world.load();
  const { manifestLists, manifests } = await reachableFiles(io, metadata);
  const scans = await Promise.all(metadata.snapshots.map((snapshot) => planScan(io, metadata, { snapshot })));
  const data = scans.flatMap(({ files }) => files.map(({ dataFile }) => dataFile.path));
  const named = [...new Set([...data, ...manifestLists, ...manifests])].map((uri) => io.location.pathOf(uri));
  const present = (await world.paths("warehouse/")).filter((path) => /\.(avro|parquet)$/.test(path));
  return [present.sort(), named.sort()];
}

Deno.test("expiry deletes exactly the files that no kept snapshot needs", () =>
  MaintainWorld.use(async (world) => {
    await world.events(5);
    await world.compact();
    const before = await world.lake.ask(all);
    const dry = await expireTable(world.surroundings, await world.load(), { ...now, dryRun: true });
    strictEqual((await world.load()).metadata.snapshots.length, 6);
    const report = await expireTable(world.surroundings, await world.load(), now);
    deepStrictEqual(dry, report, "a dry run told the truth");
    deepStrictEqual([report.snapshotIds.length, report.snapshotsKept, report.files.data], [5, 1, 5]);
    const [present, named] = await presentAndNamed(world);
    deepStrictEqual(present, named);
    deepStrictEqual(await world.lake.ask(all), before);
    const nothing = await expireTable(world.surroundings, await world.load(), now);
    deepStrictEqual([nothing.snapshotIds, nothing.files.data], [[], 0]);
  }));

Deno.test("what a tag keeps stays readable", () =>
  MaintainWorld.use(async (world) => {
    const table = await world.events(2);
    const { snapshotId } = snapshotOfRef(table.metadata)!;
    await world.commit((transaction) => {
      transaction.add(setRef(transaction.metadata, "audit", { snapshotId, type: "tag" }));
    });
    await world.lake.append(await world.load(), "SELECT 99::BIGINT AS id");
    await world.compact();
    await expireTable(world.surroundings, await world.load(), now);
    const { metadata } = await world.load();
    deepStrictEqual(metadata.snapshots.map((each) => each.snapshotId).includes(snapshotId), true);
    strictEqual(metadata.snapshots.length, 2);
    const [present, named] = await presentAndNamed(world);
    deepStrictEqual(present, named);
  }));

Deno.test("the last snapshots stay, whatever their age, and young ones, whatever their number", () =>
  MaintainWorld.use(async (world) => {
    await world.events(5);
    strictEqual(
      (await expireTable(world.surroundings, await world.load(), { ...now, retainLast: 3 })).snapshotsKept,
      3,
    );
    const young = { ...now, olderThanMs: 3_600_000 };
    strictEqual((await expireTable(world.surroundings, await world.load(), young)).snapshotsKept, 3);
  }));

Deno.test("manifests become one, and a dry run says so without writing", () =>
  MaintainWorld.use(async (world) => {
    await world.events(4, true);
    const before = await world.lake.ask(all);
    const paths = await world.paths();
    deepStrictEqual(await rewriteTableManifests(world.surroundings, await world.load(), { dryRun: true }), {
      before: 4,
      after: 1,
      rewritten: 4,
    });
    deepStrictEqual(await world.paths(), paths);
    const report = await rewriteTableManifests(world.surroundings, await world.load(), { dryRun: false });
    deepStrictEqual(report, { before: 4, after: 1, rewritten: 4 });
    deepStrictEqual(await world.lake.ask(all), before);
    const again = await rewriteTableManifests(world.surroundings, await world.load(), { dryRun: false });
    deepStrictEqual(again, { before: 1, after: 1, rewritten: 0 });
  }));
