import { defaultContract } from "../../../core/contract/default_contract.ts";
import { Consumer, type ConsumerOptions } from "../../../core/consume/consumer.ts";
import type { RenumberFile } from "../../../core/consume/routed_files.ts";
import type { KnownFiles } from "../../../core/consume/known_files.ts";
import type { Router } from "../../../core/routing/router.ts";
import { identifiersOf } from "../../../core/lake/table_names.ts";
import type { Catalog, LoadedTable } from "../../../core/iceberg/catalog/catalog.ts";
import type { Store } from "../../../core/storage/store.ts";
import { Meter } from "../../../core/base/meter.ts";
import type { Surroundings } from "../../../core/maintain/surroundings.ts";
import { isKind, StreamlabError } from "../../../core/base/errors.ts";
import { FileCatalog } from "../../../core/iceberg/catalog/file_catalog.ts";
import { type Decision, type Operation, type Phase, SimulatedDisk } from "../../support/simulated_disk.ts";
import { unavailable } from "../../support/simulated_faults.ts";
import { Crash, type SimulatedStore } from "../../support/simulated_store.ts";
import { renumberedRows } from "./data_rows.ts";
import { THRESHOLDS } from "../../../core/maintain/upkeep/policy.ts";
import { Upkeep } from "../../../core/maintain/upkeep/upkeep.ts";
import type { Rewriting } from "../../../core/maintain/compaction/rewriting.ts";
import type { FileTruth, Truth } from "./lake_audit.ts";
import type { RawFile } from "./raw_files.ts";

/**
 * Where a process is stopped: at the walker's operation of that ordinal, from 0, right before or
 * after it.
 */
export interface CrashPoint {
  ordinal: number;
  phase: Phase;
  /** It gets an error of the store instead, as from a full disk. */
  fails?: boolean;
}

/** What a process of a simulation works with, made anew for each life of it. */
export interface Tools {
  router(store: SimulatedStore): Router;
  known(store: SimulatedStore): KnownFiles;
  /** Where the tables are; default: the lake's own files. */
  openCatalog?(store: SimulatedStore): Catalog;
  /**
   * What stands between the program and its store and catalog, where a mutation asks for something.
   */
  store?(store: SimulatedStore): Store;
  catalog?(catalog: Catalog): Catalog;
  rewriting?(rewriting: Rewriting, surroundings: Surroundings): Rewriting;
  renumber?: RenumberFile;
  /** Who rewrites the rows for upkeep. */
  openRewriting(surroundings: Surroundings): Promise<Rewriting>;
}

export interface ConsumeChoices extends Partial<ConsumerOptions> {
  /** With upkeep between batches, and so long after the last one, by the clock of the disk. */
  upkeepMs?: number;
  /** Snapshots expire by the commits of batches, and nothing else is done between them. */
  rides?: boolean;
  /** Once, when a create of a path that this matches has happened: what the world does then. */
  when?: { created: RegExp; does: (life: Life) => void };
  /** Other options after the first crash. */
  afterCrash?: Partial<ConsumerOptions>;
}

/** Of upkeep in simulations. */
export const GRACE_MS = 60_000;

/** As the command joins them. */
export function joined(upkeep: Upkeep): Pick<ConsumerOptions, "betweenBatches" | "newRider"> {
  return {
    betweenBatches: ({ tables, renew, idleMs, signal, stop }) => upkeep.run({ tables, renew, idleMs, signal, stop }),
    newRider: () => upkeep.newRider(),
  };
}

/** More restarts than any scenario needs. */
const restartsMax = 20;
export const WALKER = "walker";
const target = { namespace: ["bronze"], name: "events" };

/**
 * A lake, and the lives of the processes that work on it one after another: each is stopped where
 * `crashes` says, and started again until its step is done. What lands in the raw zone meanwhile is
 * noted in `truth`.
 */
export class Life {
  readonly disk: SimulatedDisk;
  readonly truth: Map<string, Map<string, readonly FileTruth[]>>;
  /** What upkeep had to say, which is nothing unless somebody is to be told. */
  readonly notes: string[] = [];
  /** Operations of walkers so far. */
  operations = 0;
  #events: { created: RegExp; does: (life: Life) => void }[] = [];
  readonly tools: Tools;
  readonly crashes: readonly CrashPoint[];

  constructor(
    tools: Tools,
    crashes: readonly CrashPoint[] = [],
    from?: { disk: SimulatedDisk; truth: Truth; seed: number },
  ) {
    this.tools = tools;
    this.crashes = crashes;

    this.disk = from === undefined ? new SimulatedDisk({ seed: 1 }) : from.disk.fork({ seed: from.seed });
    this.disk.hook = (operation, phase) => this.#decide(operation, phase);
    this.truth = new Map([...from?.truth ?? []].map(([name, versions]) => [name, new Map(versions)]));
  }

  /** A raw file appears, or gets new content. `or`: where else its records may go, all of them. */
  land(name: string, file: RawFile, or: FileTruth[] = []): void {
    const path = `raw/events/${name}`;
    this.disk.put(path, file.bytes, true);
    let versions = this.truth.get(path);
    if (versions === undefined) this.truth.set(path, versions = new Map());
    // The same in every run of the scenario, whatever happened before, so that the same batches are
    // routed.
    const etag = `version ${versions.size + 1}`;
    this.disk.version(path)!.info.etag = etag;
    versions.set(etag, [file.truth, ...or]);
  }

