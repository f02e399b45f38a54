import type { Clock } from "../base/clock.ts";
import type { Meter } from "../base/meter.ts";
import { isKind, StreamlabError } from "../base/errors.ts";
import type { Random } from "../base/random.ts";
import type { Contract } from "../contract/contract.ts";
import { keepsRescued } from "../contract/rescued.ts";
import type { PartitionColumnChoice } from "../iceberg/action/create_table.ts";
import {
  type Catalog,
  identifierText,
  type LoadedTable,
  requireTable,
  type TableIdentifier,
} from "../iceberg/catalog/catalog.ts";
import { early, mapParallel } from "../base/parallel.ts";
import type { Store } from "../storage/store.ts";
import { type BatchLimits, type BatchPlan, type ChosenRows, filesOfBatch } from "../lake/batch_plan.ts";
import { lagOf } from "../lake/batch_history.ts";
import { rulesOfBatch } from "../lake/batch_rules.ts";
import { Checkpoint } from "../lake/checkpoint.ts";
import type { EventFile } from "../lake/event_file.ts";
import { batchFacts, batchReport, type ConsumerReport, missedFiles, tellBatch } from "./batch_report.ts";
import type { CommitContext } from "./commit_batch.ts";
import { commitRouted } from "./commit_routed.ts";
import { discardRouted } from "./discard_routed.ts";
import { ToldOnce } from "./told_once.ts";
import { checkRecordedFiles } from "./recorded_files.ts";
import { checkMarkers, checkPlanPlace, checkState, type ConsumerState, lastingly, stateOf } from "./consumer_state.ts";
import { checkPartitioning } from "./partition_by.ts";
import { discoverFiles, type DiscoverOptions, type Discovery, type RawListing } from "./discover.ts";
import type { RawZone } from "../lake/raw_zone.ts";
import { noteFailure } from "./failed_batch.ts";
import { OwnFiles } from "./own_files.ts";
import { discoveryNotes, routedNotes } from "./notes.ts";
import { type Changed, listHinted } from "./change_hints.ts";
import { FirstFetch } from "./first_fetch.ts";
import type { KnownFiles } from "./known_files.ts";
import { oldestLanding } from "./landing.ts";
import { onNewest } from "./newest_table.ts";
import { comparedWith, nextPlan, planAgain } from "./next_plan.ts";
import { RawListings } from "./raw_listings.ts";
import { type BetweenBatches, type CommitRider, forgetRecords } from "./between_batches.ts";
import { RunLimits, type RunLimitsOptions } from "./run_limits.ts";
import type { RoutedPlan, Router } from "../routing/router.ts";
import { openTables, plannedTable, planTables, type TargetTables } from "../lake/target.ts";
import { TABLE_ROLES, type TableRole } from "../lake/table_names.ts";
import { recordOfTarget, type TargetRules } from "../lake/target_record.ts";

export interface ConsumerOptions
  extends BatchLimits, TargetRules, Pick<CommitContext, "renumber">, Omit<RunLimitsOptions, "deadLettersTable"> {
  catalog: Catalog;
  /** The store of the sink's lake, for checkpoints; data files go where their tables are. */
  sink: Store;
  zone: RawZone;
  target: TableIdentifier;
  contract: Contract;
  partitionBy: PartitionColumnChoice[];
  /** An existing table must have this partitioning; if undefined, it keeps its own. */
  partitionByIsAsked?: boolean;
  /** See `TablesOptions`. */
  keepsRecord?: boolean;
  clock: Clock;
  random: Random;
  /** Counts files, bytes and records of the batch under way, and times its steps. */
  meter: Meter;
  router: Router;
  known: KnownFiles;
  report: ConsumerReport;
  /** Upkeep between batches, and as part of their commits. */
  betweenBatches?: BetweenBatches | undefined;
  newRider?: (() => CommitRider) | undefined;
}

/** What is only to be recorded takes no work. */
const UNLIMITED: BatchLimits = { maxFilesPerBatch: Infinity, maxBytesPerBatch: Infinity };
/** How often the ledger is looked for where files of it are gone. */
const LOOKS_MAX = 3;

/**
 * Ingests new files into the tables, batch by batch, each exactly once. docs/exactly-once.md has
 * the protocol: plan, route, commit. Each step is durable and repeatable, and only the tables' own
 * metadata says what is done.
 */
