import type { Clock } from "../base/clock.ts";
import type { Meter } from "../base/meter.ts";
import type { Random } from "../base/random.ts";
import type { LeftOut } from "../contract/extra_columns.ts";
import { Scratch } from "../disk/scratch.ts";
import type { RowRemoval } from "./row_removal.ts";
import type { Store } from "../storage/store.ts";
import type { BatchPlan, PlannedFile } from "../lake/batch_plan.ts";
import { newAttempt } from "../lake/data_file_name.ts";
import type { RoutedBatch } from "../lake/routed_batch.ts";
import { batchOutcomes, combineResults, type Misnamed, type RoutingTask, routingTasks } from "../lake/routing_task.ts";
import type { TargetTables } from "../lake/target.ts";
import type { LoadedTable } from "../iceberg/catalog/catalog.ts";
import { placeLedger } from "./ledger_rows.ts";
import { RawCopies } from "./raw_copies.ts";
import { RepeatFinder } from "./repeats/repeat_finder.ts";
import { RoutingEngine } from "./routing_engine.ts";
import type { IdleThreads } from "./reader/reader_pool.ts";
import { LetterRouter } from "./replay/letter_router.ts";
import { type RepeatLookup, routeTask, type TaskTools, withScratch } from "./run_task.ts";
import { type Replaced, type UpsertedBy, Upserts } from "./upserts/upserts.ts";

export interface RouterOptions {
  /** The store of the raw files. */
  raw: Store;
  clock: Clock;
  random: Random;
  threads: number;
  /** For the threads and DuckDB, a size as DuckDB writes it. */
  memory: string;
  /**
   * Local folder for what does not outlive a batch; on the disk of a local sink, so that files can
   * be moved there.
   */
  scratchFolder: string;
  /** See `RouteOptions`. */
  judgesAll?: boolean;
  /** See `ReaderPoolOptions`. */
  bytesPerThread?: number;
  /** See `ReaderPoolOptions`. */
  idleThreads?: IdleThreads;
}

export interface RoutedPlan {
  routed: RoutedBatch;
  /** Fields that were to become columns, and did not. */
  leftOut?: LeftOut;
  /** What files were read as, where their names say something else. */
  misnamed?: readonly Misnamed[];
  /** Dead letters by reason. */
  reasons?: Readonly<Record<string, number>>;
}

/** Makes data files of a planned batch. */
export interface Router {
  /**
   * The files are durable when it returns, and nothing names them yet. The meter counts files,
   * bytes and records, and times `route` and `place`.
   */
  route(plan: BatchPlan, tables: TargetTables, meter: Meter): Promise<RoutedPlan>;
  /**
   * The likely files of a batch that is not planned yet. They may be fetched now, and threads be
   * started for them, or when the batch in flight has all its files.
   */
  expect?(files: readonly PlannedFile[], when: "now" | "later"): void;
  /** For a commit of a replay or a reingest, which takes rows out of a table. */
  removal?(routed: RoutedBatch, sink: Store): Promise<RowRemoval>;
  /** See `Upserts`; for batches that are upserted. */
  replacedBy?(by: UpsertedBy, events: LoadedTable, routed: RoutedBatch): Promise<Replaced>;
  close(): void;
}

/** Routes each batch as one task in this process. */
export class EmbeddedRouter implements Router {
  readonly #options: RouterOptions;
  readonly #engine: RoutingEngine;
  readonly #copies: RawCopies;
  readonly #letters: LetterRouter;
  #repeats: RepeatFinder | undefined;
  #upserts: Upserts | undefined;

  constructor(options: RouterOptions) {
    this.#options = options;
    this.#engine = new RoutingEngine({ ...options, spillFolder: `${options.scratchFolder}/spill` });
    this.#letters = new LetterRouter(this.#engine, options);
    this.#copies = new RawCopies(options.raw, `${options.scratchFolder}/ahead`);
  }

