import { deepStrictEqual, ok } from "node:assert/strict";
import { type Connection, DuckDb, quotePath } from "../../core/engine/duckdb.ts";
import { FileCatalog } from "../../core/iceberg/catalog/file_catalog.ts";
import { reachableFiles } from "../../core/iceberg/reachable_files.ts";
import { planScan } from "../../core/iceberg/scan/scan.ts";
import { removedRepeats } from "../../core/lake/removed_repeats.ts";
import { removeOrphans } from "../../core/maintain/removal/orphans.ts";
import { Place } from "../commands/place.ts";
import { SimulatedDisk } from "../support/simulated_disk.ts";
import { Crash, type SimulatedStore } from "../support/simulated_store.ts";
import { dedupeEvents, EVENTS } from "./dedupe_events.ts";

const DAY = "2026-03-01T12:00:00Z";
/** The simulated disk's time is long before that of the lake. */
const clockSkewMs = 10 * 365 * 24 * 3_600_000;
/** The fast run tries one point in so many. */
const POINTS_APART = Deno.env.get("STREAMLAB_SIMULATE_ALL") === "1" ? 1 : 17;

/** Of three batches a and b are repeated; two days. */
async function lakeWithRepeats(place: Place): Promise<SimulatedDisk> {
  for (const [index, ids] of ["aab", "bc", "aad"].entries()) {
    const events = [...ids].map((id, at) => ({
      user_id: "u",
      event_id: id,
      event_type: "view",
      event_timestamp: at === 0 ? DAY.replace("01T", "02T") : DAY,
    }));
    place.put(`lake/raw/events/${index}.json`, events);
    await place.records("consume", "--once", "--no-upkeep");
  }
  const disk = new SimulatedDisk({ seed: 1 });
  const take = async (folder: string): Promise<void> => {
    for await (const { name, isDirectory } of Deno.readDir(`${place.folder}/lake/${folder}`)) {
      const path = `${folder}/${name}`;
      if (isDirectory) await take(path);
      else disk.put(path, await Deno.readFile(`${place.folder}/lake/${path}`), true);
    }
  };
  await take("warehouse");
  return disk;
}

function surroundingsOf(store: SimulatedStore) {
  const { clock, random } = store;
  return { store, clock, random, catalog: new FileCatalog({ store, clock, random }) };
}

async function dedupe(place: Place, store: SimulatedStore, mergeOnRead: boolean): Promise<void> {
  const surroundings = surroundingsOf(store);
  await dedupeEvents(surroundings, { mergeOnRead, temporaryFolder: place.temporaryFolder });
  const table = (await surroundings.catalog.loadTable(EVENTS))!;
  await removeOrphans(surroundings, table, { olderThanMs: 0, dryRun: false });
}

/** The rows by key and batch, what the table says was removed, and files that no snapshot names. */
async function inspect(connection: Connection, disk: SimulatedDisk) {
  const { catalog, store } = surroundingsOf(disk.connect({ process: "reader" }));
  const { io, metadata } = (await catalog.loadTable(EVENTS))!;
  const { files } = await planScan(io, metadata);
  const folder = await Deno.makeTempDir();
  const ids: string[] = [];
  let copies = 0;
  const rowsOf = async (uri: string, columns: string) => {
    const local = `${folder}/${copies++}.parquet`;
    await store.getFile(io.location.pathOf(uri), local);
    return await connection.rows(`SELECT ${columns} FROM read_parquet([${quotePath(local)}], file_row_number = true)`);
  };
  try {
    for (const { dataFile, deletes } of files) {
      const deleted = new Set<unknown>();
      for (const { path } of deletes) {
        const rows = await rowsOf(path, "file_path, pos");
        for (const { file_path, pos } of rows) if (file_path === dataFile.path) deleted.add(pos);
      }
      const rows = await rowsOf(dataFile.path, "event_id, _batch_id, file_row_number");
      for (const row of rows) if (!deleted.has(row.file_row_number)) ids.push(`${row.event_id} ${row._batch_id}`);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
  const removed = removedRepeats(metadata.properties, "bronze.events")[0]?.events ?? 0;
  const { dataFiles } = await reachableFiles(io, metadata);
  const known = new Set([...dataFiles].map((uri) => io.location.pathOf(uri)));
  const data = [...disk.files().keys()].filter((path) => path.startsWith("warehouse/bronze/events/data/"));
  return { ids: ids.sort(), removed, strays: data.filter((path) => !known.has(path)) };
}

for (const mergeOnRead of [false, true]) {
  const way = mergeOnRead ? "merge-on-read" : "copy-on-write";
  Deno.test(`who dies at any operation of removing repeats has counted what is gone, and the next one ends it: ${way}`, () =>
    Place.use(async (place) => {
      const database = await DuckDb.open({ threads: 1 });
      const connection = await database.connect();
      try {
        const start = await lakeWithRepeats(place);
        const undisturbed = start.fork();
        await dedupe(place, undisturbed.connect({ process: "victim", clockSkewMs }), mergeOnRead);
        const { ids, removed } = await inspect(connection, undisturbed);
        deepStrictEqual([ids, removed], [["a 1", "b 1", "c 2", "d 3"], 4]);
        const operations = undisturbed.log.filter(({ process }) => process === "victim").length;
        let points = 0;
        for (let point = 0; point < operations * 2; point += POINTS_APART) {
          const disk = start.fork({ seed: point });
          const [ordinal, phase] = [Math.floor(point / 2), point % 2 === 0 ? "before" : "after"];
          disk.hook = (operation, at) =>
            operation.process === "victim" && operation.index === ordinal && at === phase ? { do: "crash" } : undefined;
          await dedupe(place, disk.connect({ process: "victim", clockSkewMs }), mergeOnRead).catch((error) => {
            if (!(error instanceof Crash)) throw error;
            points++;
          });
          const left = await inspect(connection, disk);
          deepStrictEqual(left.ids.length + left.removed, 8, `after a crash ${phase} operation ${ordinal}`);
          await dedupe(place, disk.connect({ process: "next", clockSkewMs }), mergeOnRead);
          const expected = { ids, removed, strays: [] };
          deepStrictEqual(
            await inspect(connection, disk),
            expected,
            `recovered from a crash ${phase} operation ${ordinal}`,
          );
        }
        ok(points >= 3, `${points} points`);
      } finally {
        connection.close();
        database.close();
      }
    }));
}
