import type { Clock } from "../base/clock.ts";
import { counted } from "../base/counted.ts";
import { isKind, type StreamlabError } from "../base/errors.ts";
import { backoffMs } from "../base/retry.ts";
import { isLinked, removeTree } from "../disk/removal.ts";
import { Scratch } from "../disk/scratch.ts";
import { DuckDb } from "../engine/duckdb.ts";
import { identifierText } from "../iceberg/catalog/catalog.ts";
import { FolderWatch } from "../disk/folder_watch.ts";
import type { KernelLock } from "../disk/kernel_lock.ts";
import { takeTemporaryFolder } from "../disk/temporary_folder.ts";
import type { ObjectNews } from "../notifications/object_news.ts";
import { ChangeHints, pathsInZone } from "./change_hints.ts";
import { Consumer, type ConsumerOptions } from "./consumer.ts";
import { type Discovery } from "./discover.ts";
import type { ChosenRows } from "../lake/batch_plan.ts";
import { consumerScratchFolder } from "../lake/layout.ts";
import { localFolder } from "../lake/raw_zone.ts";
import { OwnFiles } from "./own_files.ts";
import { checkTarget, lockTarget } from "./target_lock.ts";
import { EmbeddedKnownFiles } from "./embedded_known_files.ts";
import { shareMemory } from "../routing/memory_shares.ts";
import { ClusterRouter } from "../routing/cluster_router.ts";
import type { ClusterTasks } from "../routing/task_cluster.ts";
import { EmbeddedRouter, type Router, type RouterOptions } from "../routing/router.ts";
import { renumberedFile } from "../tables/write/parquet/renumbered_file.ts";

export interface ConsumeSessionOptions extends Omit<ConsumerOptions, "router" | "known" | "renumber"> {
  threads: number;
  /** For the threads and DuckDB, a size as DuckDB writes it. */
  memory: string;
  /** For scratch, where the sink is not on this disk. */
  temporaryFolder: string;
  /** Says who holds the lock, for people: process, machine, time. */
  holder: string;
  /** One that is held already; without it, it is taken. The session releases it. */
  lock?: KernelLock | undefined;
  /** Nothing is to be written in the lake, not even the lock and scratch. */
  leavesLake?: boolean;
  /** Where batches are routed, if not in this process. The session does not close it. */
  tasks?: ClusterTasks | undefined;
  /** Tells of new objects of a bucket, so that it is listed only now and then. */
  news?: ObjectNews | undefined;
  /** See `RouteOptions`; for tests. */
  judgesAll?: boolean;
  /** See `ReaderPoolOptions`. */
  bytesPerThread?: number;
  /** See `ReaderPoolOptions`. */
  idleThreads?: RouterOptions["idleThreads"];
}

/**
 * How often a watched folder or bucket is listed without a hint, and how often known files are
 * checked again.
 */
const LOOK_AGAIN_MS = 30_000, LOOK_AGAIN_MS_MAX = 600_000;
const RETRY = { attemptsMax: Infinity, delayMsMin: 1_000, delayMsMax: 60_000 };

/** A consumer with all that it needs on this machine: lock, scratch, DuckDB. */
export class ConsumeSession {
  readonly #options: ConsumeSessionOptions;
  readonly #consumer: Consumer;
  readonly #resources: DisposableStack;
  readonly #signs: Signs;

  private constructor(
    options: ConsumeSessionOptions,
    consumer: Consumer,
    resources: DisposableStack,
    signs: Signs,
  ) {
    this.#options = options;
    this.#consumer = consumer;
    this.#resources = resources;
    this.#signs = signs;
  }