export class Consumer {
  readonly #limits: RunLimits;
  readonly #betweenBatches: readonly BetweenBatches[];
  readonly #told: ToldOnce;
  readonly #name: string;
  readonly #options: ConsumerOptions;
  readonly #checkpoint: Checkpoint;
  #tables: TargetTables;
  #state: ConsumerState;
  readonly #listings: RawListings;
  readonly #own: OwnFiles;
  /** What else `start` found, until it is used. */
  #found: { plan: BatchPlan | undefined; listing: RawListing | undefined } | undefined;

  private constructor(
    options: ConsumerOptions,
    checkpoint: Checkpoint,
    tables: TargetTables,
    state: ConsumerState,
    listings: RawListings,
    found: { plan: BatchPlan | undefined; listing: RawListing | undefined } | undefined,
  ) {
    this.#options = options;
    this.#checkpoint = checkpoint;
    this.#tables = tables;
    this.#state = state;
    this.#listings = listings;
    this.#found = found;
    this.#name = identifierText(options.target);
    this.#told = new ToldOnce(options.report);
    this.#own = new OwnFiles(options.zone, options.sink);
    const deadLettersTable = identifierText(tables.deadLetters.identifier);
    this.#betweenBatches = [forgetRecords(checkpoint), ...(options.betweenBatches ? [options.betweenBatches] : [])];
    this.#limits = new RunLimits({ ...options, deadLettersTable });
  }

  /**
   * Creates missing tables, and checks that contract, tables and checkpoint agree. Writes nothing
   * else.
   */
  static async start(options: ConsumerOptions): Promise<Consumer> {
    const name = identifierText(options.target);
    const rescued = keepsRescued(options);
    const checkpoint = new Checkpoint(options.sink, name);
    const probing = early(options.sink.probe(checkpoint.folder));
    const first = new FirstFetch(options.zone, options, options.router);
    const listings = new RawListings(options.zone, options.clock, first);
    const listing = listings.begin();
    const look = async (): Promise<Consumer> => {
      const recorded = early(checkpoint.lastRecorded());
      // Creating tables waits for the probe by itself. Existing tables are loaded while it runs.
      const onAbsent = (role: TableRole) => role === "ledger" && first.begin();
      const record = recordOfTarget(options);
      const tables = await openTables({ ...options, rescued, record, recorded, onAbsent });
      await probing;
      if (options.partitionByIsAsked) checkPartitioning(tables.events, options.partitionBy);
      const planned = { events: plannedTable(tables.events), deadLetters: plannedTable(tables.deadLetters) };
      planTables(planned, options.contract, rescued);
      first.end();
      const { state, plan } = await checkState(tables, checkpoint, name, await recorded);
      await options.known.follow(tables.ledger);
      await checkMarkers(options.catalog, tables, name, options.known.lastWithRows());
      return new Consumer(options, checkpoint, tables, state, listings, { plan, listing });
    };
    try {
      return await lastingly(look);
    } finally {
      // The probe cleans up after itself, which must not be cut off.
      await probing.catch(() => undefined);
    }
  }

  /** The last batch that the ledger has. */
  get doneBatchId(): bigint {
    return this.#state.doneBatchId;
  }

  /**
   * Ingests all files that are there now, or those of them that may have changed; stops between
   * batches when `signal` is aborted.
   */
  async takeAll(signal: AbortSignal, checksKnown: boolean, changed?: Changed): Promise<Discovery> {
    try {
      return await this.#takeRounds(signal, checksKnown, changed);
    } finally {
      // However it ends, even by a limit: other engines must see the version that is committed.
      await this.#options.catalog.settle();
    }
  }

