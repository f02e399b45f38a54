import { deepStrictEqual, ok } from "node:assert/strict";
import { systemClock } from "../../core/base/clock.ts";
import { Gate } from "../../core/base/gate.ts";
import { seededRandom } from "../../core/base/random.ts";
import { ConsumeSession } from "../../core/consume/consume_session.ts";
import { type Catalog, identifierText, type LoadedTable } from "../../core/iceberg/catalog/catalog.ts";
import { usualPolicy } from "../../core/maintain/upkeep/policy.ts";
import { Upkeep } from "../../core/maintain/upkeep/upkeep.ts";
import { UpkeepWorkshop } from "../../core/maintain/upkeep/upkeep_workshop.ts";
import { ConsumeWorld } from "../consume/consume_world.ts";
import { pythonTest } from "../support/python.ts";
import { scratchFolder } from "../support/scratch_folder.ts";
import { SPARK_VERSIONS, sparkTest } from "../support/spark.ts";

const BATCHES = 9;
/** Everything pays soon, and files go as soon as nothing needs them. */
const policy = {
  ...usualPolicy(),
  keepSnapshots: 2,
  graceMs: 0,
  share: 1e6,
  expiredMin: 2,
  inputsMin: 3,
  deletedMin: 4,
};

/** Events of two days, and dead letters, by seed. */
function recordsOf(batch: number): string {
  const random = seededRandom(batch);
  return Array.from({ length: 20 }, (_, record) =>
    JSON.stringify({
      user_id: random.next() < 0.2 ? 7 : `user-${record}`,
      event_id: `${batch}-${record}`,
      event_type: "page_view",
      event_timestamp: `2026-03-0${random.next() < 0.3 ? 1 : 2}T12:00:00.123Z`,
    })).join("\n");
}

/** A catalog that shows each table as a commit has left it, before the next follows. */
function showing(catalog: Catalog, show: (table: LoadedTable) => Promise<void>): Catalog {
  const commit = catalog.commit.bind(catalog);
  return Object.assign(catalog, {
    commit: async (change: Parameters<typeof commit>[0]) => {
      const table = await commit(change);
      await show(table);
      return table;
    },
  });
}

async function fill(world: ConsumeWorld, catalog: Catalog): Promise<Set<string>> {
  const surroundings = { store: world.store, catalog, clock: systemClock, random: world.random };
  const workshop = new UpkeepWorkshop(surroundings, { temporaryFolder: scratchFolder(), threads: 1 });
  const done = new Set<string>();
  const upkeep = new Upkeep(surroundings, {
    ...policy,
    openRewriting: () => workshop.openRewriting(),
    report: ({ action, table }) => void done.add(`${action} ${table}`),
    note: (text) => void world.remarks.push(text),
  });
  const session = await ConsumeSession.open(world.options({
    catalog,
    partitionBy: [{ column: "event_timestamp", transform: { name: "day" } }],
    newRider: () => upkeep.newRider(),
    betweenBatches: (pause) => upkeep.run(pause),
  }));
  try {
    for (let batch = 0; batch < BATCHES; batch++) {
      world.put(`${batch}.ndjson`, recordsOf(batch));
      await session.runOnce(new AbortController().signal);
    }
  } finally {
    session.close();
    await upkeep.close();
    await workshop.close();
  }
  return done;
}

/** What each engine sees in the version of that metadata file, as ordered JSON texts. */
type See = (metadataPath: string) => Promise<Record<string, string[]>>;

/** Consumes by the seed, with upkeep between, and compares at every commit. */
function compareAtEveryCommit(see: See): Promise<void> {
  return ConsumeWorld.use(async (world) => {
    const gate = new Gate(1);
    const operations = new Set<string>();
    let commits = 0, rowsSeen = 0;
    const show = async (table: LoadedTable) => {
      const { io: { location }, metadata, metadataLocation } = table;
      const name = identifierText(table.identifier);
      const seen = await see(location.store.localPath(location.pathOf(metadataLocation))!);
      const ours = await world.rows(`SELECT to_json(t)::VARCHAR AS j FROM {{${name}}} t ORDER BY j`);
      const rows = ours.map(({ j }) => j as string);
      const expected = Object.fromEntries(Object.keys(seen).map((engine) => [engine, rows]));
      deepStrictEqual(seen, expected, `${name} after commit ${commits}`);
      operations.add(metadata.snapshots.at(-1)?.summary.operation ?? "none");
      commits++;
      rowsSeen = Math.max(rowsSeen, rows.length);
    };
    const catalog = showing(world.catalogOn(world.store), (table) => gate.pass(1, () => show(table)));
    const done = await fill(world, catalog);
    deepStrictEqual(world.remarks, []);
    const jobs = ["compact", "expire-snapshots", "remove-files"];
    const tables = ["bronze.events", "dead_letters.events", "ingest.files"];
    deepStrictEqual([...done].sort(), jobs.flatMap((job) => tables.map((table) => `${job} ${table}`)).sort());
    ok(operations.has("append") && operations.has("replace"), [...operations].join());
    ok(commits > 3 * BATCHES && rowsSeen > 100, `${commits} commits, ${rowsSeen} rows`);
  });
}

pythonTest(
  "PyIceberg and DuckDB see the rows that we see at every commit of batches and of upkeep between them",
  (python) => python.converse("follow_table.py", (ask) => compareAtEveryCommit((path) => ask(path))),
);

sparkTest(
  "Spark sees the rows that we see at every commit of batches and of upkeep between them",
  (useSpark) =>
    useSpark(scratchFolder(), (spark) => compareAtEveryCommit(async (path) => ({ spark: await spark.rowsOf(path) }))),
  // One session answers for all commits; what differs between versions, other tests look at.
  SPARK_VERSIONS.slice(-1),
);
