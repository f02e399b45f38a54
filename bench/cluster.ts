// deno-lint-ignore-file no-console
/**
 * `deno task bench:cluster`: the same dirty events in a bucket, consumed by the embedded engine on
 * one core, on two, and by a Spark cluster of two workers of a core each, on this machine and a
 * MinIO of its own; then batches of one small file on a warm driver. Rates are of a core, by the
 * clock and by the processor time of the programs that read (without MinIO's); all must leave equal
 * tables. Where this machine has few cores, MinIO takes its share of them from the workers.
 *
 *     deno task bench:cluster --gigabytes 10 --program dist/streamlab
 */
import { isDeepStrictEqual, parseArgs } from "node:util";
import { type Minio, startMinio } from "../tests/support/minio.ts";
import { SPARK_VERSIONS } from "../tests/support/spark.ts";
import { type StandaloneCluster, useStandaloneCluster } from "../tests/support/spark_cluster.ts";
import { FamilyWatch } from "./family_watch.ts";
import { measure, median } from "./measured_process.ts";

const { values } = parseArgs({
  options: {
    gigabytes: { type: "string", default: "1" },
    /** In each file: 100,000 are about 31 MB. */
    events: { type: "string", default: "100000" },
    batch: { type: "string", default: "4GB" },
    "task-size": { type: "string", default: "256MB" },
    /** Batches of one file of ten events, on a warm driver. */
    small: { type: "string", default: "12" },
    /** A compiled program; without it the source. */
    program: { type: "string" },
  },
});
/** Of a dirty event, about. */
const EVENT_BYTES = 308;
const main = new URL("../main.ts", import.meta.url).pathname;
const [program, ...before] = values.program === undefined
  ? [Deno.execPath(), "run", "--no-check", "--allow-all", main]
  : [await Deno.realPath(values.program)];
const scratch = await Deno.makeTempDir({ prefix: "streamlab-bench-cluster-" });
const minio = await startMinio();
try {
  await compare(minio);
} finally {
  await minio.stop();
  await Deno.remove(scratch, { recursive: true });
}

interface Measured {
  seconds: number;
  processorSeconds: number;
}

/** Of a lake's batches. */
interface Ingested extends Measured {
  /** From the first plan to the last commit: without the start of a driver and its executors. */
  batchSeconds: number;
}

/** Runs the program to its end. `roots`: processes that work for it, besides its own. */
async function run(args: string[], options: { env?: object; roots?: () => number[]; isPinned?: boolean } = {}) {
  const env = {
    AWS_ENDPOINT_URL: minio.endpoint,
    AWS_REGION: "us-east-1",
    AWS_ACCESS_KEY_ID: "minioadmin",
    AWS_SECRET_ACCESS_KEY: "minioadmin",
    ...options.env,
  };
  const pin = options.isPinned ? ["taskset", "--cpu-list", "0"] : [];
  const [first, ...rest] = [...pin, program!, ...before, ...args];
  const watch = new FamilyWatch(options.roots ?? (() => []));
  const { seconds, stdout, processorSeconds = NaN } = await measure(first!, rest, scratch, env);
  return { seconds, stdout, processorSeconds: processorSeconds + (watch.end().processorSeconds ?? 0) };
}

async function produce(lake: string, batches: number, size: number, day: number): Promise<void> {
  const shape = ["--dirty", "--batches", String(batches), "--batch-size", String(size), "--interval", "0"];
  await run(["produce", "--sink", lake, ...shape, "--seed", String(day), "--start", `2026-03-0${day}`]);
}

function consume(source: string, sink: string, ...flags: string[]): string[] {
  return ["consume", "--once", "--source", source, "--sink", sink, "--no-upkeep", ...flags];
}

/** All of `source` into `sink`. */
async function ingest(
  source: string,
  sink: string,
  flags: string[],
  options: Parameters<typeof run>[1] = {},
): Promise<Ingested> {
  const measured = await run(consume(source, sink, "--max-bytes-per-batch", values.batch, ...flags), options);
  const sql = "SELECT (epoch_ms(max(committed_at)) - epoch_ms(min(planned_at)))::DOUBLE AS ms FROM ingest.batches";
  const [{ ms }] = await ask(sink, sql) as [{ ms: number }];
  return { ...measured, batchSeconds: ms / 1_000 };
}

async function ask(lake: string, sql: string): Promise<unknown[]> {
  const { stdout } = await run(["query", "--source", lake, "--format", "json", sql]);
  return JSON.parse(stdout) as unknown[];
}

