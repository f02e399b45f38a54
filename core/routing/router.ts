import type { Clock } from "../base/clock.ts";
import type { Meter } from "../base/meter.ts";
import { mapParallel } from "../base/parallel.ts";
import type { Random } from "../base/random.ts";
import { adoptAddedColumns, columnRoom, type LeftOut } from "../contract/extra_columns.ts";
import { parseContract } from "../contract/json_schema.ts";
import type { Contract } from "../contract/contract.ts";
import { type Connection, DuckDb } from "../engine/duckdb.ts";
import { Scratch } from "../disk/scratch.ts";
import { currentSchema } from "../iceberg/format/table_metadata.ts";
import { registerBucketFunction } from "../tables/write/partition_sql.ts";
import type { Store } from "../storage/store.ts";
import type { BatchPlan, PlannedFile } from "../lake/batch_plan.ts";
import { batchStem, newAttempt } from "../lake/data_file_name.ts";
import { writeLedgerRows } from "./ledger_rows.ts";
import { placeRoutedFiles } from "./place_routed_files.ts";
import { fileStatus, type PreparedFiles, prepareFiles } from "./prepare_files.ts";
import { RawCopies } from "./raw_copies.ts";
import type { FileOutcome, RoutedBatch } from "../lake/routed_batch.ts";
import { type JudgingFunction, registerJudgingFunction } from "./judging_function.ts";
import { type RoutedFiles, routeFiles } from "./route_files.ts";
import { plannedTable, TablePlanner, type TargetTables } from "../lake/target.ts";
import { TABLE_ROLES } from "../lake/table_names.ts";

export interface RouterOptions {
  /** The store of the raw files. */
  raw: Store;
  /** For data files, instead of their tables' own stores. */
  sink?: Store;
  clock: Clock;
  random: Random;
  threads: number;
  /** DuckDB's memory limit, as it writes it. */
  memory: string;
  /**
   * Local folder for what does not outlive a batch; on the disk of a local sink, so that files can
   * be moved there.
   */
  scratchFolder: string;
}

export interface RoutedPlan {
  routed: RoutedBatch;
  /** Of all data files, in their stores. */
  paths: string[];
  /** Fields that were to become columns, and did not. */
  leftOut?: LeftOut;
}

/** Makes data files of a planned batch. */
export interface Router {
  /**
   * The files are durable when it returns, and nothing names them yet. `paths` are all of them, in
   * their stores. The meter counts files, bytes and records, and times `route` and `place`.
   */
  route(plan: BatchPlan, tables: TargetTables, meter: Meter): Promise<RoutedPlan>;
  /**
   * What a batch that is not planned yet will take, most likely: its files may be fetched, at once
   * or when the batch under way has all of its own.
   */
  expect?(files: readonly PlannedFile[], when: "now" | "later"): void;
  close(): void;
}

/** The router that runs DuckDB in this process. */
export class EmbeddedRouter implements Router {
  readonly #copies: RawCopies;
  readonly #options: RouterOptions;
  readonly #database: DuckDb;
  readonly #connection: Connection;
  readonly #judging: JudgingFunction;

  private constructor(options: RouterOptions, database: DuckDb, connection: Connection, judging: JudgingFunction) {
    this.#options = options;
    this.#database = database;
    this.#connection = connection;
    this.#judging = judging;

    this.#copies = new RawCopies(options.raw, `${options.scratchFolder}/ahead`);
  }

  static async open(options: RouterOptions): Promise<EmbeddedRouter> {
    const { memory, scratchFolder, threads } = options;
    const database = await DuckDb.open({ threads, memory, tempDirectory: `${scratchFolder}/spill` });
    const connection = await database.connect();
    const judging = await registerJudgingFunction(connection);
    await registerBucketFunction(connection);
    return new EmbeddedRouter(options, database, connection, judging);
  }

