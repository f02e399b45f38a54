// deno-lint-ignore-file no-console
/**
 * `deno task bench:tasks`: what a task of a cluster takes, one after another and nothing beside it,
 * each a process of the program that gets its task and gives its result as Spark's do. Bytes per
 * second of processor in large tasks, what starting one takes, and what a batch takes besides.
 * `--program` is a compiled streamlab; without it the source runs.
 *
 *     deno task bench:tasks --files 20 --events 50000 --tasks 1,4 --rounds 3
 */
import { parseArgs } from "node:util";
import { systemClock as clock } from "../core/base/clock.ts";
import { Meter } from "../core/base/meter.ts";
import { systemRandom as random } from "../core/base/random.ts";
import { ConsumeSession } from "../core/consume/consume_session.ts";
import { defaultContract } from "../core/contract/default_contract.ts";
import { FileCatalog } from "../core/iceberg/catalog/file_catalog.ts";
import { parseRecord, recordText } from "../core/lake/durable_record.ts";
import type { TaskCluster, TaskKind, TaskProgress } from "../core/routing/task_cluster.ts";
import { openLocalStore } from "../core/storage/local/local_store.ts";
import { measure, type Measured, median } from "./measured_process.ts";

const { values } = parseArgs({
  options: {
    files: { type: "string", default: "20" },
    /** In each file. */
    events: { type: "string", default: "50000" },
    tasks: { type: "string", default: "1,4" },
    rounds: { type: "string", default: "3" },
    program: { type: "string" },
  },
});
const main = new URL("../main.ts", import.meta.url).pathname;
const [program, ...before] = values.program === undefined
  ? [Deno.execPath(), "run", "--no-check", "--allow-all", main]
  : [values.program];
const folder = await Deno.makeTempDir({ prefix: "streamlab-tasks-" });

/** Runs tasks one by one, so that none takes the processor from another. */
class OneByOne implements TaskCluster {
  readonly measured: Measured[] = [];
  readonly #count: number;

  constructor(count: number) {
    this.#count = count;
  }

  slots(): Promise<number> {
    return Promise.resolve(this.#count);
  }

  async run<T extends { format: number }, R extends { format: number }>(
    { command, result }: TaskKind<T, R>,
    tasks: readonly T[],
    onProgress: (progress: TaskProgress) => void = () => {},
  ): Promise<R[]> {
    const results: R[] = [];
    for (const task of tasks) {
      const path = `${folder}/task.json`;
      await Deno.writeTextFile(path, recordText(task));
      const line = [program!, ...before, command].map((word) => `'${word}'`).join(" ");
      const measured = await measure("/bin/sh", ["-c", `exec ${line} < '${path}'`], folder);
      this.measured.push(measured);
      results.push(parseRecord(result, measured.stdout, "of a process"));
      onProgress({ done: results.length, active: 0 });
    }
    return results;
  }
}

try {
  await produce("raw", Number(values.files), Number(values.events));
  await produce("one", 1, 1);
  for (const tasks of values.tasks.split(",").map(Number)) await report("raw", tasks);
  await report("one", 1);
} finally {
  await Deno.remove(folder, { recursive: true });
}

async function produce(lake: string, files: number, events: number): Promise<void> {
  const size = ["--batches", String(files), "--batch-size", String(events), "--interval", "0"];
  const stream = ["--seed", "7", "--start", "2026-03-01", "--dirty"];
  await measure(program!, [...before, "produce", "--sink", lake, ...size, ...stream], folder);
}

async function report(source: string, tasks: number): Promise<void> {
  const bytes = [...Deno.readDirSync(`${folder}/${source}/raw/events`)]
    .reduce((sum, { name }) => sum + Deno.statSync(`${folder}/${source}/raw/events/${name}`).size, 0);
  const processor: number[] = [], memory: number[] = [], besides: number[] = [];
  for (let round = 0; round < Number(values.rounds); round++) {
    const cluster = new OneByOne(tasks);
    const seconds = await ingest(source, `${source}-${tasks}-${round}`, cluster, Math.ceil(bytes / tasks));
    processor.push(cluster.measured.reduce((sum, each) => sum + each.processorSeconds!, 0));
    memory.push(Math.max(...cluster.measured.map((each) => each.memoryMax!)));
    besides.push(seconds);
  }
  const rate = bytes / 1e6 / median(processor);
  console.log(
    `${(bytes / 1e6).toFixed(3)} MB in ${tasks} tasks: ${median(processor).toFixed(2)} s of processor in them, ` +
      `${rate.toFixed(0)} MB for each; ${(median(memory) / 1e6).toFixed(0)} MB of memory at most; ` +
      `the batch besides ${median(besides).toFixed(2)} s`,
  );
}

/** Seconds of the batch without those of its tasks. */
async function ingest(source: string, sink: string, cluster: OneByOne, bytesPerTask: number): Promise<number> {
  const store = openLocalStore(`${folder}/${sink}`, { random });
  let seconds = 0;
  const session = await ConsumeSession.open({
    meter: new Meter(clock),
    catalog: new FileCatalog({ store, clock, random, tidiesLater: true }),
    sink: store,
    zone: {
      store: openLocalStore(`${folder}/${source}`, { random }),
      prefix: "raw/events/",
      nameBase: `file://${folder}/${source}/`,
      format: undefined,
    },
    target: { namespace: ["bronze"], name: "events" },
    contract: defaultContract(),
    partitionBy: [{ column: "event_timestamp", transform: { name: "day" } }],
    onExtraFields: "dead-letter",
    onChangedFile: "fail",
    maxFilesPerBatch: 1_000_000,
    maxBytesPerBatch: 1e12,
    clock,
    random,
    threads: 1,
    memory: "500000000B",
    temporaryFolder: folder,
    tasks: { cluster, limits: { threads: 1, memory: "1GB" }, bytesPerTask },
    holder: "the bench",
    report: {
      batch: ({ durationMs, seconds: steps }) => void (seconds = durationMs / 1000 - (steps.route ?? 0)),
      file: (name, what, detail) => {
        throw new Error(`${name} ${what}: ${detail}`);
      },
      note: (text) => console.log(text),
    },
  });
  try {
    await session.runOnce(new AbortController().signal);
  } finally {
    session.close();
  }
  return seconds;
}
