import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { TextLineStream } from "@std/streams/text-line-stream";
import { systemClock } from "../../core/base/clock.ts";
import type { Random } from "../../core/base/random.ts";
import { endOf, killQuietly, programLine, startStreamlab, streamlab, succeed } from "../e2e/program.ts";
import { type S3Lake, startS3Place, useLake } from "../e2e/s3_lake.ts";
import { childrenOf } from "../support/process_group.ts";
import { canRunPython } from "../support/python.ts";
import { auditByPython, bucketProperties } from "../support/python_audit.ts";
import { canRunS3 } from "../support/s3_servers.ts";
import { say } from "../support/say.ts";
import { writeScript } from "../support/script.ts";
import { withSeed } from "../support/seed.ts";
import { canRunSpark, SPARK_VERSIONS } from "../support/spark.ts";
import { type StandaloneCluster, useStandaloneCluster } from "../support/spark_cluster.ts";
import { unnamedFiles } from "../support/unnamed_files.ts";

const NEWEST = SPARK_VERSIONS.at(-1)!;
/** For which there are kills at least; `deno task interop:cluster` asks for ten. */
const MINUTES = Number(Deno.env.get("STREAMLAB_CLUSTER_MINUTES") ?? 0);
/** Where a machine is so slow that not all has happened by then, something else is wrong. */
const MORE_MINUTES_MAX = 10;
const BATCHES_PER_ENGINE = 10;
const SPARK_BATCHES_MIN = 3;
/** Between two kills at most, milliseconds, besides half of what a consumer takes to start. */
const LIFE_MS_MAX = 2_000;
const EAGER_TWINS = [
  "speculation=true",
  "speculation.interval=100ms",
  "speculation.quantile=0.1",
  "speculation.multiplier=1.01",
  "speculation.minTaskRuntime=1ms",
  "eventLog.enabled=true",
  "eventLog.compress=false",
  "eventLog.rolling.enabled=false",
];

type Engine = "spark" | "embedded";
type Victim = "executor" | "worker" | "driver" | "coordinator";

interface Battlefield {
  lake: S3Lake;
  cluster: StandaloneCluster;
  random: Random;
  /** Flags of `consume --engine spark`. */
  spark: readonly string[];
  /** Who is killed next while a cluster works; when all were, all are again. */
  next: Victim[];
  killed: Record<Victim | "embedded", number>;
  /** As far as a consumer has lived to tell of them. */
  batches: Record<Engine, number>;
  /** Of the engine, by a consumer that ended well. */
  switches: number;
}

/** `consume`, of which the coordinator is the process. */
class Consumer {
  readonly process: Deno.ChildProcess;
  /** It has begun its work: its cluster is there, or its first batch is done. */
  readonly works: Promise<void>;
  /** It has done as many batches as an engine has in a row. */
  readonly isDone: Promise<void>;
  readonly #said: Promise<unknown>;
  #words = "";

  constructor({ lake, cluster, spark, batches }: Battlefield, engine: Engine) {
    const flags = engine === "spark" ? spark : [];
    this.process = startStreamlab(lake.folder, [...CONSUME, lake.uri, "--trigger", "100ms", "--json", ...flags], {
      env: { ...lake.env, ...cluster.env },
    });
    const works = Promise.withResolvers<void>(), isDone = Promise.withResolvers<void>();
    const before = batches[engine];
    const batch = (line: string) => {
      if (!line.includes('"action":"batch"')) return;
      works.resolve();
      if (++batches[engine] - before === BATCHES_PER_ENGINE) isDone.resolve();
    };
    const news = (line: string) => {
      this.#words += `${line}\n`;
      if (line.includes("takes the tasks")) works.resolve();
    };
    this.#said = Promise.all([eachLine(this.process.stdout, batch), eachLine(this.process.stderr, news)]);
    [this.works, this.isDone] = [works.promise, isDone.promise];
  }