  expect(files: readonly PlannedFile[], when: "now" | "later"): void {
    if (files.length > 0 && this.#options.raw.localPath(files[0]!.path) !== undefined) return;
    this.#copies.expect(files, when);
  }

  close(): void {
    this.#copies.close();
    this.#connection.close();
    this.#database.close();
  }

  async route(plan: BatchPlan, tables: TargetTables, meter: Meter): Promise<RoutedPlan> {
    const { random, scratchFolder, sink, clock } = this.#options;
    const attempt = newAttempt(random);
    const stem = batchStem(plan.batchId, attempt);
    const scratch = Scratch.create(`${scratchFolder}/${stem}`);
    this.#copies.begin();
    try {
      const ingestedAtMicros = BigInt(clock.nowMs()) * 1000n;
      const ledger = plannedTable(tables.ledger);
      const { routed, outcomes, ledgerRows } = await meter.time("route", async () => {
        const stable = await this.#routeStable(plan, tables, scratch, ingestedAtMicros, meter);
        const batch = { plan, outcomes: stable.outcomes, ingestedAtMicros };
        return { ...stable, ledgerRows: await writeLedgerRows(this.#connection, scratch, ledger, batch) };
      });
      const { events, deadLetters } = routed;
      const [placedEvents, placedLetters, placedLedger] = await meter.time("place", () =>
        mapParallel(
          [[events.table, events.written], [deadLetters.table, deadLetters.written], [ledger, ledgerRows]] as const,
          TABLE_ROLES.length,
          ([table, written]) => placeRoutedFiles(sink ?? table.store, table, written, stem),
        ));
      const parts = { events: placedEvents!, deadLetters: placedLetters!, ledger: placedLedger! };
      const folders = [events.table, deadLetters.table, ledger].map((table) => table.dataFolder.replace(/data$/, ""));
      const paths = [parts.events, parts.deadLetters, parts.ledger]
        .flatMap((part, index) => part.files.map((file) => folders[index]! + file.path));
      const { sequenceId, batchId } = plan;
      return {
        routed: {
          format: 1,
          sequenceId,
          batchId,
          attempt,
          ingestedAtMicros: ingestedAtMicros.toString(),
          ...parts,
          files: outcomes,
        },
        paths,
        leftOut: routed.leftOut,
      };
    } finally {
      this.#copies.end();
      scratch.remove();
    }
  }

  /**
   * Routes until no file of this disk has changed meanwhile: what was read of one that did is
   * thrown away.
   */
  async #routeStable(
    plan: BatchPlan,
    tables: TargetTables,
    scratch: Scratch,
    ingestedAtMicros: bigint,
    meter: Meter,
  ): Promise<{ routed: PlannedRouting; outcomes: FileOutcome[] }> {
    const missing: PreparedFiles["missing"] = new Map();
    const present = () => plan.files.map((_file, number) => number).filter((number) => !missing.has(number));
    for (let turn = 0;; turn++) {
      const turnScratch = Scratch.create(scratch.path(`turn-${turn}`));
      const { raw: store } = this.#options;
      let routed: PlannedRouting | undefined, failure: unknown;
      try {
        const preparation = { store, copies: this.#copies, scratch: turnScratch, meter };
        const prepared = await prepareFiles(plan, present(), preparation);
        this.#copies.fetchAhead();
        for (const [number, status] of prepared.missing) missing.set(number, status);
        routed = await this.#routePrepared(plan, tables, prepared, turnScratch, ingestedAtMicros, meter);
      } catch (error) {
        // A file may go in the moment before it is opened.
        if (!(error instanceof Deno.errors.NotFound)) throw error;
        failure = error;
      }
      const moved = await this.#findMoved(plan, present());
      if (moved.size === 0) {
        if (routed === undefined) throw failure;
        return { routed, outcomes: outcomesOf(plan, routed, missing) };
      }
      for (const [number, status] of moved) missing.set(number, status);
      turnScratch.remove();
    }
  }

  async #routePrepared(
    plan: BatchPlan,
    tables: TargetTables,
    prepared: PreparedFiles,
    scratch: Scratch,
    ingestedAtMicros: bigint,
    meter: Meter,
  ): Promise<PlannedRouting> {
    const { onExtraFields } = plan.options;
    const planner = new TablePlanner(tables, onExtraFields !== "dead-letter");
    let planned = planner.tablesFor(effectiveContract(plan, tables));
    const routed = await routeFiles(prepared.ready, prepared.broken, {
      database: this.#database,
      judging: this.#judging,
      meter,
      threads: this.#options.threads,
      scratch,
      contract: effectiveContract(plan, tables),
      onExtraFields,
      room: columnRoom(parseContract(plan.contract), {
        events: currentSchema(tables.events.metadata).fields,
        deadLetters: currentSchema(tables.deadLetters.metadata).fields,
      }),
      batchId: BigInt(plan.batchId),
      ingestedAtMicros,
      tablesFor: (contract) => planned = planner.tablesFor(contract),
    });
    return {
      tallies: routed.tallies,
      leftOut: routed.leftOut,
      events: { table: planned.events, written: routed.events.written },
      deadLetters: { table: planned.deadLetters, written: routed.deadLetters.written },
    };
  }

  /**
   * Files of this disk are read where they lie, and so may change under the reader; others were
   * fetched in the version that was planned.
   */
  async #findMoved(plan: BatchPlan, numbers: readonly number[]): Promise<PreparedFiles["missing"]> {
    const { raw } = this.#options;
    const moved: PreparedFiles["missing"] = new Map();
    const local = numbers.filter((number) => raw.localPath(plan.files[number]!.path) !== undefined);
    await Promise.all(local.map(async (number) => {
      const status = await fileStatus(plan.files[number]!, raw);
      if (status !== undefined) moved.set(number, status);
    }));
    return moved;
  }
}

type PlannedTables = ReturnType<TablePlanner["tablesFor"]>;

interface PlannedRouting extends Pick<RoutedFiles, "tallies" | "leftOut"> {
  events: { table: PlannedTables["events"]; written: RoutedFiles["events"]["written"] };
  deadLetters: { table: PlannedTables["deadLetters"]; written: RoutedFiles["deadLetters"]["written"] };
}

/** The plan's contract, with the columns that earlier batches have added to the table. */
export function effectiveContract(plan: BatchPlan, tables: TargetTables): Contract {
  const contract = parseContract(plan.contract);
  if (plan.options.onExtraFields !== "add") return contract;
  return adoptAddedColumns(contract, currentSchema(tables.events.metadata).fields);
}

function outcomesOf(plan: BatchPlan, routed: PlannedRouting, missing: PreparedFiles["missing"]): FileOutcome[] {
  const outcomes = plan.files.map((file, number): FileOutcome => {
    const { name, etag, size } = file;
    const tally = routed.tallies.get(number) ?? { records: 0, events: 0, deadLetters: 0 };
    return { name, etag, size, status: missing.get(number) ?? "ingested", ...tally, duplicates: 0 };
  });
  const recorded = plan.changed.map(({ name, etag, size }): FileOutcome => {
    return { name, etag, size, status: "changed", records: 0, events: 0, deadLetters: 0, duplicates: 0 };
  });
  return [...outcomes, ...recorded];
}
