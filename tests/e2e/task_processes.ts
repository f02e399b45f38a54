/** Tasks that run in processes of the program, as a cluster would run them. */
import { strictEqual } from "node:assert/strict";
import { systemClock } from "../../core/base/clock.ts";
import { renumberedFile } from "../../core/tables/write/parquet/renumbered_file.ts";
import { Meter } from "../../core/base/meter.ts";
import { systemRandom } from "../../core/base/random.ts";
import { Consumer } from "../../core/consume/consumer.ts";
import { EmbeddedKnownFiles } from "../../core/consume/embedded_known_files.ts";
import { DuckDb } from "../../core/engine/duckdb.ts";
import { Scratch } from "../../core/disk/scratch.ts";
import { parseRecord, recordText } from "../../core/lake/durable_record.ts";
import type { RoutingResult, RoutingTask } from "../../core/lake/routing_task.ts";
import { ClusterRouter } from "../../core/routing/cluster_router.ts";
import { ROUTING, type TaskCluster, type TaskKind, type TaskProgress } from "../../core/routing/task_cluster.ts";
import { runProgram } from "../../commands/line/program.ts";
import { route } from "../../commands/route/route.ts";
import { survey } from "../../commands/survey/survey.ts";
import { testWorld } from "../support/test_world.ts";
import { streamlab } from "./program.ts";
import type { ConsumeWorld } from "../consume/consume_world.ts";

export const TASK_LIMITS = { threads: 1, memory: "300MB" };

/** Runs tasks at once, and keeps those that route, with what came of them. */
export class Tasks implements TaskCluster {
  readonly tasks: RoutingTask[] = [];
  readonly results: RoutingResult[] = [];
  readonly #slots: number;
  readonly #answer: (command: string, task: string) => Promise<string>;

  constructor(slots: number, answer: (command: string, task: string) => Promise<string>) {
    this.#slots = slots;
    this.#answer = answer;
  }

  slots(): Promise<number> {
    return Promise.resolve(this.#slots);
  }

  async run<T extends { format: number }, R extends { format: number }>(
    kind: TaskKind<T, R>,
    tasks: readonly T[],
    onProgress: (progress: TaskProgress) => void = () => {},
  ): Promise<R[]> {
    const results = await Promise.all(tasks.map(async (task) => {
      return parseRecord(kind.result, await this.#answer(kind.command, recordText(task)), "of a task");
    }));
    if (kind.command === ROUTING.command) {
      this.tasks.push(...tasks as unknown as RoutingTask[]);
      this.results.push(...results as unknown as RoutingResult[]);
    }
    onProgress({ done: results.length, active: 0 });
    return results;
  }
}

/** Each task in a process of the program. */
export function processes(folder: string, slots: number): Tasks {
  return new Tasks(slots, async (command, stdin) => {
    const { status, stdout, stderr } = await streamlab(folder, [command], { stdin });
    strictEqual(status, 0, stderr);
    return stdout;
  });
}

/** The same commands in this process, which takes a fraction of the time. */
export async function answerHere(command: string, stdin: string): Promise<string> {
  const own = { clock: systemClock, random: systemRandom };
  const world = { ...testWorld({ commands: [route, survey], cwd: "/", stdin }), ...own };
  strictEqual(await runProgram([command], world), 0, world.stderrText());
  return world.stdoutText();
}

/** Ingests what is there in tasks; the small files of a test are worth a task, too. */
export async function ingest(
  options: ReturnType<ConsumeWorld["options"]>,
  cluster: TaskCluster,
  folder: string,
  bytesPerTask = 20_000,
  work: (consumer: Consumer, signal: AbortSignal) => Promise<unknown> = (consumer, signal) =>
    consumer.takeAll(signal, true),
): Promise<void> {
  const scratch = Scratch.create(`${folder}/known`);
  const known = new EmbeddedKnownFiles(() => DuckDb.open({ threads: 1 }), "bronze.events", scratch);
  const router = new ClusterRouter({
    cluster,
    limits: TASK_LIMITS,
    bytesPerTask,
    raw: options.zone.store,
    clock: systemClock,
    random: systemRandom,
    memory: TASK_LIMITS.memory,
    scratchFolder: `${folder}/scratch`,
  });
  try {
    const consumer = await Consumer.start({
      ...options,
      meter: new Meter(systemClock),
      router,
      known,
      renumber: renumberedFile,
    });
    await work(consumer, new AbortController().signal);
  } finally {
    router.close();
    known.close();
  }
}
