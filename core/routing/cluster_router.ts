import { isKind, StreamlabError } from "../base/errors.ts";
import type { Clock } from "../base/clock.ts";
import type { Meter } from "../base/meter.ts";
import type { Random } from "../base/random.ts";
import { Scratch } from "../disk/scratch.ts";
import type { BatchPlan } from "../lake/batch_plan.ts";
import { batchStem, newAttempt } from "../lake/data_file_name.ts";
import {
  batchOutcomes,
  combineResults,
  type FileCuts,
  isSomeFileTorn,
  type RoutingResult,
  type RoutingTask,
  routingTasks,
} from "../lake/routing_task.ts";
import type { FileOutcome, RoutedBatch } from "../lake/routed_batch.ts";
import type { TargetTables } from "../lake/target.ts";
import type { Store } from "../storage/store.ts";
import { FileCutter } from "./file_cutter.ts";
import { placeLedger } from "./ledger_rows.ts";
import type { RowRemoval } from "./row_removal.ts";
import { LetterRouter } from "./replay/letter_router.ts";
import type { RoutedPlan, Router } from "./router.ts";
import { RoutingEngine } from "./routing_engine.ts";
import { type ClusterTasks, ROUTING } from "./task_cluster.ts";

export interface ClusterRouterOptions extends ClusterTasks {
  /** The store of the raw files. */
  raw: Store;
  clock: Clock;
  random: Random;
  /** For what is done in this process, a size as DuckDB writes it. */
  memory: string;
  /** See `RouterOptions`. */
  scratchFolder: string;
}

/** Routes each batch as tasks on a cluster. Only the ledger's rows are written here. */
export class ClusterRouter implements Router {
  readonly #options: ClusterRouterOptions;
  readonly #engine: RoutingEngine;
  readonly #letters: LetterRouter;

  constructor(options: ClusterRouterOptions) {
    this.#options = options;
    const { memory, scratchFolder } = options;
    this.#engine = new RoutingEngine({ threads: 1, memory, spillFolder: `${scratchFolder}/spill` });
    this.#letters = new LetterRouter(this.#engine, options);
  }

  close(): void {
    this.#engine.close();
  }

  removal(routed: RoutedBatch, sink: Store): Promise<RowRemoval> {
    return this.#letters.removal(routed, sink);
  }

  async route(plan: BatchPlan, tables: TargetTables, meter: Meter): Promise<RoutedPlan> {
    if (plan.replay !== undefined) return await this.#letters.route(plan, plan.replay, tables, meter);
    const { dedupe, upsert } = plan.options;
    if (dedupe !== undefined || upsert !== undefined) {
      const [found, flag] = upsert === undefined
        ? ["repeats are", "--dedupe-by"]
        : ["the newest of each key is", "--upsert-by"];
      throw new StreamlabError(
        "usage",
        `Cannot route batch ${plan.batchId} of ${plan.table} on a cluster: ${found} found in whole batches`,
        { hint: `It was planned with ${flag}: finish it with --engine embedded` },
      );
    }
    const shares = await this.#sharesOf(plan, meter);
    try {
      return await this.#routeAs(shares, plan, tables, meter);
    } catch (error) {
      // Tasks that don't know each other have given new columns different ids; one alone cannot.
      if (shares.count === 1 || !isKind(error, "conflict")) throw error;
      return await this.#routeAs(ONE_SHARE, plan, tables, meter);
    }
  }

