import { counted } from "../../base/counted.ts";
import { mapParallel } from "../../base/parallel.ts";
import { Meter } from "../../base/meter.ts";
import { isKind, messageOf, StreamlabError } from "../../base/errors.ts";
import { identifierText, type LoadedTable } from "../../iceberg/catalog/catalog.ts";
import { snapshotOfRef } from "../../iceberg/format/table_metadata.ts";
import { planScan, type ScanFile } from "../../iceberg/scan/scan.ts";
import { type Undone, undoneBy, type UpkeepRecord, upkeepRecord } from "../../lake/upkeep_history.ts";
import { compact, type CompactionReport } from "../compaction/compact.ts";
import type { Rewriting } from "../compaction/rewriting.ts";
import { DamagedFileError } from "../compaction/sound_files.ts";
import { expireLater } from "../removal/expire_later.ts";
import type { Surroundings } from "../surroundings.ts";
import { ANY_SEQUENCE, type Attention, newAttention, soundOf } from "./attention.ts";
import { debtOf, filesUntilDue, groupsDue, joinsDue, onePiece, snapshotsDue } from "./debt.ts";
import { UpkeepPace } from "./pace.ts";
import { expiredAtOnce, retentionOf, type UpkeepPolicy } from "./policy.ts";
import { RidingExpiry } from "./riding_expiry.ts";
import { UpkeepLog } from "./upkeep_log.ts";
import { WaitingRemovals } from "./waiting.ts";

/** A moment between two batches. */
export interface UpkeepMoment {
  /** As they were committed last. */
  tables: readonly LoadedTable[];
  /** Takes a table that upkeep has changed since. */
  renew(table: LoadedTable): void;
  /** For so long no batch begins: one piece after another is done. 0: one of each table at most. */
  idleMs: number;
  /** Aborted when a batch is due, or the run is to end. */
  signal: AbortSignal;
  /** Aborted when the run is to end: of the piece under way nothing stays. */
  stop?: AbortSignal | undefined;
}

export interface UpkeepOptions extends UpkeepPolicy {
  /** Who rewrites rows; called when there are some to rewrite. */
  openRewriting: (stop?: AbortSignal) => Promise<Rewriting> | Rewriting;
  /** Told of each piece that was done. */
  report(record: UpkeepRecord): void;
  note(text: string): void;
}

/** So many times the fewest small files that are worth a join have come since the last look. */
const OVERDUE_RATIO = 1.5;
const EXPIRY = "expire-snapshots";
/** Those of a target. */
const TABLES_PARALLEL = 3;
/** A rewrite of upkeep is a matter of seconds. */
const PATIENCE_MS = 10 * 60_000;
/** A table's files are looked at again after that time, at the latest. */
const LOOK_MS = 60_000;
/** After a failure, or when somebody else is at it. */
const PAUSE_MS = 60_000;
const PAUSE_MS_MAX = 3_600_000;
/** What a piece did, and the table if it has changed it; `undefined`: nothing pays. */
type Done =
  | { done: UpkeepRecord["done"]; undone?: Undone; table?: LoadedTable | undefined; isLong?: boolean }
  | undefined;

/** Rewrites, first of small files, which more come of all the time; and all that can wait. */
type Job = "rewrite" | "tidy";
const JOBS: readonly Job[] = ["rewrite", "tidy"];
/** `long`: rows were read. */
type PieceLength = "nothing" | "short" | "long";
/**
 * Of upkeep's share of the time: each kind of work has a part of its own, and may take what the
 * others leave of `all`. When long rewrites were paid by tidying, a stream that went as fast as it
 * could had nothing deleted any more after its first minutes.
 */
const SHARES = { rewrite: 0.5, tidy: 0.25, long: 0.25, all: 1 } as const;

/**
 * Looks after the tables of a target while it is fed: in pieces that commit each by itself, within
 * its share of the time, and without waiting for anybody. Small files are joined first; rewrites
 * that read rows wait until the last one has been made up for.
 */
export class Upkeep {
  readonly #surroundings: Surroundings;
  readonly #options: UpkeepOptions;
  readonly #paces: Record<keyof typeof SHARES, UpkeepPace>;
  readonly #waiting: WaitingRemovals;
  readonly #attention = new Map<string, Attention>();
  readonly #log: UpkeepLog;

  constructor(surroundings: Surroundings, options: UpkeepOptions) {
    this.#surroundings = surroundings;
    this.#options = options;
    const paceOf = (part: number) => new UpkeepPace(part * options.share, surroundings.clock.nowMs());
    const { rewrite, tidy, long, all } = SHARES;
    this.#paces = { rewrite: paceOf(rewrite), tidy: paceOf(tidy), long: paceOf(long), all: paceOf(all) };
    this.#waiting = new WaitingRemovals(surroundings, options);
    this.#log = new UpkeepLog(surroundings);
  }