async function compare({ makeBucket }: Minio): Promise<void> {
  const lake = async (name: string) => `s3://${await makeBucket(name)}/lake`;
  const raw = await lake("raw"), one = await lake("one"), two = await lake("two"), many = await lake("spark");
  const events = Number(values.events);
  await produce(raw, Math.ceil(Number(values.gigabytes) * 1e9 / (events * EVENT_BYTES)), events, 1);
  const embedded = await ingest(raw, one, ["--threads", "1"], { isPinned: true });
  const [{ bytes }] = await ask(one, "SELECT sum(size)::DOUBLE AS bytes FROM ingest.files") as [{ bytes: number }];
  tell("embedded, one core", bytes, embedded, 1);
  // What are called two cores may be one core's two threads, each slower while both are busy.
  const both = await ingest(raw, two, ["--threads", "2"]);
  tell("embedded, two cores", bytes, both, 2);
  await useStandaloneCluster(SPARK_VERSIONS.at(-1)!, scratch, async (cluster) => {
    const { env, workers, flags } = cluster;
    const roots = () => workers.flatMap((worker) => worker.executors());
    const spark = await ingest(raw, many, [...flags, "--task-size", values["task-size"]], { env, roots });
    tell("Spark, two workers of a core", bytes, spark, workers.length);
    const shares = [[embedded, 1, "one core"], [both, 2, "two"]] as const;
    for (const [way, cores, name] of shares) {
      const share = (of: keyof Ingested, perCore = cores / workers.length) =>
        (way[of] * perCore / spark[of]).toFixed(2);
      console.log(
        `  of the embedded rate of a core, on ${name}: ${share("seconds")} by the clock, ${
          share("batchSeconds")
        } from the first plan to the last commit, ${share("processorSeconds", 1)} by the processor`,
      );
    }
    for (const other of [two, many]) await askSame(one, other);
    await takeSmall(await lake("small"), cluster);
  });
}

function tell(what: string, bytes: number, measured: Ingested, cores: number): void {
  const { seconds, batchSeconds, processorSeconds } = measured;
  const rate = (of: number) => `${Math.round(bytes / of / 1e6)} MB/s`;
  console.log(
    `${what}: ${(bytes / 1e9).toFixed(2)} GB in ${seconds.toFixed(1)} s, ${
      rate(seconds * cores)
    } a core by the clock; ${batchSeconds.toFixed(1)} s from the first plan to the last commit, ${
      rate(batchSeconds * cores)
    }; ${processorSeconds.toFixed(1)} s of processor, ${rate(processorSeconds)}`,
  );
}

/** Kind by kind: events by type, letters by reason, with a checksum of all that they say. */
async function askSame(one: string, many: string): Promise<void> {
  const checksum =
    "bit_xor(hash(*COLUMNS(c -> c NOT LIKE '\\_%' ESCAPE '\\'), _source_file, _source_position))::VARCHAR AS sum";
  for (const [table, kind] of [["bronze.events", "event_type"], ["dead_letters.events", "_dead_letter_reason"]]) {
    const sql = `SELECT ${kind} AS kind, count(*)::INT AS n, ${checksum} FROM ${table} GROUP BY ALL ORDER BY ALL`;
    const [embedded, spark] = [await ask(one, sql), await ask(many, sql)];
    if (!isDeepStrictEqual(embedded, spark)) throw new Error(`${table} differs:\n${JSON.stringify([embedded, spark])}`);
    console.log(
      `${table}: equal, ${embedded.map((row) => Object.values(row as object).slice(0, 2).join(" ")).join(", ")}`,
    );
  }
}

/** What a batch takes where there is next to nothing to read. */
async function takeSmall(lake: string, { env, flags }: StandaloneCluster): Promise<void> {
  await produce(lake, Number(values.small), 10, 2);
  await run(consume(lake, lake, "--max-files-per-batch", "1", ...flags), { env });
  const rows = await ask(
    lake,
    "SELECT epoch_ms(committed_at) - epoch_ms(planned_at) AS ms FROM ingest.batches WHERE engine = 'spark' ORDER BY batch_id",
  ) as { ms: number }[];
  // The first ones start executors, and what they import.
  const warm = rows.slice(2).map(({ ms }) => Number(ms));
  console.log(
    `a batch of ten events, warm: ${median(warm)} ms from plan to commit, ${
      Math.max(...warm)
    } at most of ${warm.length}`,
  );
}
