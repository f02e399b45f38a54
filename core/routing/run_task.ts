import { systemClock } from "../base/clock.ts";
import { StreamlabError } from "../base/errors.ts";
import { Meter } from "../base/meter.ts";
import { mapParallel } from "../base/parallel.ts";
import { Scratch } from "../disk/scratch.ts";
import type { Contract, ContractType } from "../contract/contract.ts";
import type { WrittenFile } from "../engine/copy.ts";
import { batchStem } from "../lake/data_file_name.ts";
import type { DedupeRule } from "../lake/dedupe_rule.ts";
import type { NumberedOutcome, RoutingResult, RoutingTask } from "../lake/routing_task.ts";
import type { PlannedTables } from "../lake/target.ts";
import type { Store } from "../storage/store.ts";
import { placeRoutedFiles } from "./place_routed_files.ts";
import { type PlannedTask, planTask } from "./plan_task.ts";
import { fileStatus, type PreparedFiles, prepareFiles } from "./prepare_files.ts";
import type { RawCopies } from "./raw_copies.ts";
import { canCollectKeys } from "./reader/key_collector.ts";
import { type ReadFiles, readFiles } from "./reader/read_files.ts";
import type { EventKeys } from "./repeats/event_keys.ts";
import type { BatchEvents } from "./repeats/repeat_finder.ts";
import type { RepeatPositions } from "./repeats.ts";
import type { RouteOptions } from "./route_options.ts";
import type { UpsertedBy } from "./upserts/upserts.ts";
import type { NewestRecords } from "./upserts/newest_records.ts";
import type { RoutingEngine } from "./routing_engine.ts";

export interface TaskTools {
  engine: RoutingEngine;
  /** Those that the task names the roots of. */
  stores: { raw: Store; events: Store; deadLetters: Store };
  /** Of the raw store's files. */
  copies: RawCopies;
  /**
   * Local, for what does not outlive the task; on the disk of local tables, so that files can be
   * moved there.
   */
  scratchFolder: string;
  /** Counts files, bytes and records, and times `route` and `place`. */
  meter: Meter;
  /** Where tasks are deduplicated. */
  repeatLookup?: RepeatLookup | undefined;
  /** Where the table holds the newest of each key: finds it among the events of a whole batch. */
  newestLookup?: ((by: UpsertedBy, paths: readonly string[]) => Promise<NewestRecords>) | undefined;
}

/** Finds what of a whole batch repeats the rows of its table, or its own. */
export interface RepeatLookup {
  /** See `keyNumberSql`. */
  readonly secret: string;
  /** The events' keys will be known without DuckDB, before it is asked for anything. */
  expectKeys(): void;
  find(rule: DedupeRule, events: BatchEvents): Promise<RepeatPositions>;
  /** The same before the events are in files; undefined where it takes these. */
  findByKeys(rule: DedupeRule, keys: EventKeys): Promise<RepeatPositions | undefined>;
}

/** A task whose data files lie in scratch. */
export interface RoutedShare {
  files: NumberedOutcome[];
  leftOut: RoutingResult["leftOut"];
  misnamed: RoutingResult["misnamed"];
  /** Dead letters by reason. */
  reasons: RoutingResult["reasons"];
  /** Puts the files into their tables' folders, durably; nothing names them yet. */
  place(): Promise<RoutingResult>;
}

/** Makes the data files of a task. They are durable when it returns. */
export async function runTask(task: RoutingTask, tools: TaskTools): Promise<RoutingResult> {
  return await withScratch(task, tools, async (scratch) => await (await routeTask(task, tools, scratch)).place());
}

/** Scratch for one task's work and the copies of its raw files. */
export async function withScratch<T>(
  { batchId, attempt }: RoutingTask,
  { copies, scratchFolder }: TaskTools,
  work: (scratch: Scratch) => Promise<T>,
): Promise<T> {
  const scratch = Scratch.create(`${scratchFolder}/${batchStem(batchId, attempt)}`);
  copies.begin();
  try {
    return await work(scratch);
  } finally {
    copies.end();
    scratch.remove();
  }
}

/** Does all of `runTask` except placing, for callers that place several tasks together. */
export async function routeTask(task: RoutingTask, tools: TaskTools, scratch: Scratch): Promise<RoutedShare> {
  const { meter } = tools;
  const planned = planTask(task);
  return await meter.time("route", () => new TaskRun(task, planned, tools).route(scratch));
}

