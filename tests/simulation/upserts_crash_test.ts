import { deepStrictEqual, rejects } from "node:assert/strict";
import { Meter } from "../../core/base/meter.ts";
import { FileCatalog } from "../../core/iceberg/catalog/file_catalog.ts";
import type { LoadedTable } from "../../core/iceberg/catalog/catalog.ts";
import { planScan } from "../../core/iceberg/scan/scan.ts";
import { replacedRows } from "../../core/lake/replaced_rows.ts";
import { DEFAULT_TARGET, LEDGER } from "../../core/lake/table_names.ts";
import type { UpsertRule } from "../../core/lake/upsert_rule.ts";
import { compactTable } from "../../core/maintain/compaction/compact_table.ts";
import { removeLeftovers } from "../../core/maintain/removal/leftovers.ts";
import { removeOrphans } from "../../core/maintain/removal/orphans.ts";
import type { Surroundings } from "../../core/maintain/surroundings.ts";
import { UpkeepWorkshop } from "../../core/maintain/upkeep/upkeep_workshop.ts";
import type { TargetTables } from "../../core/lake/target.ts";
import { EmbeddedRouter, type Router } from "../../core/routing/router.ts";
import type { Replaced } from "../../core/routing/upserts/upserts.ts";
import { say } from "../support/say.ts";
import { scratchFolder } from "../support/scratch_folder.ts";
import { SimulatedDisk } from "../support/simulated_disk.ts";
import type { SimulatedStore } from "../support/simulated_store.ts";
import { unnamedFiles } from "../support/unnamed_files.ts";
import { type DataRow, DataRows } from "./world/data_rows.ts";
import { LedgerView } from "./world/ledger_view.ts";
import { routeOnly } from "./world/foreign_columns.ts";
import { type CrashPoint, GRACE_MS, Life, type Tools } from "./world/life.ts";
import type { Stage } from "./world/crash_walk.ts";
import { isAll, placesOf, sample } from "./world/places.ts";
import { arrayOf, invalid, valid } from "./world/raw_files.ts";

/** Each is a run of the whole program with DuckDB. */
const PLACES_MAX = isAll ? Infinity : 60;

const upsert: UpsertRule = {
  by: ["user_id"],
  newest: "event_timestamp",
  deleteWhen: { column: "event_type", is: "d" },
};

function change(user: string, day: number, type = "u") {
  return valid({ user_id: user, event_type: type, event_timestamp: `2026-03-0${day}T12:00:00Z` });
}

type Step = (life: Life) => Promise<void> | void;

const steps: Step[] = [
  (life) => life.land("a.json", arrayOf(change("ann", 1), change("bob", 1), change("ann", 2), change("eve", 5))),
  (life) => life.consume({ upsert }),
  (life) => {
    life.land("b.json", arrayOf(change("ann", 3), change("bob", 2, "d"), invalid()));
    life.land("c.json", arrayOf(change("eve", 4), change("dan", 4)));
  },
  (life) => life.consume({ upsert, maxFilesPerBatch: 1 }),
  (life) => life.land("d.json", arrayOf(change("bob", 1), change("ann", 4), change("dan", 4, "d"))),
  (life) => routeOnly(life, { upsert }),
  (life) => life.maintain(compact),
  (life) => life.consume({ upsert, upkeepMs: 10_000 }),
];
const expected = ["raw/events/a.json 3", "raw/events/d.json 1"];
const records = 12, letters = 1;

async function compact(around: Surroundings, table: LoadedTable): Promise<void> {
  await compactTable(around, table, {
    targetFileSize: 1e6,
    inputsMin: 2,
    sortBy: [],
    dryRun: false,
    signal: new AbortController().signal,
    meter: new Meter(around.clock),
    temporaryFolder: scratchFolder(),
    threads: 1,
  });
}

/** A router that does one thing wrong. */
type Mutation = (router: Router) => Router;