  remove(name: string): void {
    this.disk.remove(`raw/events/${name}`, true);
  }

  /** `consume --once`, as often as it takes. */
  async consume(choices: ConsumeChoices = {}): Promise<void> {
    const { when, afterCrash, upkeepMs, rides, ...options } = choices;
    this.#events = when === undefined ? [] : [when];
    let lives = 0;
    await this.work(async (store) => {
      const changes = lives++ === 0 ? options : { ...options, ...afterCrash };
      const upkeep = upkeepMs === undefined && !rides ? undefined : this.upkeep(store);
      const { betweenBatches, newRider } = upkeep === undefined ? {} : joined(upkeep);
      const between = upkeepMs === undefined ? undefined : betweenBatches;
      const consumer = await Consumer.start(this.options(store, { ...changes, betweenBatches: between, newRider }));
      const { signal } = new AbortController();
      await consumer.takeAll(signal, true);
      if (upkeepMs !== undefined) await consumer.pause(upkeepMs, signal);
      await upkeep?.close();
    });
    this.#events = [];
  }

  /** `maintain` of each of the three tables. */
  async maintain(job: (surroundings: Surroundings, table: LoadedTable) => Promise<unknown>): Promise<void> {
    await this.work(async (process) => {
      const around = this.surroundings(process);
      for (const identifier of Object.values(identifiersOf(target))) {
        const table = await around.catalog.loadTable(identifier);
        if (table !== undefined) await job(around, table);
      }
    });
  }

  /** Time goes by. */
  async wait(ms: number): Promise<void> {
    await this.disk.connect({ process: "time" }).clock.sleep(ms);
  }

  /**
   * Runs a process until it ends by itself, anew after each crash and each failure of the store.
   */
  async work(process: (store: SimulatedStore) => Promise<void>): Promise<void> {
    for (let life = 0; life <= restartsMax; life++) {
      try {
        return await process(this.disk.connect({ process: WALKER }));
      } catch (error) {
        const failed = isKind(error, "unavailable");
        if (!(error instanceof Crash) && !failed) throw error;
      }
    }
    throw new Error(`Not done after ${restartsMax} restarts`);
  }

  surroundings(process: SimulatedStore, tidiesLater = false): Surroundings {
    const { clock, random } = process;
    const store = this.tools.store?.(process) ?? process;
    const catalog = this.tools.openCatalog?.(process) ?? new FileCatalog({ store, clock, random, tidiesLater });
    return { catalog: this.tools.catalog?.(catalog) ?? catalog, store, clock, random };
  }

  /** Of somebody whom no mutation concerns. */
  foreignSurroundings(process: SimulatedStore): Surroundings {
    const { clock, random } = process;
    const catalog = this.tools.openCatalog?.(process) ?? new FileCatalog({ store: process, clock, random });
    return { catalog, store: process, clock, random };
  }

  options(process: SimulatedStore, changes: Partial<ConsumerOptions> = {}): ConsumerOptions {
    const { catalog, store, clock, random } = this.surroundings(process, true);
    return {
      catalog,
      sink: store,
      zone: { store, prefix: "raw/events/", nameBase: "", format: undefined },
      target,
      contract: defaultContract(),
      partitionBy: [],
      onExtraFields: "dead-letter",
      onChangedFile: "ignore",
      maxFilesPerBatch: 2,
      maxBytesPerBatch: 1e9,
      clock,
      random,
      meter: new Meter(clock),
      router: this.tools.router(process),
      known: this.tools.known(process),
      renumber: this.tools.renumber ?? renumberedRows,
      report: { batch: () => {}, file: () => {}, note: () => {} },
      ...changes,
    };
  }

  /** Everything pays. */
  upkeep(process: SimulatedStore, graceMs = GRACE_MS): Upkeep {
    const around = this.surroundings(process, true);
    return new Upkeep(around, {
      ...THRESHOLDS,
      keepSnapshots: 2,
      graceMs,
      memoryBytes: 1e9,
      threads: 1,
      // As much as there is to do.
      share: 10,
      expiredMin: 1,
      inputsMin: 2,
      deletedMin: 1,
      openRewriting: async () => {
        const rewriting = await this.tools.openRewriting(around);
        return this.tools.rewriting?.(rewriting, around) ?? rewriting;
      },
      report: () => {},
      note: (text) => this.notes.push(text),
    });
  }

  #decide(operation: Operation, phase: Phase): Decision | undefined {
    if (operation.process !== WALKER) return undefined;
    if (phase === "after" && operation.name === "create") this.#happen(operation.path);
    const ordinal = phase === "before" ? this.operations++ : this.operations - 1;
    const point = this.crashes.find((point) => point.phase === phase && point.ordinal === ordinal);
    if (point === undefined) return undefined;
    return point.fails ? { do: "fail", error: unavailable(operation) } : { do: "crash" };
  }

  #happen(path: string): void {
    const due = this.#events.filter(({ created }) => created.test(path));
    this.#events = this.#events.filter((event) => !due.includes(event));
    for (const { does } of due) does(this);
  }
}

/**
 * Errors that ask for another try; all others are bugs. A maintainer may find that others have
 * expired what it looks at.
 */
export function isHarmless(error: unknown, process: string): boolean {
  if (!(error instanceof StreamlabError)) return false;
  return error.kind === "unavailable" || error.kind === "conflict" ||
    (process.startsWith("maintainer") && error.kind === "not-found");
}
