// deno-lint-ignore-file no-console
/**
 * `deno task bench`: every figure of the README. Produces dirty event files, then lets bare DuckDB
 * and `consume --once` work on them in turn, several times, so that a busy machine is busy for
 * both; prints medians, their ratio and peak memory.
 *
 *     deno task bench --files 100 --events 10000 --rounds 5
 */
import { parseArgs } from "node:util";
import { EVENT_COLUMNS, runBare } from "./bare_job.ts";
import { measure, type Measured, median } from "./measured_process.ts";

const { values } = parseArgs({
  options: {
    files: { type: "string", default: "100" },
    events: { type: "string", default: "10000" },
    rounds: { type: "string", default: "3" },
  },
});
const files = Number(values.files), events = Number(values.events), rounds = Number(values.rounds);
const threads = navigator.hardwareConcurrency;
const root = new URL("../", import.meta.url).pathname;
const RUN = ["run", "--no-check", "--allow-all"];
const streamlab = [...RUN, `${root}main.ts`];
const scratch = await Deno.makeTempDir({ prefix: "streamlab-bench-" });
try {
  await bench();
} finally {
  await Deno.remove(scratch, { recursive: true });
}

async function bench(): Promise<void> {
  console.log(`Deno ${Deno.version.deno}, ${threads} threads, load ${load()} before`);
  const produced = await produce();
  const size = await folderSize(`${scratch}/lake/raw/events`);
  const total = files * events;
  console.log(
    `produce         ${show(produced.seconds)}  ${count(total / produced.seconds)} events/s, ${count(total)} events, ${
      mega(size)
    }`,
  );

  const readable = await filesDuckDbReads();
  const bare: Measured[] = [], consume: Measured[] = [];
  for (let round = 1; round <= rounds; round++) {
    bare.push(await bareDuckDb(readable));
    consume.push(await consumeOnce());
    console.log(
      `  round ${round}: bare DuckDB ${show(bare.at(-1)!.seconds)}, consume ${
        show(consume.at(-1)!.seconds)
      }, load ${load()}`,
    );
  }
  const base = median(bare.map(({ seconds }) => seconds)), ours = median(consume.map(({ seconds }) => seconds));
  console.log(
    `bare DuckDB     ${show(base)}  ${processor(bare)}, peak ${
      peak(bare)
    }, ${readable.length} of ${files} files: the others stop it`,
  );
  console.log(
    `consume --once  ${show(ours)}  ${processor(consume)}, peak ${peak(consume)}, ${
      count(total / ours)
    } events/s, all files`,
  );
  const work = median(consume.map(spent)) / median(bare.map(spent));
  console.log(`ratio           ${(ours / base).toFixed(2)} by the clock, ${work.toFixed(2)} by processor time`);
  await startTimes();
}

function produce(): Promise<Measured> {
  const sizes = ["--batches", String(files), "--batch-size", String(events), "--interval", "0"];
  const what = ["--dirty", "--seed", "1", "--start", "2026-03-01", "--truth", "truth.ndjson"];
  return measure(Deno.execPath(), [...streamlab, "produce", ...sizes, ...what], scratch);
}

/** A corrupted file stops DuckDB's reader; it is spared those. */
async function filesDuckDbReads(): Promise<string[]> {
  const lines = (await Deno.readTextFile(`${scratch}/truth.ndjson`)).trim().split("\n");
  const truth = lines.map((line) => JSON.parse(line) as { file: string; corrupted: unknown });
  return truth.filter(({ corrupted }) => corrupted === null).map(({ file }) => `lake/${file}`);
}

async function bareDuckDb(readable: string[]): Promise<Measured> {
  const target = `${scratch}/bare.parquet`;
  const files = readable.map((path) => `${scratch}/${path}`);
  const job = { threads, target, format: "array", columns: EVENT_COLUMNS, partitionBy: undefined, files } as const;
  const measured = await runBare(job, scratch);
  await Deno.remove(target);
  return measured;
}

async function consumeOnce(): Promise<Measured> {
  const args = ["consume", "--once", "--sink", "sink", "--threads", String(threads)];
  const measured = await measure(Deno.execPath(), [...streamlab, ...args], scratch);
  await Deno.remove(`${scratch}/sink`, { recursive: true });
  return measured;
}

/** Of the compiled program, where there is one. */
async function startTimes(): Promise<void> {
  const program = `${root}dist/streamlab`;
  let size: number;
  try {
    size = (await Deno.stat(program)).size;
  } catch {
    console.log("dist/streamlab  not built: deno task build");
    return;
  }
  console.log(`dist/streamlab  ${mega(size)}`);
  for (const args of [["--help"], ["query", "select 1"]]) {
    const times: number[] = [];
    for (let round = 0; round < Math.max(5, rounds); round++) {
      times.push((await measure(program, args, scratch)).seconds);
    }
    console.log(`  ${args.join(" ").padEnd(15)}${Math.round(median(times) * 1_000)} ms`);
  }
}

async function folderSize(folder: string): Promise<number> {
  let size = 0;
  for await (const { name } of Deno.readDir(folder)) size += (await Deno.stat(`${folder}/${name}`)).size;
  return size;
}

/** Seconds of processor time, which other programs on the machine prolong less than the clock's. */
function spent({ processorSeconds }: Measured): number {
  return processorSeconds ?? NaN;
}

function processor(measured: Measured[]): string {
  return `${median(measured.map(spent)).toFixed(2)} s of processor`;
}

function peak(measured: Measured[]): string {
  const known = measured.flatMap(({ memoryMax }) => memoryMax ?? []);
  return known.length === 0 ? "unknown" : mega(Math.max(...known));
}

function load(): string {
  return Deno.loadavg()[0]!.toFixed(1);
}

function show(seconds: number): string {
  return `${seconds.toFixed(2).padStart(6)} s`;
}

function count(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}

function mega(bytes: number): string {
  return `${Math.round(bytes / 1e6)} MB`;
}
