import { deepStrictEqual, ok } from "node:assert/strict";
import { quoteText } from "../../core/engine/duckdb.ts";
import { FileCatalog } from "../../core/iceberg/catalog/file_catalog.ts";
import { planScan } from "../../core/iceberg/scan/scan.ts";
import { expireTable } from "../../core/maintain/removal/expire.ts";
import { rewriteTableManifests } from "../../core/maintain/manifests.ts";
import { removeOrphans } from "../../core/maintain/removal/orphans.ts";
import { SimulatedDisk } from "../support/simulated_disk.ts";
import { Crash, type SimulatedStore } from "../support/simulated_store.ts";
import { MaintainWorld } from "./maintain_world.ts";

const name = { namespace: ["bronze"], name: "events" };

/** The simulated disk's time is long before that of the rows. */
const clockSkewMs = 10 * 365 * 24 * 3_600_000;
/** The fast run tries one point in so many. */
const POINTS_APART = Deno.env.get("STREAMLAB_SIMULATE_ALL") === "1" ? 1 : 7;

/** The world's lake as a simulated disk. */
async function diskOf(world: MaintainWorld): Promise<SimulatedDisk> {
  const disk = new SimulatedDisk({ seed: 1 });
  for (const path of await world.paths()) disk.put(path, await world.lake.store.read(path), true);
  return disk;
}

/** One round of all upkeep, as one process; so many groups are rewritten at once. */
async function lookAfter(world: MaintainWorld, store: SimulatedStore, threads: number): Promise<void> {
  const { clock, random } = store;
  const surroundings = { store, clock, random, catalog: new FileCatalog({ store, clock, random }) };
  const load = async () => (await surroundings.catalog.loadTable(name))!;
  await world.compactFrom(await load(), { threads }, surroundings);
  await rewriteTableManifests(surroundings, await load(), { dryRun: false });
  await expireTable(surroundings, await load(), { olderThanMs: 0, retainLast: 1, dryRun: false });
  await removeOrphans(surroundings, await load(), { olderThanMs: 0, dryRun: false });
}

/** The ids in the table, and the data files that are there without belonging to it. */
async function inspect(world: MaintainWorld, disk: SimulatedDisk): Promise<{ ids: number[]; strays: string[] }> {
  const store = disk.connect({ process: "reader" });
  const { clock, random } = store;
  const table = (await new FileCatalog({ store, clock, random }).loadTable(name))!;
  const { files } = await planScan(table.io, table.metadata);
  const folder = await Deno.makeTempDir();
  try {
    const live = files.map(({ dataFile }) => table.io.location.pathOf(dataFile.path));
    for (const [index, path] of live.entries()) await store.getFile(path, `${folder}/${index}.parquet`);
    const rows = await world.lake.connection.rows(
      `SELECT id::INT AS id FROM read_parquet(${quoteText(`${folder}/*.parquet`)}) ORDER BY id`,
    );
    const strays = [...disk.files().keys()].filter((path) => path.endsWith(".parquet") && !live.includes(path));
    return { ids: rows.map((row) => row.id as number), strays };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/**
 * One after another a run is the same each time. At once groups come in any order: a few points
 * must do.
 */
const ways = [
  { way: "one group after another", threads: 1, pointsApart: POINTS_APART, pointsMin: 11 },
  { way: "two groups at once", threads: 2, pointsApart: 5 * POINTS_APART, pointsMin: 3 },
];

for (const { way, threads, pointsApart, pointsMin } of ways) {
  Deno.test(`a maintainer that dies at any operation loses no row, and the next one leaves nothing of it: ${way}`, () =>
    MaintainWorld.use(async (world) => {
      await world.events(6, true);
      const start = await diskOf(world);
      const undisturbed = start.fork();
      await lookAfter(world, undisturbed.connect({ clockSkewMs }), threads);
      const expected = await inspect(world, undisturbed);
      deepStrictEqual([expected.ids.length, expected.strays], [60, []]);
      const operations = undisturbed.log.filter(({ process }) => process !== "reader").length;
      let points = 0;
      for (let point = 0; point < operations * 2; point += pointsApart) {
        const disk = start.fork({ seed: point });
        const [ordinal, phase] = [Math.floor(point / 2), point % 2 === 0 ? "before" : "after"];
        disk.hook = (operation, at) =>
          operation.process === "victim" && operation.index === ordinal && at === phase ? { do: "crash" } : undefined;
        let crashed = false;
        await lookAfter(world, disk.connect({ process: "victim", clockSkewMs }), threads).catch((error) => {
          if (!(error instanceof Crash)) throw error;
          crashed = true;
        });
        deepStrictEqual((await inspect(world, disk)).ids, expected.ids, `after a crash ${phase} operation ${ordinal}`);
        const next = disk.connect({ process: "next", clockSkewMs });
        // What expiry left is announced by nobody, so it counts as an orphan after an hour.
        await next.clock.sleep(2 * 3_600_000);
        await lookAfter(world, next, threads);
        deepStrictEqual(await inspect(world, disk), expected, `recovered from a crash ${phase} operation ${ordinal}`);
        if (crashed) points++;
      }
      ok(points >= pointsMin, `${points} points`);
    }));
}