  /** A piece of each job, or as many as fit where nothing else is to be done. */
  async run(moment: UpkeepMoment): Promise<void> {
    const { clock } = this.#surroundings;
    const endMs = clock.nowMs() + moment.idleMs;
    const tables = new Map(moment.tables.map((table) => [identifierText(table.identifier), table]));
    let hasDone: boolean;
    do {
      hasDone = false;
      for (const job of JOBS) {
        const startMs = clock.nowMs();
        if (!this.#mayStart(job, startMs) && !(job === "rewrite" && this.#mayHurry(tables, startMs))) continue;
        const done = await this.#pieces(job, tables, moment);
        // What took long must not keep small files waiting, of which more come all the time.
        const payer = done.some((each) => each === "long") ? "long" : job;
        const nowMs = clock.nowMs();
        for (const pace of [this.#paces[payer], this.#paces.all]) pace.spent(nowMs - startMs, nowMs);
        hasDone ||= done.some((each) => each !== "nothing");
      }
    } while (hasDone && !moment.signal.aborted && clock.nowMs() < endMs);
    await this.#writeDown();
  }

  /** What upkeep adds to a batch's own commit to a table; one for each commit. */
  newRider(): RidingExpiry {
    return new RidingExpiry(this.#surroundings, {
      ...this.#options,
      mayExpire: (table) => {
        const { pauseUntilMs } = this.#attentionOf(identifierText(table.identifier));
        return mayDelete(table) && this.#surroundings.clock.nowMs() >= pauseUntilMs;
      },
      done: (name, snapshots, removal, startMs) => {
        this.#waiting.add(removal, this.#surroundings.clock.nowMs());
        this.#tell(name, { ...this.#attentionOf(name), action: EXPIRY }, { done: { snapshots } }, startMs);
      },
      failed: (name, error, startMs) => {
        const attention = this.#attentionOf(name);
        attention.action = EXPIRY;
        this.#giveUp(name, attention, error, startMs);
      },
    });
  }

  /** Writes down what was done since the last time. */
  async close(): Promise<void> {
    await this.#log.close();
  }

  #mayStart(work: Job | "long", nowMs: number): boolean {
    return this.#paces[work].mayStart(nowMs) || this.#paces.all.mayStart(nowMs);
  }

  /** Small files of one table pile up: readers would pay for what upkeep has made up for. */
  #mayHurry(tables: ReadonlyMap<string, LoadedTable>, nowMs: number): boolean {
    const pileUp = OVERDUE_RATIO * this.#options.inputsMin;
    return this.#paces.rewrite.mayHurry(nowMs) && [...tables].some(([name, table]) => {
      return filesOf(table) - this.#attentionOf(name).filesLeft >= pileUp;
    });
  }

  /** It is only told of: where it cannot be written, the next time may do. */
  async #writeDown(): Promise<void> {
    try {
      await this.#log.flush();
    } catch (error) {
      if (!isKind(error, "unavailable")) throw error;
    }
  }

  /** One of each table, at once: they wait for the disk or the network more than they work. */
  async #pieces(job: Job, tables: Map<string, LoadedTable>, moment: UpkeepMoment): Promise<PieceLength[]> {
    return await mapParallel([...tables.keys()], TABLES_PARALLEL, (name) => this.#piece(job, name, tables, moment));
  }

  async #piece(
    job: Job,
    name: string,
    tables: Map<string, LoadedTable>,
    { renew, signal, stop }: UpkeepMoment,
  ): Promise<PieceLength> {
    const attention = this.#attentionOf(name);
    const startMs = this.#surroundings.clock.nowMs();
    if (startMs < attention.pauseUntilMs || signal.aborted) return "nothing";
    try {
      const table = tables.get(name)!;
      const done = job === "tidy"
        ? await this.#tidy(table, attention, startMs)
        : startMs >= attention.rewriteFromMs && this.#filesHaveChanged(table, attention, startMs)
        ? await this.#compact(table, attention, { signal, stop })
        : undefined;
      if (done === undefined) return "nothing";
      this.#tell(name, attention, done, startMs);
      if (done.undone !== undefined) return "nothing";
      attention.failures = 0;
      if (done.table !== undefined) {
        tables.set(name, done.table);
        renew(done.table);
      }
      return done.isLong === true ? "long" : "short";
    } catch (error) {
      this.#giveUp(name, attention, error, startMs);
      return "short";
    }
  }

  /** The two kinds of work take turns: on a busy table the first of them could always pay. */
  async #tidy(table: LoadedTable, attention: Attention, nowMs: number): Promise<Done> {
    const kinds = [
      { action: EXPIRY, begin: () => this.#expireDue(table, nowMs) },
      { action: "remove-files", begin: () => this.#deleteDue(table, nowMs) },
    ];
    for (let look = 0; look < kinds.length; look++) {
      const kind = (attention.turn + look) % kinds.length;
      attention.action = kinds[kind]!.action;
      const done = await kinds[kind]!.begin();
      if (done === undefined) continue;
      attention.turn = (kind + 1) % kinds.length;
      return done;
    }
    return undefined;
  }

  async #expireDue(table: LoadedTable, nowMs: number): Promise<Done> {
    if (!mayDelete(table)) return undefined;
    const due = snapshotsDue(table.metadata, this.#options, nowMs);
    return due >= this.#options.expiredMin ? await this.#expire(table) : undefined;
  }

  async #deleteDue(table: LoadedTable, nowMs: number): Promise<Done> {
    // All that any snapshot names is read for it, and of a backlog most is soon named by none.
    if (!mayDelete(table) || snapshotsDue(table.metadata, this.#options, nowMs) > this.#options.expiredMax) {
      return undefined;
    }
    await this.#waiting.look(nowMs);
    const name = identifierText(table.identifier);
    if (!this.#waiting.pays(name, nowMs)) return undefined;
    const { files, bytes, removals } = await this.#waiting.delete(table.identifier);
    return removals === 0 ? undefined : { done: { files, bytes } };
  }

  async #expire(table: LoadedTable): Promise<Done> {
    const { clock } = this.#surroundings;
    const { table: newest, snapshots, removal } = await expireLater(
      this.#surroundings,
      table,
      (metadata) => {
        const nowMs = clock.nowMs(), due = snapshotsDue(metadata, this.#options, nowMs);
        return { ...retentionOf(metadata, this.#options, nowMs), expiredMax: expiredAtOnce(due, this.#options) };
      },
    );
    if (removal !== undefined) this.#waiting.add(removal, clock.nowMs());
    if (snapshots === 0) return undefined;
    return { done: { snapshots }, table: newest };
  }

  /** Whether there may be something to rewrite, by what the snapshot's summary counts. */
  #filesHaveChanged({ metadata }: LoadedTable, attention: Attention, nowMs: number): boolean {
    const summary = snapshotOfRef(metadata)?.summary;
    if (summary === undefined) return false;
    const files = filesOf({ metadata }), deletes = Number(summary["total-delete-files"] ?? NaN);
    const isSame = Math.abs(files - attention.filesSeen) < attention.filesUntilLook &&
      deletes === attention.deletesSeen;
    if (isSame && nowMs < attention.lookMs) return false;
    Object.assign(attention, { filesSeen: files, filesLeft: files, deletesSeen: deletes, lookMs: nowMs + LOOK_MS });
    return true;
  }

  async #compact(
    table: LoadedTable,
    attention: Attention,
    { signal, stop }: Pick<UpkeepMoment, "signal" | "stop">,
  ): Promise<Done> {
    const { clock } = this.#surroundings;
    const nowMs = clock.nowMs();
    const { io, metadata } = table;
    attention.action = "compact";
    const [scan, manifests] = await Promise.all([
      planScan(io, metadata),
      io.readManifestList(snapshotOfRef(metadata)),
    ]);
    const files = soundOf(scan.files, attention);
    const waiting = this.#waiting.of(identifierText(table.identifier));
    attention.debt = debtOf({ metadata, files, manifests: manifests.length, waiting }, this.#options, nowMs);
    attention.filesUntilLook = filesUntilDue(metadata, files, this.#options);
    this.#watch(table, attention, nowMs);
    if (attention.debt.mergeableFiles === 0) return undefined;
    const mayReadRows = this.#mayStart("long", nowMs);
    const { joinsAfter } = attention;
    const groupsOf = (files: readonly ScanFile[]) => {
      const sound = soundOf(files, attention);
      if (mayReadRows) return onePiece(groupsDue(metadata, sound, this.#options, nowMs), this.#options);
      if (joinsAfter === undefined) return [];
      return onePiece(joinsDue(metadata, sound, joinsAfter, this.#options, nowMs), this.#options);
    };
    const groups = groupsOf(files);
    if (groups.length === 0) {
      attention.lookMs = Math.min(attention.lookMs, this.#paces.long.startMs(), this.#paces.all.startMs());
      return undefined;
    }
    let rewriting: Rewriting | undefined, newest: LoadedTable | undefined;
    const open = async () => rewriting = await this.#options.openRewriting(stop);
    const report = await compact(this.#surroundings, table, {
      groupsOf,
      files: scan.files,
      committed: (table) => newest = table,
      patienceMs: PATIENCE_MS,
      givesWay: true,
      dryRun: false,
      signal,
      meter: new Meter(clock),
    }, open);
    const { inputs, outputs, deleteFiles } = report;
    if (inputs.files === 0) {
      // Somebody else is at it, or was faster.
      attention.rewriteFromMs = nowMs + PAUSE_MS;
      const undone = whyGivenWay(report, stop);
      return undone && { done: {}, undone };
    }
    attention.filesSeen = NaN;
    const isLong = rewriting?.hasReadRows === true;
    attention.filesLeft = filesOf(newest ?? table);
    if (isLong) {
      // What DuckDB has written cannot be joined either. Where newer files could not, none can.
      const isKnown = mayReadRows || attention.joinsAfter === ANY_SEQUENCE;
      attention.joinsAfter = isKnown ? (newest ?? table).metadata.lastSequenceNumber : undefined;
    }
    const sizes = { bytesBefore: inputs.bytes, bytesAfter: outputs.bytes, records: inputs.records };
    return {
      done: { filesBefore: inputs.files, filesAfter: outputs.files, ...sizes, deleteFiles },
      table: newest,
      isLong,
    };
  }

  #watch({ identifier }: LoadedTable, { debt, watch }: Attention, nowMs: number): void {
    const { snapshots, mergeableFiles, dueFiles } = debt!;
    if (!watch.observe(snapshots + mergeableFiles + dueFiles, nowMs)) return;
    const waits = [
      counted(snapshots, "snapshot to expire", "snapshots to expire"),
      counted(mergeableFiles, "file to merge", "files to merge"),
      counted(dueFiles, "file to delete", "files to delete"),
    ].join(", ");
    this.#options.note(
      `Upkeep of ${identifierText(identifier)} has fallen behind for an hour: ${waits}; ` +
        "run maintain --all beside, or make fewer, larger batches with --trigger",
    );
  }

  /** People are told of what was done; who asks later, of all. */
  #tell(table: string, { action, debt }: Attention, { done, undone }: NonNullable<Done>, startMs: number): void {
    const run = { table, by: "consume", action, startMs, undone, done, debt: { ...debt } };
    const record = upkeepRecord(run, this.#surroundings);
    if (undone === undefined) this.#options.report(record);
    this.#log.keep(record);
  }

  /** Upkeep that fails must not end the batches; it is tried again, later each time. */
  #giveUp(name: string, attention: Attention, error: unknown, startMs: number): void {
    if (!(error instanceof StreamlabError)) throw error;
    this.#tell(name, attention, { done: {}, undone: undoneBy(error) }, startMs);
    if (error instanceof DamagedFileError) {
      // The others go on without it.
      attention.damaged.add(error.path);
      attention.filesSeen = NaN;
      this.#options.note(`Upkeep of ${name} leaves a file as it is: ${messageOf(error)}`);
      return;
    }
    const { clock } = this.#surroundings;
    attention.pauseUntilMs = clock.nowMs() + Math.min(PAUSE_MS_MAX, PAUSE_MS * 2 ** attention.failures++);
    // Another writer was faster, or the outside fails: batches will tell of that.
    if (isKind(error, "conflict", "not-found", "unavailable") && attention.failures < 3) return;
    this.#options.note(`Upkeep of ${name} waits a while: ${messageOf(error)}`);
  }

  #attentionOf(name: string): Attention {
    const attention = this.#attention.get(name) ?? newAttention();
    this.#attention.set(name, attention);
    return attention;
  }
}

/** Data files, as the snapshot's summary counts them; NaN where it does not. */
function filesOf({ metadata }: Pick<LoadedTable, "metadata">): number {
  return Number(snapshotOfRef(metadata)?.summary["total-data-files"] ?? NaN);
}

/** A table's owner may have said that nobody deletes its files. */
function mayDelete({ metadata }: LoadedTable): boolean {
  return metadata.properties["gc.enabled"] !== "false";
}

/** Undefined where there was nothing to do any more. */
function whyGivenWay(
  { gaveWay, dropped, interrupted }: CompactionReport,
  stop: AbortSignal | undefined,
): Undone | undefined {
  const signalled = stop?.aborted ? "the run was to end" : "a batch was due";
  const detail = gaveWay
    ? "somebody else rewrites files of the table"
    : dropped[0]?.reason ?? (interrupted ? signalled : undefined);
  return detail === undefined ? undefined : { outcome: "gave-way", detail };
}
