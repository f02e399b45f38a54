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
  type NumberedOutcome,
  type RoutingResult,
  type RoutingTask,
  routingTasks,
} from "../lake/routing_task.ts";
import type { RoutedBatch } from "../lake/routed_batch.ts";
import type { TargetTables } from "../lake/target.ts";
import type { Store } from "../storage/store.ts";
import { placeLedger } from "./ledger_rows.ts";
import type { RowRemoval } from "./row_removal.ts";
import { LetterRouter } from "./replay/letter_router.ts";
import type { RoutedPlan, Router } from "./router.ts";
import { RoutingEngine } from "./routing_engine.ts";
import type { TaskCluster } from "./task_cluster.ts";

/** What a batch's tasks may take where they run. */
export interface ClusterTasks {
  cluster: TaskCluster;
  /** Of each task. */
  limits: RoutingTask["limits"];
  /** Of raw files in a task, about: more files are more tasks. */
  bytesPerTask: number;
}

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
    const count = await this.#taskCount(plan);
    try {
      return await this.#routeAs(count, plan, tables, meter);
    } catch (error) {
      // Tasks that don't know each other have given new columns different ids; one alone cannot.
      if (count === 1 || !isKind(error, "conflict")) throw error;
      return await this.#routeAs(1, plan, tables, meter);
    }
  }

  /** Enough to keep all slots busy with what is worth a task, and for no task to be large. */
  async #taskCount({ files }: BatchPlan): Promise<number> {
    const { cluster, bytesPerTask } = this.#options;
    const bytes = files.reduce((sum, { size }) => sum + size, 0);
    const needed = Math.ceil(bytes / bytesPerTask);
    const worthwhile = Math.min(await cluster.slots(), Math.ceil(bytes / (bytesPerTask / 8)));
    return Math.max(1, Math.min(files.length, Math.max(needed, worthwhile)));
  }

  async #routeAs(count: number, plan: BatchPlan, tables: TargetTables, meter: Meter): Promise<RoutedPlan> {
    const { raw, random, clock, limits, cluster } = this.#options;
    const ingestedAtMicros = BigInt(clock.nowMs()) * 1000n;
    const attempts = Array.from({ length: count }, () => newAttempt(random));
    const tasks = routingTasks(plan, tables, { attempts, ingestedAtMicros, rawRoot: raw.root, limits });
    meter.countAll({ files: 0, tasks: 0, tasksMax: count });
    let told = 0;
    const results = await meter.time("route", () =>
      cluster.run(tasks, ({ done }) => {
        meter.count("tasks", done - told);
        told = done;
      }));
    meter.countAll({ tasks: count - told, ...countsOf(results) });
    const outcomes = batchOutcomes(plan, results.flatMap(({ files }) => files));
    const attempt = newAttempt(random);
    const ledger = await meter.time(
      "place",
      () => this.#placeLedger(tables, { plan, outcomes, ingestedAtMicros, attempt }),
    );
    const batch = { attempt, ingestedAtMicros: ingestedAtMicros.toString(), ledger };
    return { routed: combineResults(plan, batch, results), ...saidBy(results) };
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

function countsOf(results: readonly RoutingResult[]): Record<string, number> {
  const sum = (pick: (file: NumberedOutcome) => number) =>
    results.reduce((all, { files }) => files.reduce((total, file) => total + pick(file), all), 0);
  return { files: sum(() => 1), bytes: sum(({ size }) => size), records: sum(({ records }) => records) };
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