class TaskRun {
  readonly #task: RoutingTask;
  readonly #planned: PlannedTask;
  readonly #tools: TaskTools;
  /** Files that have changed or vanished since they were planned, by number. */
  readonly #missing: PreparedFiles["missing"] = new Map();

  constructor(task: RoutingTask, planned: PlannedTask, tools: TaskTools) {
    this.#task = task;
    this.#planned = planned;
    this.#tools = tools;
  }

  /**
   * Routes until no local file has changed meanwhile: what was read of a changed one is discarded.
   */
  async route(scratch: Scratch): Promise<RoutedShare> {
    for (let turn = 0;; turn++) {
      const turnScratch = Scratch.create(scratch.path(`turn-${turn}`));
      let routed: Routed | undefined, failure: unknown;
      try {
        routed = await this.#routeOnce(turnScratch);
      } catch (error) {
        // A file may go before it is opened, or change while it is read.
        failure = error;
      }
      const moved = await this.#findMoved();
      if (moved.size === 0) {
        if (routed === undefined) throw failure;
        return this.#share(routed);
      }
      for (const [number, status] of moved) this.#missing.set(number, status);
      turnScratch.remove();
    }
  }

  async #routeOnce(scratch: Scratch): Promise<Routed> {
    const { options, batchId, ingestedAtMicros } = this.#task;
    const { contract, room, tables, widen } = this.#planned;
    const { engine, stores, copies, meter } = this.#tools;
    const prepared = await prepareFiles(this.#present(), options.format, { store: stores.raw, copies, scratch, meter });
    copies.fetchAhead();
    for (const [number, status] of prepared.missing) this.#missing.set(number, status);
    let latest = tables;
    const search = this.#repeatLookup();
    const read = {
      connect: () => engine.connect(),
      limits: engine.limits,
      readers: engine.readers,
      judgesAll: engine.judgesAll,
      contract,
      onExtraFields: options.onExtraFields,
      onWrongType: options.onWrongType,
      onEmpty: options.onEmpty,
      recordsAt: options.recordsAt,
      pathColumns: options.pathColumns,
      room,
      batchId: BigInt(batchId),
      ingestedAtMicros: BigInt(ingestedAtMicros),
      tablesFor: (wanted: Contract) => latest = wanted === contract ? tables : widen(wanted),
    };
    const { ready, broken } = prepared;
    const routed = await readFiles(ready, broken, { ...read, ...search?.reading, meter, scratch });
    if (routed.repeats !== undefined) return { ...routed, repeats: routed.repeats, tombstones: [], tables: latest };
    const { leftOut: repeats, noTombstones } = await this.#leftOut(routed, search);
    if (repeats.size === 0) return { ...routed, repeats, tombstones: [], tables: latest };
    // Once more without them: that takes less than to take them out of finished files.
    const readWithout = async (name: string, repeats: RepeatPositions, before: ReadFiles) => {
      for (const { path } of [...before.events.written, ...before.deadLetters.written]) scratch.removeFile(path);
      const again = { scratch: Scratch.create(scratch.path(name)), meter: new Meter(systemClock), repeats };
      return await readFiles(ready, broken, { ...read, ...again });
    };
    let before = routed, tombstones: readonly WrittenFile[] = [];
    if (noTombstones !== undefined) {
      before = await readWithout("tombstones", noTombstones, before);
      tombstones = before.events.written;
      before = { ...before, events: { ...before.events, written: [] } };
    }
    return { ...await readWithout("again", repeats, before), repeats, tombstones, tables: latest };
  }