  /** Enough to keep all slots busy with what is worth a task, and for no task to be large. */
  async #sharesOf(plan: BatchPlan, meter: Meter): Promise<Shares> {
    const { cluster, bytesPerTask } = this.#options;
    const bytes = plan.files.reduce((sum, { size }) => sum + size, 0);
    const needed = Math.ceil(bytes / bytesPerTask), slots = await cluster.slots();
    const wanted = Math.max(needed, Math.min(slots, Math.ceil(bytes / (bytesPerTask / 8))));
    if (wanted <= 1) return ONE_SHARE;
    const cuts = await meter.time("route", () => new FileCutter(this.#options).cut(plan, { bytes, slots, wanted }));
    return sharesBy(cuts, wanted, plan);
  }

  async #routeAs(shares: Shares, plan: BatchPlan, tables: TargetTables, meter: Meter): Promise<RoutedPlan> {
    const { raw, random, clock, limits } = this.#options;
    const ingestedAtMicros = BigInt(clock.nowMs()) * 1000n;
    const attempts = Array.from({ length: shares.count }, () => newAttempt(random));
    const options = { attempts, cuts: shares.cuts, ingestedAtMicros, rawRoot: raw.root, limits };
    const results = await this.#runTasks(routingTasks(plan, tables, options), meter);
    const files = results.flatMap((result) => result.files);
    if (isSomeFileTorn(files)) return await this.#routeAs(sharesBy(new Map(), shares.count, plan), plan, tables, meter);
    const outcomes = batchOutcomes(plan, files);
    meter.countAll(countsOf(outcomes.slice(0, plan.files.length)));
    const attempt = newAttempt(random);
    const ledger = await meter.time(
      "place",
      () => this.#placeLedger(tables, { plan, outcomes, ingestedAtMicros, attempt }),
    );
    const batch = { attempt, ingestedAtMicros: ingestedAtMicros.toString(), ledger };
    return { routed: combineResults(plan, batch, results), ...saidBy(results) };
  }

  async #runTasks(tasks: readonly RoutingTask[], meter: Meter): Promise<RoutingResult[]> {
    meter.countAll({ files: 0, tasks: 0, tasksMax: tasks.length });
    let told = 0;
    const onProgress = ({ done }: { done: number }) => {
      meter.count("tasks", done - told);
      told = done;
    };
    const results = await meter.time("route", () => this.#options.cluster.run(ROUTING, tasks, onProgress));
    meter.count("tasks", tasks.length - told);
    return results;
  }

  async #placeLedger(tables: TargetTables, batch: Parameters<typeof placeLedger>[3]): ReturnType<typeof placeLedger> {
    const scratch = Scratch.create(`${this.#options.scratchFolder}/${batchStem(batch.plan.batchId, batch.attempt)}`);
    try {
      return await placeLedger(this.#engine.readers.own, scratch, tables.ledger, batch);
    } finally {
      scratch.remove();
    }
  }
}

/** A batch as tasks. */
interface Shares {
  count: number;
  cuts: FileCuts;
}

const ONE_SHARE: Shares = { count: 1, cuts: new Map() };

/** No more than there are files and ranges. */
function sharesBy(cuts: FileCuts, wanted: number, { files }: BatchPlan): Shares {
  const ranges = cuts.values().reduce((sum, { length }) => sum + length, 0);
  return { count: Math.min(wanted, files.length - cuts.size + ranges), cuts };
}

function countsOf(outcomes: readonly FileOutcome[]): Record<string, number> {
  const sum = (pick: (file: FileOutcome) => number) => outcomes.reduce((total, file) => total + pick(file), 0);
  return { files: outcomes.length, bytes: sum(({ size }) => size), records: sum(({ records }) => records) };
}

/** What the tasks have to say besides, together. */
function saidBy(results: readonly RoutingResult[]): Omit<RoutedPlan, "routed"> {
  const reasons: Record<string, number> = {};
  for (const result of results) {
    for (const [reason, count] of Object.entries(result.reasons)) reasons[reason] = (reasons[reason] ?? 0) + count;
  }
  return {
    leftOut: {
      clashing: [...new Set(results.flatMap(({ leftOut }) => leftOut.clashing))],
      beyond: Math.max(...results.map(({ leftOut }) => leftOut.beyond)),
    },
    misnamed: results.flatMap(({ misnamed }) => misnamed),
    reasons,
  };
}