  /** Fails with `conflict` when another process of this machine consumes the same table. */
  static async open(options: ConsumeSessionOptions): Promise<ConsumeSession> {
    checkTarget(options);
    using resources = new DisposableStack();
    const lock = options.lock ?? (options.leavesLake ? undefined : await lockTarget(options));
    if (lock !== undefined) resources.defer(() => lock.release());
    const scratchFolder = await makeScratch(options, resources);
    const { threads, memory } = options;
    const shares = shareMemory(memory, threads);
    if (shares.threads < threads) options.report.note(fewerThreads(shares.threads, threads));
    const router = routerOf(options, scratchFolder);
    resources.defer(() => router.close());
    const known = new EmbeddedKnownFiles(
      // Only between batches, when routing's DuckDB holds nothing.
      () => DuckDb.open({ threads: 1, memory: shares.database, tempDirectory: `${scratchFolder}/spill-known` }),
      identifierText(options.target),
      Scratch.create(`${scratchFolder}/known`),
    );
    resources.defer(() => known.close());
    const signs = { alarm: new Alarm(), hints: new ChangeHints() };
    // From before the first listing begins: what that passes by is told of after it.
    if (options.news !== undefined) resources.defer(listenFor(options.news, options, signs));
    const consumer = await Consumer.start({ ...options, router, known, renumber: renumberedFile });
    return new ConsumeSession(options, consumer, resources.move(), signs);
  }

  /** Ingests every file that is there now. */
  async runOnce(signal: AbortSignal): Promise<Discovery> {
    const discovery = await this.#consumer.takeAll(signal, true);
    await this.#consumer.pause(0, signal);
    return discovery;
  }

  /** See `Consumer.takeAgain`. */
  takeAgain(
    choose: (doneBatchId: bigint) => Promise<ChosenRows | undefined>,
    signal: AbortSignal,
  ): Promise<boolean> {
    return this.#consumer.takeAgain(choose, signal);
  }

  /**
   * Ingests files as they come until `signal` is aborted. A file that comes after a pause is taken
   * at once; while more are coming, `triggerMs` lie between the starts of two batches at least, so
   * that a stream of small files makes few. Files that are too many for one batch do not wait for
   * it. Outside failures are reported to `onTrouble` and retried; all other errors end the run.
   */
  async run(
    signal: AbortSignal,
    triggerMs: number,
    onTrouble: (error: StreamlabError, pauseMs: number) => void,
  ): Promise<void> {
    const { clock, random, report, news } = this.#options;
    const { alarm, hints } = this.#signs;
    const watch = this.#watch();
    const isNotified = news !== undefined, isTold = isNotified || watch !== undefined;
    // Whoever looks seldom looks at all of it.
    const whole = isNotified ? "anything" : undefined;
    let failures = 0;
    let lookAgainMs = 0;
    try {
      for (let isFirst = true; !signal.aborted; isFirst = false) {
        // The first listing has begun already, so what was told since is for the next look.
        const isBegun = isFirst && isNotified;
        if (!isBegun) alarm.reset();
        const startMs = clock.nowMs(), before = this.#consumer.doneBatchId;
        const told = isBegun || !isTold ? undefined : hints.take();
        const looksAgain = startMs >= lookAgainMs || (isNotified && told === undefined);
        let pauseMs = isTold ? LOOK_AGAIN_MS : 0;
        try {
          const changed = looksAgain ? whole : told;
          const { unseen } = await this.#consumer.takeAll(signal, looksAgain || isNotified, changed);
          // They are looked at again, until a listing finds them.
          hints.note(unseen);
          if (!signal.aborted) report.idle?.();
          if (looksAgain) lookAgainMs = clock.nowMs() + pauseBetweenLooks(clock.nowMs() - startMs);
          const waits = !isTold || this.#consumer.doneBatchId !== before;
          const leftMs = () => waits ? untilDue(startMs, triggerMs, clock) : 0;
          // Files that come before the next batch may begin do not wait for upkeep.
          const due = leftMs() > 0 ? signal : AbortSignal.any([signal, alarm.signal]);
          await this.#consumer.pause(leftMs() || (alarm.hasRung ? 0 : pauseMs), due, signal);
          failures = 0;
          await clock.sleep(leftMs(), signal);
        } catch (error) {
          if (!isKind(error, "unavailable")) throw error;
          pauseMs = backoffMs(RETRY, ++failures, random);
          onTrouble(error, pauseMs);
          hints.note(undefined);
          alarm.reset();
        }
        if (pauseMs > 0) await alarm.wait(clock, pauseMs, signal);
      }
    } finally {
      await watch?.close();
    }
  }