  /** Events that become no rows of the table; of those that remove their keys, all others. */
  async #leftOut(
    routed: ReadFiles,
    search: { find: (routed: ReadFiles) => Promise<RepeatPositions> } | undefined,
  ): Promise<{ leftOut: RepeatPositions; noTombstones?: RepeatPositions | undefined }> {
    const { options: { upsert: rule } } = this.#task;
    if (rule === undefined) return { leftOut: await search?.find(routed) ?? new Map() };
    const { newestLookup, meter } = this.#tools;
    if (newestLookup === undefined) throw this.#noPart("the newest of each key is found in whole batches");
    const paths = routed.events.written.map(({ path }) => path);
    const found = await meter.time("upsert", () => newestLookup({ rule, kindOf: this.#kindOf }, paths));
    return { leftOut: found.superseded, noTombstones: found.noTombstones };
  }

  /** Undefined where repeats are kept. */
  #repeatLookup(): {
    reading: Pick<RouteOptions, "keys" | "decide">;
    find: (routed: ReadFiles) => Promise<RepeatPositions>;
  } | undefined {
    const { options: { dedupe: rule } } = this.#task;
    if (rule === undefined) return undefined;
    const { repeatLookup, meter } = this.#tools;
    if (repeatLookup === undefined) throw this.#noPart("repeats are found in whole batches");
    const find = async ({ events, keys }: ReadFiles) => {
      const paths = events.written.map(({ path }) => path);
      return await meter.time("dedupe", () => repeatLookup.find(rule, { keys, paths }));
    };
    if (canCollectKeys(rule, this.#kindOf)) repeatLookup.expectKeys();
    const decide = (keys: EventKeys) => meter.time("dedupe", () => repeatLookup.findByKeys(rule, keys));
    return { reading: { keys: { rule, secret: repeatLookup.secret }, decide }, find };
  }

  /** What a column is, by the contract. */
  readonly #kindOf = (column: string): ContractType["kind"] | undefined =>
    this.#planned.contract.fields.find(({ name }) => name === column)?.type.kind;

  #noPart(why: string): StreamlabError {
    return new StreamlabError("usage", `Cannot route a part of batch ${this.#task.batchId}: ${why}`, {
      hint: "Route it in one process, with streamlab consume",
    });
  }

  #share(routed: Routed): RoutedShare {
    const { tallies, leftOut, misnamed, reasons: counted, repeats, tables, events, deadLetters } = routed;
    const { sequenceId, batchId, attempt, options } = this.#task;
    const { stores, meter } = this.#tools;
    const files = this.#task.files.map(({ number, name, etag, size, ranges }): NumberedOutcome => {
      const tally = tallies.get(number) ?? { records: 0, events: 0, deadLetters: 0 };
      const status = this.#missing.get(number) ?? "ingested";
      const without = repeats.get(name)?.length ?? 0;
      const why = options.upsert === undefined ? { duplicates: without } : { duplicates: 0, superseded: without };
      return { number, name, etag, size, status, ...tally, events: tally.events - without, ...why, ranges };
    });
    const dropped = { clashing: [...leftOut.clashing], beyond: leftOut.beyond };
    const reasons = Object.fromEntries(counted);
    const place = async (): Promise<RoutingResult> => {
      const stem = batchStem(batchId, attempt);
      const parts = [
        [stores.events, tables.events, events.written],
        [stores.deadLetters, tables.deadLetters, deadLetters.written],
      ] as const;
      const [placedEvents, placedLetters] = await meter.time(
        "place",
        () =>
          mapParallel(parts, parts.length, ([store, table, written]) => placeRoutedFiles(store, table, written, stem)),
      );
      const placed = {
        events: placedEvents!,
        deadLetters: placedLetters!,
        ...await this.#placeTombstones(routed, stem),
      };
      return { format: 1, sequenceId, batchId, attempt, ...placed, files, leftOut: dropped, misnamed, reasons };
    };
    return { files, leftOut: dropped, misnamed, reasons, place };
  }

  async #placeTombstones(
    { tables, events, tombstones }: Routed,
    stem: string,
  ): Promise<Pick<RoutingResult, "tombstones">> {
    if (this.#task.options.upsert === undefined) return {};
    const { stores } = this.#tools;
    return {
      tombstones: await placeRoutedFiles(stores.events, tables.events, tombstones, stem, events.written.length),
    };
  }

  #present(): RoutingTask["files"] {
    return this.#task.files.filter(({ number }) => !this.#missing.has(number));
  }

  /**
   * Files of this disk are read where they lie, and so may change under the reader; others were
   * fetched in the version that was planned.
   */
  async #findMoved(): Promise<PreparedFiles["missing"]> {
    const { raw } = this.#tools.stores;
    const moved: PreparedFiles["missing"] = new Map();
    const local = this.#present().filter(({ path }) => raw.localPath(path) !== undefined);
    await Promise.all(local.map(async (file) => {
      const status = await fileStatus(file, raw);
      if (status !== undefined) moved.set(file.number, status);
    }));
    return moved;
  }
}

interface Routed extends ReadFiles {
  repeats: RepeatPositions;
  tombstones: readonly WrittenFile[];
  tables: PlannedTables;
}
