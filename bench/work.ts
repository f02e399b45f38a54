import { type BareJob, EVENT_COLUMNS, runBare } from "./bare_job.ts";
import { compactionWork } from "./compaction.ts";
import { DEEP_COLUMNS, DEEP_CONTRACT, writeDeepEvents } from "./deep_events.ts";
import { measure } from "./measured_process.ts";
import type { PairedWork, Way } from "./paired_work.ts";
import { makeInput } from "./peers/input.ts";

/** Makes the input below `scratch`; `scale` makes it smaller, to try it. */
export type MakeWork = (program: readonly string[], scratch: string, scale: number) => Promise<PairedWork>;

const threads = navigator.hardwareConcurrency;

export const PAIRED_WORKS: Readonly<Record<string, { doc: string; make: MakeWork }>> = {
  "large-files": { doc: "100 files of 10,000 dirty events", make: layout(100, 10_000) },
  "middle-files": { doc: "1,000 files of 1,000", make: layout(1_000, 1_000) },
  "small-files": { doc: "10,000 files of 100", make: layout(10_000, 100) },
  "tiny-files": { doc: "10,000 files of 20", make: layout(10_000, 20) },
  "ndjson": { doc: "100 files of 10,000 as NDJSON", make: layout(100, 10_000, ["--format", "ndjson"]) },
  "gzip": { doc: "the same arrays in gzip", make: layout(100, 10_000, ["--compress", "gzip"]) },
  "zstd": { doc: "the same arrays in zstd", make: layout(100, 10_000, ["--compress", "zstd"]) },
  "array-300mb": { doc: "one array of 300 MB", make: layout(1, 975_000, ["--corruption-chance", "0"]) },
  "array-2gb": { doc: "one array of 2 GB", make: layout(1, 6_500_000, ["--corruption-chance", "0"]) },
  "envelopes": { doc: "100 envelopes of 10,000 events, against the same arrays", make: envelopesWork },
  "deep": { doc: "100 files of 5,000 records of structs in lists, maps and decimals", make: deepWork },
  "partitions": { doc: "4,000 partitions in one batch, against PARTITION_BY", make: manyPartitions },
  "compact": {
    doc: "100 files of a table into few, by us and by Spark, against a plain read and rewrite",
    make: compactionWork,
  },
  "threads": { doc: "1 thread against all", make: threadsWork },
};

function layout(files: number, eventsPerFile: number, more: readonly string[] = []): MakeWork {
  return async (program, scratch, scale) => {
    // Of a single file the records are fewer, of many the files.
    const [made, each] = files === 1
      ? [1, Math.ceil(eventsPerFile * scale)]
      : [Math.ceil(files * scale), eventsPerFile];
    const input = await makeInput(program, scratch, made, each, more);
    const format = more.includes("ndjson") ? "newline_delimited" : "array";
    const job = { format, columns: EVENT_COLUMNS, partitionBy: undefined, files: input.readable } as const;
    return {
      ways: [consume(program, input.lake, []), bare(job)],
      events: input.files * input.eventsPerFile,
      bytes: input.bytes,
    };
  };
}

async function envelopesWork(program: readonly string[], scratch: string, scale: number): Promise<PairedWork> {
  const input = await makeInput(program, scratch, Math.ceil(100 * scale), 10_000, ["--corruption-chance", "0"]);
  const lake = `${scratch}/envelopes`, raw = `${lake}/raw/events`;
  await Deno.mkdir(raw, { recursive: true });
  for await (const { name } of Deno.readDir(input.raw)) {
    const records = await Deno.readTextFile(`${input.raw}/${name}`);
    await Deno.writeTextFile(`${raw}/${name}`, `{"Records":${records}}`);
  }
  return {
    ways: [
      { ...consume(program, lake, ["--records", "/Records"]), name: "envelopes" },
      { ...consume(program, input.lake, []), name: "arrays" },
    ],
    events: input.files * input.eventsPerFile,
    bytes: input.bytes,
  };
}

async function deepWork(program: readonly string[], scratch: string, scale: number): Promise<PairedWork> {
  const lake = `${scratch}/deep`;
  const files = await writeDeepEvents(`${lake}/raw/events`, Math.ceil(100 * scale), 5_000);
  const contract = `${scratch}/deep.json`;
  await Deno.writeTextFile(contract, JSON.stringify(DEEP_CONTRACT));
  const bytes = (await Promise.all(files.map((file) => Deno.stat(file)))).reduce((sum, { size }) => sum + size, 0);
  const target = ["--contract", contract, "--table", "orders.raw"];
  return {
    ways: [
      consume(program, lake, target),
      bare({ format: "array", columns: DEEP_COLUMNS, partitionBy: undefined, files }),
    ],
    events: files.length * 5_000,
    bytes,
  };
}

async function manyPartitions(program: readonly string[], scratch: string, scale: number): Promise<PairedWork> {
  const input = await makeInput(program, scratch, Math.ceil(100 * scale), 10_000, ["--users", "100000"]);
  const job = {
    format: "array",
    columns: EVENT_COLUMNS,
    partitionBy: "hash(user_id) % 4000",
    files: input.readable,
  } as const;
  return {
    ways: [consume(program, input.lake, ["--partition-by", "bucket(4000, user_id)"]), bare(job)],
    events: input.files * input.eventsPerFile,
    bytes: input.bytes,
  };
}

async function threadsWork(program: readonly string[], scratch: string, scale: number): Promise<PairedWork> {
  const input = await makeInput(program, scratch, Math.ceil(100 * scale), 10_000);
  return {
    ways: [consume(program, input.lake, [], 1), consume(program, input.lake, [])],
    events: input.files * input.eventsPerFile,
    bytes: input.bytes,
  };
}

function consume(program: readonly string[], lake: string, more: readonly string[], threadsMax = threads): Way {
  const args = [...program.slice(1), "consume", "--once", "--source", lake, "--threads", String(threadsMax), ...more];
  return {
    name: threadsMax === threads ? "consume" : `consume, ${threadsMax} thread`,
    run: (output) => measure(program[0]!, [...args, "--sink", output], output),
  };
}

function bare(job: Omit<BareJob, "threads" | "target">): Way {
  return { name: "bare DuckDB", run: (output) => runBare({ ...job, threads, target: `${output}/bare` }, output) };
}