  expect(files: readonly PlannedFile[], when: "now" | "later"): void {
    if (when === "now") this.#engine.readers.prepare(files.reduce((sum, { size }) => sum + size, 0));
    if (files.length > 0 && this.#options.raw.localPath(files[0]!.path) !== undefined) return;
    this.#copies.expect(files, when);
  }

  close(): void {
    this.#copies.close();
    this.#repeats?.close();
    this.#upserts?.close();
    this.#engine.close();
  }

  /** Made when it is first asked: most targets keep repeats. */
  #repeatFinder(): RepeatFinder {
    if (this.#repeats !== undefined) return this.#repeats;
    const { scratchFolder, random } = this.#options;
    const scratch = Scratch.create(`${scratchFolder}/keys`);
    const { keyBytes: bytesMax } = this.#engine;
    return this.#repeats = new RepeatFinder({ connect: () => this.#engine.connect(), scratch, random, bytesMax });
  }

  replacedBy(by: UpsertedBy, events: LoadedTable, routed: RoutedBatch): Promise<Replaced> {
    return this.#newest().replacedBy(by, events, routed);
  }

  /** Made when it is first asked. */
  #newest(): Upserts {
    if (this.#upserts !== undefined) return this.#upserts;
    const { scratchFolder, random } = this.#options;
    const scratch = Scratch.create(`${scratchFolder}/newest`);
    return this.#upserts = new Upserts({ connect: () => this.#engine.connect(), scratch, random });
  }

  #repeatLookup({ events }: TargetTables): RepeatLookup {
    const finder = this.#repeatFinder();
    return {
      secret: finder.secret,
      expectKeys: () => this.#engine.makeRoomForKeys(),
      findByKeys: (rule, keys) => finder.findByKeys(rule, events, keys),
      find: (rule, batch) => finder.find(rule, events, batch),
    };
  }

  removal(routed: RoutedBatch, sink: Store): Promise<RowRemoval> {
    return this.#letters.removal(routed, sink);
  }

  async route(plan: BatchPlan, tables: TargetTables, meter: Meter): Promise<RoutedPlan> {
    if (plan.replay !== undefined) return await this.#letters.route(plan, plan.replay, tables, meter);
    const { raw, random, clock, threads, memory, scratchFolder } = this.#options;
    const attempt = newAttempt(random);
    const ingestedAtMicros = BigInt(clock.nowMs()) * 1000n;
    const limits = { threads, memory };
    const [task] = routingTasks(plan, tables, { attempts: [attempt], ingestedAtMicros, rawRoot: raw.root, limits }) as [
      RoutingTask,
    ];
    const tools: TaskTools = {
      engine: this.#engine,
      stores: { raw, events: tables.events.io.location.store, deadLetters: tables.deadLetters.io.location.store },
      copies: this.#copies,
      scratchFolder,
      meter,
      repeatLookup: plan.options.dedupe && this.#repeatLookup(tables),
      newestLookup: plan.options.upsert && ((by, paths) => this.#newest().find(by, tables.events, paths)),
    };
    return await withScratch(task, tools, async (scratch) => {
      const share = await routeTask(task, tools, scratch);
      const outcomes = batchOutcomes(plan, share.files);
      const batch = { plan, outcomes, ingestedAtMicros, attempt };
      const placing = [
        share.place(),
        meter.time("place", () => placeLedger(this.#engine.readers.own, scratch, tables.ledger, batch)),
      ] as const;
      await Promise.allSettled(placing);
      const [result, ledger] = await Promise.all(placing);
      const { location } = tables.events.io;
      if (plan.options.dedupe !== undefined) {
        this.#repeats?.placed(result.events.files.map(({ path }) => location.uriOf(path)));
      }
      const routed = combineResults(
        plan,
        { attempt, ingestedAtMicros: ingestedAtMicros.toString(), ledger },
        [result],
      );
      return { routed, leftOut: share.leftOut, misnamed: share.misnamed, reasons: share.reasons };
    });
  }
}