  async end(signal: Deno.Signal): Promise<void> {
    killQuietly(this.process, signal);
    await this.process.stdin.close();
    const [{ code, signal: endedBy }] = await Promise.all([this.process.status, this.#said]);
    const isEnded = signal === "SIGKILL" ? endedBy === "SIGKILL" : code === 130;
    ok(isEnded, `consume ended with ${endedBy ?? code}: ${this.#words}`);
  }
}

const CONSUME = ["consume", "--max-files-per-batch", "4", "--keep-snapshots", "2", "--delete-after", "1s", "--source"];

async function eachLine(stream: ReadableStream<Uint8Array>, take: (line: string) => void): Promise<void> {
  const split = new TextLineStream() as TransformStream<string, string>;
  for await (const line of stream.pipeThrough(new TextDecoderStream() as never).pipeThrough(split)) take(line);
}

/** The first try of all of a batch writes its files and tells of them late: it gets a twin. */
async function lateProgram(folder: string): Promise<string> {
  const path = `${folder}/program.sh`;
  await Deno.mkdir(`${folder}/late`);
  await writeScript(
    path,
    `#!/bin/sh
cd '${folder}' || exit 1
task=$(cat); batch=\${task#*'"batchId": '}; batch=\${batch%%[!0-9]*}
if [ "$1" = route ] && mkdir late/$batch 2>/dev/null; then
  printf %s "$task" | ${programLine} "$@" > late/$batch/result || exit 1
  sleep 5
  exec cat late/$batch/result
fi
printf %s "$task" | ${programLine} "$@"
`,
  );
  return path;
}

function twinsStarted(folder: string): number {
  const logs = [...Deno.readDirSync(`${folder}/events`)].map(({ name }) =>
    Deno.readTextFileSync(`${folder}/events/${name}`)
  );
  const starts = logs.flatMap((log) => log.split("\n")).filter((line) => line.includes('"SparkListenerTaskStart"'));
  return starts.filter((line) => line.includes('"Speculative":true')).length;
}

async function kill(field: Battlefield, consumer: Consumer, victim: Victim): Promise<void> {
  const { workers } = field.cluster;
  const worker = workers[Math.floor(field.random.next() * workers.length)]!;
  if (victim === "coordinator") await consumer.end("SIGKILL");
  else if (victim === "worker") await worker.killAndReplace();
  else {
    const [pid] = victim === "driver" ? childrenOf(consumer.process.pid) : worker.executors();
    // None is there just now: another one will be.
    if (pid === undefined) return void field.next.push(victim);
    Deno.kill(pid, "SIGKILL");
  }
  field.killed[victim]++;
}

/** A consumer with one engine, until it is killed or has done its batches. */
async function live(field: Battlefield, engine: Engine, isOver: () => boolean): Promise<void> {
  const startedMs = performance.now();
  const consumer = new Consumer(field, engine);
  await Promise.race([consumer.works, consumer.process.status]);
  const lifeMs = LIFE_MS_MAX + (performance.now() - startedMs) / 2;
  for (;;) {
    const patience = new AbortController();
    const pause = systemClock.sleep(field.random.next() * lifeMs, patience.signal).then(() => "kill");
    const what = await Promise.race([pause, consumer.isDone, consumer.process.status]);
    patience.abort();
    if (what !== "kill" || isOver()) {
      await consumer.end("SIGINT");
      field.switches++;
      return;
    }
    if (engine === "embedded") {
      await consumer.end("SIGKILL");
      field.killed.embedded++;
      return;
    }
    if (field.next.length === 0) field.next = [...VICTIMS];
    const [victim] = field.next.splice(Math.floor(field.random.next() * field.next.length), 1) as [Victim];
    await kill(field, consumer, victim);
    if (victim === "coordinator") return;
  }
}

const VICTIMS: readonly Victim[] = ["executor", "worker", "driver", "coordinator"];

async function fight(field: Battlefield): Promise<void> {
  const { lake: { folder, uri, env }, killed } = field;
  const started = performance.now();
  const minutes = () => (performance.now() - started) / 60_000;
  const isOver = () =>
    minutes() >= MINUTES && !Object.values(killed).includes(0) && field.batches.spark >= SPARK_BATCHES_MIN &&
    twinsStarted(folder) > 0;
  const size = ["--batch-size", "500", "--interval", "1s", "--seed", String(Math.floor(field.random.next() * 1e6))];
  const producer = startStreamlab(
    folder,
    ["produce", "--sink", uri, "--dirty", "--truth", "truth.ndjson", ...size],
    { env },
  );
  const produced = endOf(producer);
  try {
    for (let engine: Engine = "spark"; !isOver(); engine = engine === "spark" ? "embedded" : "spark") {
      ok(minutes() < MINUTES + MORE_MINUTES_MAX, `${JSON.stringify(killed)} after ${minutes()} minutes`);
      await live(field, engine, isOver);
    }
  } finally {
    killQuietly(producer, "SIGINT");
    strictEqual((await produced).code, 130);
  }
}

async function audit({ lake: { folder, uri, env, open }, killed, switches }: Battlefield): Promise<void> {
  await succeed(folder, [...CONSUME, uri, "--once"], { env });
  const store = await open();
  await succeed(folder, ["maintain", "--source", uri, "--remove-orphans", "--older-than", "0s"], { env });
  deepStrictEqual(await unnamedFiles(store), [], "after upkeep nothing lies about");
  const own = await streamlab(folder, ["maintain", "--source", uri, "--audit"], { env });
  strictEqual(own.status, 0, own.stdout + own.stderr);
  const { problems, ...counts } = await auditByPython({ folder, store, properties: bucketProperties(env) });
  deepStrictEqual(problems, []);
  const sql = "SELECT engine, count(*)::INT AS batches FROM ingest.batches GROUP BY ALL ORDER BY ALL";
  const batches = await succeed(folder, ["query", "--source", uri, "--format", "json", sql], { env });
  deepStrictEqual((JSON.parse(batches) as { engine: string }[]).map(({ engine }) => engine), ["embedded", "spark"]);
  const beside = `${twinsStarted(folder)} twins started, engines switched ${switches} times besides`;
  say(`${JSON.stringify(killed)} killed, ${beside}: ${JSON.stringify(counts)} in ${batches.trim()}, audited clean`);
}

Deno.test({
  name:
    `executors, workers, drivers and consumers killed at any moment, on a cluster and a bucket that both engines take turns with, lose and double nothing (Spark ${NEWEST.spark})`,
  ignore: !canRunSpark(NEWEST) || !canRunS3() || !canRunPython(),
  fn: () =>
    withSeed(async (random) => {
      const place = await startS3Place();
      try {
        await useLake(place!, async (lake) => {
          const { folder } = lake;
          await Deno.mkdir(`${folder}/events`);
          const program = await lateProgram(folder);
          const conf = [...EAGER_TWINS, `eventLog.dir=file://${folder}/events`];
          const fields: Battlefield[] = [];
          await useStandaloneCluster(NEWEST, folder, async (cluster) => {
            const settings = conf.flatMap((each) => ["--spark-conf", `spark.${each}`]);
            const spark = [...cluster.flags, ...settings, "--task-size", "1MB", "--spark-program", program];
            const killed = { executor: 0, worker: 0, driver: 0, coordinator: 0, embedded: 0 };
            const field = {
              lake,
              cluster,
              random,
              spark,
              next: [],
              killed,
              batches: { spark: 0, embedded: 0 },
              switches: 0,
            };
            fields.push(field);
            await fight(field);
          });
          await audit(fields[0]!);
        });
      } finally {
        await place?.stop();
      }
    }),
});