  /**
   * Offers upkeep the time until the next look for files, or until `signal` is aborted. `stop` is
   * aborted where the run is to end.
   */
  async pause(idleMs: number, signal: AbortSignal, stop = signal): Promise<void> {
    for (const job of this.#betweenBatches) {
      if (signal.aborted) return;
      await job({
        doneBatchId: this.#state.doneBatchId,
        idleMs,
        tables: TABLE_ROLES.map((role) => this.#tables[role]),
        renew: (table) => this.#renew(table),
        signal,
        stop,
      });
    }
  }

  /**
   * Never to a ledger with a batch more: what was discovered was compared with the one at hand, so
   * another consumer's batch must be met where plans are made.
   */
  #renew(table: LoadedTable): void {
    const name = identifierText(table.identifier);
    const role = TABLE_ROLES.find((role) => identifierText(this.#tables[role].identifier) === name);
    if (role === undefined) return;
    const tables = { ...this.#tables, [role]: table };
    if (stateOf(tables, this.#name).doneBatchId === this.#state.doneBatchId) this.#tables = tables;
  }

  async #takeRounds(signal: AbortSignal, checksKnown: boolean, changed?: Changed): Promise<Discovery> {
    for (;;) {
      const hinted = Array.isArray(changed) ? listHinted(this.#options.zone.store, changed) : undefined;
      const listing = this.#found?.listing ?? hinted ?? this.#listings.begin(changed === "anything");
      const isHinted = hinted !== undefined && listing === hinted;
      await this.#resume(signal);
      const { meter } = this.#options;
      meter.reset();
      const discovery = await meter.time("discover", () => this.#discover({ checksKnown, listing, isHinted }));
      if (signal.aborted) return discovery;
      if (await this.#take(discovery, signal)) {
        if (hinted === undefined) this.#listings.taken();
        return discovery;
      }
    }
  }

  /**
   * Ingests what was discovered. False as soon as another consumer has planned or committed
   * anything since: the discovery was then compared with an outdated ledger, and a plan made of it
   * could ingest a file twice.
   */
  async #take(discovery: Discovery, signal: AbortSignal): Promise<boolean> {
    let { fresh, changed } = discovery;
    while ((fresh.length > 0 || changed.length > 0) && !signal.aborted) {
      const files = filesOfBatch(fresh, this.#options);
      const recorded = filesOfBatch(changed, UNLIMITED, files);
      const plan = nextPlan(this.#options, this.#state, files, recorded);
      this.#options.router.expect?.(filesOfBatch(fresh.slice(files.length), this.#options), "later");
      const { meter } = this.#options;
      meter.count("filesBehind", fresh.length - files.length);
      const standing = await meter.time("plan", () => this.#checkpoint.createPlan(plan));
      const found = standing === plan ? files : undefined;
      const alone = await this.#runBatch(standing, { resumed: false, found }, signal);
      if (standing !== plan || !alone) return false;
      fresh = fresh.slice(files.length);
      changed = changed.slice(recorded.length);
    }
    return true;
  }

  /** Finishes what an earlier run has planned. */
  async #resume(signal: AbortSignal): Promise<void> {
    const found = this.#found;
    this.#found = undefined;
    if (found === undefined) await this.#follow();
    else await this.#learn();
    for (let first = true;; first = false) {
      if (signal.aborted) return;
      const plan = first && found !== undefined
        ? found.plan
        : await this.#checkpoint.readPlan(this.#state.doneBatchId + 1n);
      if (plan === undefined) return;
      await this.#runBatch(plan, { resumed: true }, signal);
    }
  }

  async #discover(look: Pick<DiscoverOptions, "checksKnown" | "listing" | "isHinted">): Promise<Discovery> {
    const { zone, known, onChangedFile, report, router } = this.#options;
    await this.#learn();
    const discovery = await discoverFiles(zone, known, {
      ...look,
      changedAsNew: onChangedFile === "ingest",
      own: this.#own,
      onFresh: router.expect && ((files) => router.expect!(filesOfBatch(files, this.#options), "now")),
    });
    for (const { name, reason } of discovery.unreadable) this.#told.unreadable(name, reason);
    discoveryNotes(discovery).forEach((note) => this.#told.note(note));
    const [first] = discovery.changed;
    if (first !== undefined && onChangedFile === "fail") {
      throw new StreamlabError("conflict", `Cannot continue: ${first.name} has changed since it was ingested`, {
        hint: "Give new content a new name, or run with --on-changed-file ignore or ingest",
      });
    }
    for (const { name } of discovery.changed) {
      report.file(name, "changed", "its content is not that which was ingested");
    }
    return discovery;
  }

  /** False when another consumer has committed this batch, or more, to the ledger. */
  async #runBatch(
    plan: BatchPlan,
    { resumed, found }: { resumed: boolean; found?: readonly EventFile[] | undefined },
    signal: AbortSignal,
  ): Promise<boolean> {
    const { clock, known, meter, zone: { nameBase, store } } = this.#options;
    this.#options.report.started?.({ batchId: plan.batchId, files: plan.files.length, resumed });
    meter.count("filesMax", plan.files.length);
    const startMs = clock.nowMs();
    checkPlanPlace(plan, nameBase);
    const recorded = await this.#checkpoint.readRouted(BigInt(plan.batchId));
    const { routed, reasons }: RoutedPlan = recorded ? { routed: recorded } : await this.#route(plan);
    const routedMs = recorded === undefined ? clock.nowMs() : undefined;
    const landedMs = await oldestLanding(store, plan, routed, found);
    const { ledger } = this.#tables;
    // Records of batches long done are removed, so a consumer that slept may have created this one
    // again. It is valid only if the ledger still lacks the batch.
    this.#tables.ledger = await this.#load("ledger");
    this.#state = stateOf(this.#tables, this.#name);
    if (this.#state.doneBatchId >= BigInt(plan.batchId)) return false;
    const { catalog, random, renumber, newRider } = this.#options;
    const facts = batchFacts(plan, routed, { routedMs, landedMs, reasons });
    const { dedupe } = plan.options;
    const rules = await this.#checkpoint.keepRules(rulesOfBatch(plan, routed), this.#tables.ledger.metadata.properties);
    const context = { catalog, clock, random, meter, target: this.#name, facts, dedupe, rules, renumber, newRider };
    // Files that this process has placed itself exist.
    if (recorded !== undefined) await checkRecordedFiles(context, this.#tables, recorded);
    // What it replaces is looked up, so files of that version must still be there.
    if (routed.tombstones !== undefined) this.#tables.events = await this.#load("events");
    this.#tables = await commitRouted(context, this.#tables, routed, { ...this.#options, plan });
    this.#state = stateOf(this.#tables, this.#name);
    const alone = this.#state.doneBatchId === BigInt(plan.batchId);
    const { batchId } = plan;
    if (alone) await known.add(routed.files.map((file) => ({ ...file, batchId })), ledger, this.#tables.ledger);
    const missed = missedFiles(plan, routed);
    if (missed.some(({ status }) => status === "changed")) this.#listings.forget();
    const nowMs = clock.nowMs();
    const times = { durationMs: nowMs - startMs, lagMs: lagOf(landedMs, nowMs) };
    const report = batchReport(routed, { resumed, ...times, seconds: meter.read().seconds, reasons });
    meter.reset();
    tellBatch(this.#options.report, report, missed);
    this.#limits.check(report, missed);
    await this.pause(0, signal);
    return alone;
  }

  /**
   * Judges what was ingested again, as the next batch, when what is planned already is done.
   * `choose` gets the last batch. False where it chose nothing, or another process was first.
   */
  async takeAgain(
    choose: (doneBatchId: bigint) => Promise<ChosenRows | undefined>,
    signal: AbortSignal,
  ): Promise<boolean> {
    await this.#resume(signal);
    const chosen = await choose(this.#state.doneBatchId);
    if (chosen === undefined || signal.aborted) return false;
    const plan = planAgain(this.#options, this.#state, chosen);
    const standing = await this.#checkpoint.createPlan(plan);
    return await this.#runBatch(standing, { resumed: false }, signal) && standing === plan;
  }

  async #route(plan: BatchPlan): Promise<RoutedPlan> {
    try {
      return await this.#tryRoute(plan);
    } catch (error) {
      throw await noteFailure(this.#checkpoint, plan, error, this.#options.clock);
    }
  }

  async #tryRoute(plan: BatchPlan): Promise<RoutedPlan> {
    const { router, meter } = this.#options;
    const route = () => router.route(plan, this.#tables, meter);
    // Read after the ledger, it has all batches before: their rows are compared, or replayed.
    const role = comparedWith(plan);
    const reload = async () => void (this.#tables[role!] = await this.#load(role!));
    const { routed, reasons, ...said } = await (role === undefined ? route() : onNewest(reload, route, this.#options));
    routedNotes(this.#name, said).forEach((note) => this.#told.note(note));
    const standing = await meter.time("place", () => this.#checkpoint.createRouted(routed));
    if (standing.attempt === routed.attempt) return { routed: standing, reasons };
    // Another consumer was first: its record is the one to commit, whoever does it.
    await discardRouted(this.#tables, routed);
    return { routed: standing };
  }

  /** Reloads the tables: other writers may have changed them. */
  async #follow(): Promise<void> {
    const loaded = await mapParallel(TABLE_ROLES, TABLE_ROLES.length, (role) => this.#load(role));
    TABLE_ROLES.forEach((role, index) => this.#tables[role] = loaded[index]!);
    this.#state = stateOf(this.#tables, this.#name);
    await this.#learn();
  }

  /** Reads the files of the ledger, from the version at hand or a newer one. */
  async #learn(looksMax = LOOKS_MAX): Promise<void> {
    try {
      await this.#options.known.follow(this.#tables.ledger);
    } catch (error) {
      // Files of an old version may be gone, if newer commits exist and its snapshots were expired.
      if (!isKind(error, "not-found") || looksMax === 1) throw error;
      this.#tables.ledger = await this.#load("ledger");
      this.#state = stateOf(this.#tables, this.#name);
      await this.#learn(looksMax - 1);
    }
  }

  #load(role: TableRole): Promise<LoadedTable> {
    return requireTable(this.#options.catalog, this.#tables[role].identifier, this.#tables[role]);
  }
}