/** Each is made anew for a run. */
const mutations: Record<string, () => Mutation> = {
  "rows that go are looked up before the record, and not again": () => {
    const known = new Map<number, Promise<Replaced>>();
    return (router) => ({
      ...methodsOf(router),
      route: async (plan, tables, meter) => {
        const routing = await router.route(plan, tables, meter);
        const { upsert: rule } = plan.options;
        const by = { rule: rule!, kindOf: () => "timestamptz" };
        known.set(plan.batchId, Promise.resolve(await router.replacedBy!(by, tables.events, routing.routed)));
        return routing;
      },
      replacedBy: (_by, _events, { batchId }) => known.get(batchId)!,
    });
  },
  "removed keys are forgotten": () => (router) => ({
    ...methodsOf(router),
    route: async (plan, tables, meter) => {
      const { routed, ...rest } = await router.route(plan, tables, meter);
      return { ...rest, routed: { ...routed, tombstones: { ...routed.tombstones!, files: [] } } };
    },
  }),
  "rows that go stay": () => (router) => ({
    ...methodsOf(router),
    replacedBy: () => Promise.resolve({ deleteFiles: [], events: 0 }),
  }),
  "rows that go are not counted": () => (router) => ({
    ...methodsOf(router),
    replacedBy: async (by, events, routed) => ({ ...await router.replacedBy!(by, events, routed), events: 0 }),
  }),
  "what stands is what stood at first": () => {
    let first: TargetTables["events"]["metadata"] | undefined;
    return (router) => ({
      ...methodsOf(router),
      route: (plan, tables, meter) => {
        const events = { ...tables.events, metadata: first ??= tables.events.metadata };
        return router.route(plan, { ...tables, events }, meter);
      },
    });
  },
};

function methodsOf(router: Router): Required<Pick<Router, "route" | "replacedBy" | "close">> {
  return {
    route: (...args) => router.route(...args),
    replacedBy: (...args) => router.replacedBy!(...args),
    close: () => router.close(),
  };
}

/** The program itself, over a store that is simulated. */
class World {
  readonly tools: Tools;
  readonly #rows = new DataRows();
  readonly #folder = Deno.makeTempDirSync({ prefix: "streamlab-upserts-" });
  readonly #routers: EmbeddedRouter[] = [];
  readonly #upkeep: UpkeepWorkshop;

