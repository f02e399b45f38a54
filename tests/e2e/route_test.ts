import { deepStrictEqual, match, ok, rejects, strictEqual, throws } from "node:assert/strict";
import { systemClock } from "../../core/base/clock.ts";
import { renumberedFile } from "../../core/tables/write/parquet/renumbered_file.ts";
import { Meter } from "../../core/base/meter.ts";
import { systemRandom } from "../../core/base/random.ts";
import { Consumer } from "../../core/consume/consumer.ts";
import { EmbeddedKnownFiles } from "../../core/consume/embedded_known_files.ts";
import { DuckDb } from "../../core/engine/duckdb.ts";
import { Scratch } from "../../core/disk/scratch.ts";
import type { ReplayedFile } from "../../core/lake/batch_plan.ts";
import { parseRecord, recordText } from "../../core/lake/durable_record.ts";
import { combineResults, RESULT_FORMAT, type RoutingResult, type RoutingTask } from "../../core/lake/routing_task.ts";
import { ClusterRouter } from "../../core/routing/cluster_router.ts";
import type { TaskCluster, TaskProgress } from "../../core/routing/task_cluster.ts";
import { inFolder, streamlab, succeed } from "./program.ts";
import { ConsumeWorld } from "../consume/consume_world.ts";

const LIMITS = { threads: 1, memory: "300MB" };

/** Runs each task in a process of the program. */
class Processes implements TaskCluster {
  readonly tasks: RoutingTask[] = [];
  readonly results: RoutingResult[] = [];
  readonly #folder: string;
  readonly #slots: number;

  constructor(folder: string, slots: number) {
    this.#folder = folder;
    this.#slots = slots;
  }

