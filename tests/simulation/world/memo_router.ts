import { createHash } from "node:crypto";
import { systemClock } from "../../../core/base/clock.ts";
import { Meter } from "../../../core/base/meter.ts";
import { seededRandom } from "../../../core/base/random.ts";
import type { BatchPlan, PlannedFile } from "../../../core/lake/batch_plan.ts";
import { recordText } from "../../../core/lake/durable_record.ts";
import type { RoutedBatch } from "../../../core/lake/routed_batch.ts";
import { EmbeddedRouter, type Router } from "../../../core/routing/router.ts";
import { type TargetTables } from "../../../core/lake/target.ts";
import { TABLE_ROLES } from "../../../core/lake/table_names.ts";
import { schemaToJson } from "../../../core/iceberg/format/schema.ts";
import { currentSchema } from "../../../core/iceberg/format/table_metadata.ts";
import { openLocalStore } from "../../../core/storage/local/local_store.ts";
import type { Store } from "../../../core/storage/store.ts";
import { TableIo } from "../../../core/iceberg/table_io.ts";
import { TableLocation } from "../../../core/iceberg/table_location.ts";
import { ManualClock } from "../../support/manual_clock.ts";
import type { SimulatedStore } from "../../support/simulated_store.ts";
import { attemptName, readPlanned } from "./light_router.ts";
import type { DataRows } from "./data_rows.ts";

/** What the real router made of a batch, once. */
interface Routing {
  routed: RoutedBatch;
  stem: string;
  files: { path: string; bytes: Uint8Array }[];
}

type Content = Uint8Array | "changed" | "vanished";

/**
 * Routes each distinct batch once, with the real router on a local folder, and remembers what came
 * of it.
 */
export class RoutingMemo {
  readonly #memo = new Map<string, Routing>();
  readonly #raw: Store;
  readonly #sink: Store;
  readonly #etags: Map<string, string>;
  readonly folder: string;
  readonly router: EmbeddedRouter;
  readonly rows: DataRows;

  private constructor(
    folder: string,
    router: EmbeddedRouter,
    rows: DataRows,
    world: { raw: Store; sink: Store; etags: Map<string, string> },
  ) {
    this.folder = folder;
    this.router = router;
    this.rows = rows;

    this.#raw = world.raw;
    this.#sink = world.sink;
    this.#etags = world.etags;
  }

  static open(rows: DataRows): RoutingMemo {
    const folder = Deno.makeTempDirSync({ prefix: "streamlab-routing-" });
    const random = seededRandom(1);
    const open = (name: string) => openLocalStore(`${folder}/${name}`, { random, durable: false });
    const etags = new Map<string, string>();
    const raw = withEtags(open("raw"), etags), sink = open("sink");
    const router = new EmbeddedRouter({
      raw,
      clock: new ManualClock(),
      random,
      threads: 1,
      memory: "500MB",
      scratchFolder: `${folder}/scratch`,
    });
    return new RoutingMemo(folder, router, rows, { raw, sink, etags });
  }

  close(): void {
    this.router.close();
    Deno.removeSync(this.folder, { recursive: true });
  }

  async routing(plan: BatchPlan, tables: TargetTables, contents: readonly Content[]): Promise<Routing> {
    const key = this.#key(plan, tables, contents);
    let routing = this.#memo.get(key);
    if (routing === undefined) this.#memo.set(key, routing = await this.#route(plan, tables, contents));
    return routing;
  }

  async #route(plan: BatchPlan, tables: TargetTables, contents: readonly Content[]): Promise<Routing> {
    const files: PlannedFile[] = [];
    for (const [index, planned] of plan.files.entries()) files.push(await this.#stage(planned, contents[index]!));
    const { routed } = await this.router.route({ ...plan, files }, this.#moved(tables), new Meter(systemClock));
    const paths = TABLE_ROLES.flatMap((role) =>
      routed[role].files.map(({ path }) => tables[role].io.location.pathInStore(path))
    );
    const made = await Promise.all(paths.map(async (path) => ({ path, bytes: await this.#sink.read(path) })));
    for (const { bytes } of made) await this.rows.learn(bytes);
    const stem = `${plan.batchId.toString().padStart(8, "0")}-${routed.attempt}`;
    return { routed, stem, files: made };
  }

  /** The tables as if their files were in the local folder. */
  #moved(tables: TargetTables): TargetTables {
    const moved = { ...tables };
    for (const role of TABLE_ROLES) {
      const { folder, recorded } = tables[role].io.location;
      const io = new TableIo(new TableLocation(this.#sink, folder, recorded), seededRandom(1));
      moved[role] = { ...tables[role], io };
    }
    return moved;
  }

  /**
   * The planned file as it lies in the local raw folder, under the etag that it has in the
   * simulation.
   */
  async #stage(planned: PlannedFile, content: Content): Promise<PlannedFile> {
    if (content === "vanished") return { ...planned, path: `vanished/${planned.path}` };
    const path = `${this.#etags.size}/${planned.path}`;
    await this.#raw.write(path, content === "changed" ? new Uint8Array(1) : content);
    this.#etags.set(path, content === "changed" ? "another" : planned.etag);
    return { ...planned, path };
  }

  #key(plan: BatchPlan, tables: TargetTables, contents: readonly Content[]): string {
    const hash = createHash("sha1");
    const { plannedAt: _time, sequenceId: _sequence, files, changed, ...rules } = plan;
    hash.update(JSON.stringify([rules, files.map(({ name, etag }) => [name, etag]), changed]));
    for (const content of contents) {
      hash.update(content).update("\n");
    }
    for (const role of TABLE_ROLES) {
      const { metadata } = tables[role];
      hash.update(
        JSON.stringify([schemaToJson(currentSchema(metadata)), metadata.lastColumnId, metadata.defaultSpecId]),
      );
    }
    return hash.digest("hex");
  }
}

/** The store as it is, but for the versions of its files. */
function withEtags(store: Store, etags: ReadonlyMap<string, string>): Store {
  const stat: Store["stat"] = async (path) => {
    const info = await store.stat(path);
    return info && { ...info, etag: etags.get(path) ?? info.etag };
  };
  return new Proxy(store, {
    get(target, key) {
      const value = key === "stat" ? stat : Reflect.get(target, key, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

/**
 * A router whose every step on the store is one of the simulation's: it looks at each file, reads
 * it, and writes what the memo has for the batch under names of a new attempt.
 */
export class MemoRouter implements Router {
  readonly #memo: RoutingMemo;
  readonly #store: SimulatedStore;

  constructor(memo: RoutingMemo, store: SimulatedStore) {
    this.#memo = memo;
    this.#store = store;
  }

  close(): void {}

  async route(plan: BatchPlan, tables: TargetTables): Promise<{ routed: RoutedBatch }> {
    const contents: Content[] = [];
    for (const { path, etag } of plan.files) {
      contents.push(await readPlanned(this.#store, path, etag));
    }
    const { routed, stem, files } = await this.#memo.routing(plan, tables, contents);
    const attempt = attemptName(this.#store);
    const renamed = (text: string) => text.replaceAll(stem, `${stem.slice(0, 8)}-${attempt}`);
    for (const { path, bytes } of files) {
      await this.#store.write(renamed(path), bytes);
    }
    const replayed: RoutedBatch = JSON.parse(renamed(recordText(routed)));
    const outcomes = [...plan.files, ...plan.changed].map(({ etag, size }, index) => ({
      ...replayed.files[index]!,
      etag,
      size,
    }));
    return { routed: { ...replayed, attempt, sequenceId: plan.sequenceId, files: outcomes } };
  }
}