  private constructor(mutate: Mutation = (router) => router) {
    const store = new SimulatedDisk().connect();
    const { clock, random } = store;
    const around = { store, clock, random, catalog: new FileCatalog({ store, clock, random }) };
    const upkeep = this.#upkeep = new UpkeepWorkshop(around, { temporaryFolder: scratchFolder(), threads: 1 });
    this.tools = {
      router: (store) => mutate(this.#router(store)),
      known: () => new LedgerView(this.#rows, "bronze.events"),
      openRewriting: () => Promise.resolve(upkeep.openRewriting()),
    };
  }

  static async use(action: (world: World) => Promise<void>, mutate?: Mutation): Promise<void> {
    const world = new World(mutate);
    try {
      await action(world);
    } finally {
      await world.#upkeep.close();
      world.closeRouters();
      world.#rows.close();
      Deno.removeSync(world.#folder, { recursive: true });
    }
  }

  closeRouters(): void {
    for (const router of this.#routers.splice(0)) router.close();
  }

  #router(store: SimulatedStore): EmbeddedRouter {
    const { clock, random } = store;
    const scratchFolder = Deno.makeTempDirSync({ dir: this.#folder });
    const router = new EmbeddedRouter({ raw: store, clock, random, threads: 1, memory: "500MB", scratchFolder });
    this.#routers.push(router);
    return router;
  }

  /** Rows of the table that are not deleted. */
  async rowsOf({ io, metadata }: LoadedTable, disk: SimulatedDisk): Promise<DataRow[]> {
    const files = disk.files();
    const read = async (uri: string): Promise<DataRow[]> => {
      const bytes = files.get(io.location.pathOf(uri))!;
      await this.#rows.learn(bytes);
      return this.#rows.of(bytes);
    };
    const found: DataRow[] = [];
    for (const { dataFile, deletes } of (await planScan(io, metadata)).files) {
      const named = (await Promise.all(deletes.map(({ path }) => read(path)))).flat();
      const deleted = new Set(named.filter((row) => row.file_path === dataFile.path).map(({ pos }) => Number(pos)));
      found.push(...(await read(dataFile.path)).filter((_row, position) => !deleted.has(position)));
    }
    return found;
  }

  async check(life: Life, crashes: readonly CrashPoint[]): Promise<void> {
    const where = JSON.stringify(crashes);
    const reader = life.disk.connect({ process: "reader" });
    const catalog = new FileCatalog({ store: reader, clock: reader.clock, random: reader.random });
    const [table, ledger] = [(await catalog.loadTable(DEFAULT_TARGET))!, (await catalog.loadTable(LEDGER))!];
    const rows = await this.rowsOf(table, life.disk);
    deepStrictEqual(
      rows.map(({ _source_file, _source_position }) => `${_source_file} ${_source_position}`).sort(),
      expected,
      where,
    );
    const lines = await this.rowsOf(ledger, life.disk);
    const sum = (column: string) => lines.reduce((total, row) => total + Number(row[column] ?? 0), 0);
    deepStrictEqual(sum("events") + sum("superseded") + sum("dead_letters"), records, where);
    deepStrictEqual([sum("events") - replacedRows(table.metadata.properties, "bronze.events").events], [
      expected.length,
    ], where);
    deepStrictEqual(sum("dead_letters"), letters);
    const clean = new Life(this.tools, [], { ...life, seed: 998 });
    // An intent of somebody who died counts for a day, and readers of what was expired have time.
    await clean.wait(2 * 24 * 3_600_000);
    for (let round = 0; round < 3; round++) {
      await clean.wait(10 * GRACE_MS);
      await clean.consume({ upsert, upkeepMs: 10_000 });
    }
    await clean.maintain((around, table) => removeOrphans(around, table, { olderThanMs: 0, dryRun: false }));
    await removeLeftovers(clean.surroundings(clean.disk.connect({ process: "upkeep" })), {
      olderThanMs: 0,
      dryRun: false,
    });
    deepStrictEqual(await unnamedFiles(clean.disk.connect({ process: "auditor" })), [], where);
    this.closeRouters();
  }
}

/** Plays the story undisturbed, and checks its end. */
async function stagesOf(world: World): Promise<Stage[]> {
  const stages: Stage[] = [];
  let life = new Life(world.tools);
  for (const [step, action] of steps.entries()) {
    const start = life;
    life = new Life(world.tools, [], { ...start, seed: 1000 * (step + 1) });
    await action(life);
    if (life.operations > 0) stages.push({ start, step, operations: life.operations });
  }
  await world.check(life, []);
  return stages;
}

for (const [name, mutation] of Object.entries(mutations)) {
  Deno.test(`the story of upserts finds out where ${name}`, () =>
    World.use(async (world) => {
      await rejects(() => stagesOf(world), { name: "AssertionError" });
    }, mutation()));
}

Deno.test("who dies at any operation of an upsert has replaced nothing twice, and the next one ends it", () =>
  World.use(async (world) => {
    const places = placesOf(await stagesOf(world));
    const walked = sample(places, PLACES_MAX);
    for (const { stage, point } of walked) {
      let life = new Life(world.tools, [point], { ...stage.start, seed: 1000 * (stage.step + 1) });
      await steps[stage.step]!(life);
      for (let step = stage.step + 1; step < steps.length; step++) {
        life = new Life(world.tools, [], { ...life, seed: 1000 * (step + 1) });
        await steps[step]!(life);
      }
      await world.check(life, [point]);
    }
    say(`upserts: ${walked.length} of ${places.length} crash points walked`);
  }));