  slots(): Promise<number> {
    return Promise.resolve(this.#slots);
  }

  async run(tasks: readonly RoutingTask[], onProgress: (progress: TaskProgress) => void): Promise<RoutingResult[]> {
    this.tasks.push(...tasks);
    const results = await Promise.all(tasks.map((task) => this.#route(task)));
    onProgress({ done: results.length, active: 0 });
    this.results.push(...results);
    return results;
  }

  async #route(task: RoutingTask): Promise<RoutingResult> {
    const { status, stdout, stderr } = await streamlab(this.#folder, ["route"], { stdin: recordText(task) });
    strictEqual(status, 0, stderr);
    return parseRecord(RESULT_FORMAT, stdout, "of a process");
  }
}

/** Ingests what is there in tasks; the small files of a test are worth a task, too. */
async function ingest(
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
    limits: LIMITS,
    bytesPerTask,
    raw: options.zone.store,
    clock: systemClock,
    random: systemRandom,
    memory: LIMITS.memory,
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

Deno.test("a batch routed by two processes, a share in each, is committed as one and audited clean", () =>
  inFolder((folder) =>
    ConsumeWorld.use(async (world) => {
      const produce = ["produce", "--sink", world.folder, "--seed", "7", "--dirty", "--batches", "9"];
      await succeed(folder, [...produce, "--batch-size", "40", "--compress", "gzip"]);
      const processes = new Processes(folder, 2);
      await ingest(world.options(), processes, folder);
      deepStrictEqual(processes.tasks.flatMap(({ files }) => files.map(({ number }) => number)).sort(), [
        ...Array(9).keys(),
      ]);
      const bytes = processes.tasks.map((task) => task.files.reduce((sum, { size }) => sum + size, 0));
      ok(bytes.length === 2 && Math.max(...bytes) < 2 * Math.min(...bytes), `${bytes}`);
      deepStrictEqual(processes.tasks.map(({ limits }) => limits), [LIMITS, LIMITS]);

      strictEqual(world.batches.length, 1);
      const { files, records, events, deadLetters } = world.batches[0]!;
      ok(files === 9 && events > 0 && deadLetters > 0 && records > 300, JSON.stringify(world.batches));
      const sum = (pick: (result: RoutingResult) => number) =>
        processes.results.reduce((all, each) => all + pick(each), 0);
      strictEqual(sum((result) => result.files.reduce((all, file) => all + file.events, 0)), events);
      for (const { events: part } of processes.results) ok(part.files.length > 0, "each share has rows");
      await succeed(folder, ["maintain", "--source", world.folder, "--audit"]);
      const [row] = await world.rows(
        "SELECT count(*)::INT AS n, count(DISTINCT _batch_id)::INT AS b FROM {{bronze.events}}",
      );
      deepStrictEqual(row, { n: events, b: 1 });
      const told = "SELECT engine, tasks FROM ingest.batches";
      const [batch] = JSON.parse(await succeed(folder, ["query", "--source", world.folder, "--format", "json", told]));
      deepStrictEqual(batch, { engine: "spark", tasks: 2 });
    })
  ));

Deno.test("a process reads envelopes by the pointer of its task", () =>
  inFolder((folder) =>
    ConsumeWorld.use(async (world) => {
      world.put("a.json", '{"Records":[{},{"user_id":7}]}');
      const zone = { ...world.options().zone, recordsAt: "/Records" };
      await ingest(world.options({ zone }), new Processes(folder, 4), folder);
      const { files, records, deadLetters } = world.batches[0]!;
      deepStrictEqual([files, records, deadLetters], [1, 2, 2]);
    })
  ));

Deno.test("tasks that find different new columns are routed again as one", () =>
  inFolder((folder) =>
    ConsumeWorld.use(async (world) => {
      for (const [name, field] of [["a", "one"], ["b", "two"]]) {
        world.put(
          `${name}.json`,
          `[{"user_id":"u","event_id":"e","event_type":"t","event_timestamp":"2026-03-01T00:00:00Z","${field}":1}]`,
        );
      }
      const processes = new Processes(folder, 2);
      await ingest(world.options({ onExtraFields: "add" }), processes, folder, 150);
      deepStrictEqual(processes.tasks.map(({ files }) => files.length), [1, 1, 2]);
      deepStrictEqual(await world.rows("SELECT one, two FROM {{bronze.events}} ORDER BY 1"), [
        { one: "1", two: null },
        { one: null, two: "1" },
      ]);

      const [first, second] = processes.results as [RoutingResult, RoutingResult];
      const plan = { sequenceId: first.sequenceId, batchId: 1, options: {}, files: [{}, {}], changed: [] } as never;
      const batch = { attempt: "0", ingestedAtMicros: "0", ledger: first.events };
      throws(() => combineResults(plan, batch, [first]), /do not hold each of its files once/);
      throws(() => combineResults(plan, batch, [first, first]), /do not hold each of its files once/);
      throws(() => combineResults(plan, batch, [first, { ...second, batchId: 2 }]), /a share is of batch 2/);
      throws(() => combineResults(plan, batch, [first, second]), /found different new columns/);
    })
  ));

Deno.test("a batch that is to be deduplicated is no cluster's, and stays planned for this process", () =>
  inFolder((folder) =>
    ConsumeWorld.use(async (world) => {
      world.put("a.json", "[{}]");
      const dedupe = { by: ["event_id"], at: "event_timestamp", withinMicros: "1000" };
      const processes = new Processes(folder, 1);
      await rejects(ingest(world.options({ dedupe }), processes, folder), /repeats are found in whole batches/);
      deepStrictEqual(processes.tasks, []);
      await world.consume({ dedupe });
      strictEqual(world.batches.length, 1);
    })
  ));

Deno.test("dead letters are judged again where the consumer is, whatever routes its files", () =>
  inFolder((folder) =>
    ConsumeWorld.use(async (world) => {
      const event = { user_id: "u", event_id: "e", event_type: "t", event_timestamp: "2026-03-01T00:00:00Z", more: 1 };
      world.put("a.json", JSON.stringify([event, {}]));
      const processes = new Processes(folder, 2);
      await ingest(world.options(), processes, folder);
      const [file] = await world.rows("SELECT source_file AS name, etag, size FROM {{ingest.files}}");
      const letters = [{ ...file, size: Number(file!.size), batchId: 1, positions: [0] } as ReplayedFile];
      await ingest(world.options({ onExtraFields: "rescue" }), processes, folder, 20_000, async (consumer, signal) => {
        strictEqual(await consumer.takeAgain(() => Promise.resolve({ format: 2, replay: letters }), signal), true);
      });
      strictEqual(processes.tasks.length, 1);
      deepStrictEqual(await world.rows("SELECT _batch_id::INT AS n FROM {{bronze.events}}"), [{ n: 2 }]);
      const left = "SELECT _source_position FROM dead_letters.events";
      strictEqual(
        await succeed(folder, ["query", "--source", world.folder, "--format", "csv", left]),
        "_source_position\n1\n",
      );
      await succeed(folder, ["maintain", "--source", world.folder, "--audit"]);
    })
  ));

Deno.test("route says what is wrong with its task, and no help names it", () =>
  inFolder(async (folder) => {
    const answer = async (stdin: string) => {
      const { status, stderr } = await streamlab(folder, ["route"], { stdin });
      return `${status} ${stderr}`;
    };
    match(await answer(""), /^2 .*there is no task on standard input/);
    match(await answer("{}"), /^1 .*Cannot read the routing task on standard input/);
    match(await answer(`{"format":2}`), /^1 .*made by a newer streamlab/);
    for (const args of [["--help"], ["completions", "bash"]]) {
      const { stdout } = await streamlab(folder, args);
      ok(!/\broute\b/.test(stdout), stdout);
    }
  }));
