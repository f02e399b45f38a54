import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { systemClock } from "../../core/base/clock.ts";
import { Meter } from "../../core/base/meter.ts";
import { EmbeddedKnownFiles } from "../../core/consume/embedded_known_files.ts";
import { Scratch } from "../../core/disk/scratch.ts";
import { DuckDb } from "../../core/engine/duckdb.ts";
import type { LoadedTable } from "../../core/iceberg/catalog/catalog.ts";
import { LEDGER } from "../../core/lake/table_names.ts";
import { compactTable } from "../../core/maintain/compaction/compact_table.ts";
import { expireTable } from "../../core/maintain/removal/expire.ts";
import type { Store } from "../../core/storage/store.ts";
import { storeWith } from "../support/store_with.ts";
import { ConsumeWorld } from "./consume_world.ts";
import { scratchFolder } from "../support/scratch_folder.ts";

const event = (id: string) =>
  `{"user_id":"u","event_id":"${id}","event_type":"t","event_timestamp":"2026-03-01T00:00:00Z"}`;

/** A follower of the ledger, as of one in a bucket, and the files that it has fetched for that. */
class Follower {
  readonly #known: EmbeddedKnownFiles;
  readonly #world: ConsumeWorld;
  readonly #fetched = new Set<string>();

  private constructor(world: ConsumeWorld, fewMax: number) {
    this.#world = world;
    const scratch = Scratch.create(`${world.folder}/known`);
    this.#known = new EmbeddedKnownFiles(() => DuckDb.open({ threads: 1 }), "bronze.events", scratch, fewMax);
  }

  static async use(
    world: ConsumeWorld,
    fewMax: number,
    action: (follower: Follower) => Promise<void>,
  ): Promise<void> {
    const follower = new Follower(world, fewMax);
    try {
      await action(follower);
    } finally {
      follower.#known.close();
    }
  }

  async ledger(): Promise<LoadedTable> {
    const { store } = this.#world;
    const remote: Store = storeWith(store, {
      localPath: () => undefined,
      getFile: (path, to, options) => {
        this.#fetched.add(path);
        return store.getFile(path, to, options);
      },
      read: (path, options) => {
        if (path.includes("/data/")) this.#fetched.add(path);
        return store.read(path, options);
      },
    });
    return (await this.#world.catalogOn(remote).loadTable(LEDGER))!;
  }

  /** How many data files of the ledger that took. */
  async follow(): Promise<number> {
    await this.#known.follow(await this.ledger());
    const { size } = this.#fetched;
    this.#fetched.clear();
    return size;
  }

  async knows(...names: string[]): Promise<string[]> {
    const unknown = await this.#known.unknownNames(names.map((name) => `raw/events/${name}`));
    return names.filter((name) => !unknown.has(`raw/events/${name}`));
  }

  lastWithRows() {
    return this.#known.lastWithRows();
  }
}

async function ingest(world: ConsumeWorld, name: string, text = event(name)): Promise<void> {
  world.put(name, text);
  await world.consume();
}

function surroundings({ store, catalog, random }: ConsumeWorld) {
  return { store, catalog, random, clock: systemClock };
}

async function compactLedger(world: ConsumeWorld): Promise<void> {
  const ledger = (await world.catalog.loadTable(LEDGER))!;
  await compactTable(surroundings(world), ledger, {
    targetFileSize: 1e6,
    inputsMin: 2,
    sortBy: [],
    dryRun: false,
    temporaryFolder: scratchFolder(),
    threads: 1,
    signal: new AbortController().signal,
    meter: new Meter(systemClock),
  });
}

for (const [by, fewMax] of [["", 20_000], [", by DuckDB", 0]] as const) {
  Deno.test(`who follows the ledger reads what was added, not what it knows${by}`, () =>
    ConsumeWorld.use((world) =>
      Follower.use(world, fewMax, async (follower) => {
        for (const name of ["a.ndjson", "b.ndjson", "c.ndjson"]) await ingest(world, name);
        strictEqual(await follower.follow(), 3);
        strictEqual(await follower.follow(), 0);
        await ingest(world, "d.ndjson");
        await ingest(world, "e.ndjson", "{}\n");
        strictEqual(await follower.follow(), 2);
        const names = ["a.ndjson", "b.ndjson", "c.ndjson", "d.ndjson", "e.ndjson"];
        deepStrictEqual(await follower.knows(...names, "f.ndjson"), names);
        deepStrictEqual(follower.lastWithRows(), { events: 4n, deadLetters: 5n });
      })
    ));

  Deno.test(`a compaction of the ledger is followed without reading a file, and what was added beside it is not missed${by}`, () =>
    ConsumeWorld.use((world) =>
      Follower.use(world, fewMax, async (follower) => {
        for (const name of ["a.ndjson", "b.ndjson"]) await ingest(world, name);
        strictEqual(await follower.follow(), 2);
        await compactLedger(world);
        strictEqual((await follower.ledger()).metadata.snapshots.at(-1)!.summary.operation, "replace");
        strictEqual(await follower.follow(), 0);
        await ingest(world, "c.ndjson");
        await compactLedger(world);
        await ingest(world, "d.ndjson");
        strictEqual(await follower.follow(), 2);
        const names = ["a.ndjson", "b.ndjson", "c.ndjson", "d.ndjson"];
        deepStrictEqual(await follower.knows(...names), names);
      })
    ));

  Deno.test(`where the snapshots in between are expired, or their files gone, all of the ledger is read${by}`, () =>
    ConsumeWorld.use((world) =>
      Follower.use(world, fewMax, async (follower) => {
        for (const name of ["a.ndjson", "b.ndjson"]) await ingest(world, name);
        await follower.follow();
        await ingest(world, "c.ndjson");
        await compactLedger(world);
        const stale = await follower.ledger();
        await ingest(world, "d.ndjson");
        const ledger = (await world.catalog.loadTable(LEDGER))!;
        await expireTable(surroundings(world), ledger, { olderThanMs: -1, retainLast: 1, dryRun: false });
        ok(await follower.follow() >= 2);
        const names = ["a.ndjson", "b.ndjson", "c.ndjson", "d.ndjson"];
        deepStrictEqual(await follower.knows(...names), names);
        strictEqual(stale.metadata.snapshots.length, 4);
      })
    ));
}