  /** Undefined where the system reports no changes. */
  #watch(): { close(): Promise<void> } | undefined {
    const { zone, clock, report } = this.#options;
    const { alarm, hints } = this.#signs;
    const folder = localFolder(zone);
    const watch = folder === undefined ? undefined : FolderWatch.open(folder, clock);
    if (watch === undefined) return undefined;
    const watching = watch.run({
      onChange: (paths) => {
        hints.note(paths?.map((path) => zone.prefix + path));
        alarm.ring();
      },
      onGone: () => report.note(`The folder ${folder} is gone; it is watched again as soon as it is back`),
      onBack: () => {
        report.note(`The folder ${folder} is back, and watched`);
        hints.note(undefined);
        alarm.ring();
      },
    });
    return {
      close: async () => {
        watch.close();
        await watching;
      },
    };
  }

  close(): void {
    this.#resources.dispose();
  }
}

/** What may have changed, and the ring that wakes whoever waits for it. */
interface Signs {
  alarm: Alarm;
  hints: ChangeHints;
}

/** What is returned ends it. */
function listenFor(
  news: ObjectNews,
  { zone, sink }: ConsumeSessionOptions,
  { alarm, hints }: Signs,
): () => void {
  const own = new OwnFiles(zone, sink);
  hints.take();
  return news.listen((uris) => {
    const paths = pathsInZone(zone, uris).filter((path) => !own.holds(path));
    if (paths.length === 0) return;
    hints.note(paths);
    alarm.ring();
  });
}

function routerOf(options: ConsumeSessionOptions, scratchFolder: string): Router {
  const { zone, tasks } = options;
  const place = { ...options, raw: zone.store, scratchFolder };
  return tasks === undefined ? new EmbeddedRouter(place) : new ClusterRouter({ ...place, ...tasks });
}

/** At most a twentieth of the time is for looks at everything: each file's state is asked for. */
function pauseBetweenLooks(durationMs: number): number {
  return Math.min(Math.max(LOOK_AGAIN_MS, 20 * durationMs), LOOK_AGAIN_MS_MAX);
}

/** Never longer than the trigger: the clock may have been set back. */
function untilDue(startMs: number, triggerMs: number, clock: Clock): number {
  return Math.max(0, Math.min(triggerMs, startMs + triggerMs - clock.nowMs()));
}

function fewerThreads(used: number, wanted: number): string {
  return `${counted(used, "thread")} instead of ${wanted}: --memory has no room for more`;
}

/**
 * On the disk of a local sink, so that data files can be moved into its tables. Leftovers of killed
 * runs are removed: we hold the lock, so nobody uses them.
 */
async function makeScratch(options: ConsumeSessionOptions, resources: DisposableStack): Promise<string> {
  const name = identifierText(options.target);
  const local = options.leavesLake ? undefined : options.sink.localPath(consumerScratchFolder(name));
  // What a link leads to is not ours.
  if (local === undefined || isLinked(options.sink.root, local)) {
    const folder = await takeTemporaryFolder(options.temporaryFolder, "consume", options);
    resources.defer(() => folder.release());
    return folder.path;
  }
  removeTree(local, options.sink.root);
  const scratch = Scratch.create(local);
  resources.defer(() => scratch.remove());
  return scratch.folder;
}

/** A latch: a ring is remembered until somebody waits. */
class Alarm {
  #ringing = new AbortController();

  ring(): void {
    this.#ringing.abort();
  }

  reset(): void {
    if (this.hasRung) this.#ringing = new AbortController();
  }

  /** Since the last reset. */
  get hasRung(): boolean {
    return this.#ringing.signal.aborted;
  }

  /** Aborted when it rings; another one after each reset. */
  get signal(): AbortSignal {
    return this.#ringing.signal;
  }

  /**
   * Returns at once when it rang since the last reset, else when it rings, the time is over or
   * `signal` is aborted.
   */
  async wait(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
    if (this.hasRung || signal.aborted) return;
    await clock.sleep(ms, AbortSignal.any([signal, this.signal]));
  }
}
