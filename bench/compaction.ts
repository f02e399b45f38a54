import { systemClock as clock } from "../core/base/clock.ts";
import { counted } from "../core/base/counted.ts";
import { systemRandom as random } from "../core/base/random.ts";
import { DuckDb, quoteText } from "../core/engine/duckdb.ts";
import { requireTable } from "../core/iceberg/catalog/catalog.ts";
import { FileCatalog } from "../core/iceberg/catalog/file_catalog.ts";
import { planScan } from "../core/iceberg/scan/scan.ts";
import { openLocalStore } from "../core/storage/local/local_store.ts";
import { measure, type Measured } from "./measured_process.ts";
import { makeInput } from "./peers/input.ts";
import { findPeersSpark, sparkEnv } from "./peers/python_peers.ts";
import type { PairedWork, WayRun } from "./paired_work.ts";

/** What `bare_rewrite.ts` is to do. */
export interface RewriteJob {
  threads: number;
  /** Files of one partition each, and the file that they become. */
  groups: { files: string[]; target: string }[];
}

const threads = navigator.hardwareConcurrency;
/** As `maintain --compact` has it where the table does not say. */
const TARGET_BYTES = 128e6;
const EVENTS = { namespace: ["bronze"], name: "events" };

/** A table of a file for each batch, and the ways to make few of many. */
export async function compactionWork(
  program: readonly string[],
  scratch: string,
  scale: number,
): Promise<PairedWork> {
  const input = await makeInput(program, scratch, Math.ceil(100 * scale), 10_000);
  const lake = `${scratch}/many-files`;
  const args = [
    "consume",
    "--once",
    "--source",
    input.lake,
    "--sink",
    lake,
    "--max-files-per-batch",
    "1",
    "--no-upkeep",
  ];
  await measure(program[0]!, [...program.slice(1), ...args], scratch);
  const { paths, records, bytes } = await liveFiles(lake);
  // What must be installed first is not measured.
  await findPeersSpark();
  return {
    ways: [
      { name: "compact", run: (output) => compacted(program, lake, output, records) },
      { name: "Spark", run: (output) => rewrittenBySpark(lake, output, records) },
      { name: "bare DuckDB", run: (output) => rewritten(paths, output, records) },
    ],
    events: records,
    bytes,
  };
}

async function compacted(
  program: readonly string[],
  lake: string,
  output: string,
  records: number,
): Promise<Measured> {
  const copy = `${output}/lake`;
  await copyTree(lake, copy);
  const args = ["maintain", "--compact", "--table", "bronze.events", "--source", copy, "--threads", String(threads)];
  const measured = await measure(program[0]!, [...program.slice(1), ...args], output);
  check((await liveFiles(copy)).records, records);
  return measured;
}

/** Spark finds files where they were written, so the copy is there, and the lake elsewhere. */
async function rewrittenBySpark(lake: string, output: string, records: number): Promise<WayRun> {
  const kept = `${output}/lake`;
  await Deno.rename(lake, kept);
  try {
    await copyTree(kept, lake);
    const { python, jar } = await findPeersSpark();
    const script = new URL("./peers/spark_rewrite.py", import.meta.url).pathname;
    const args = [script, jar, String(threads), `${lake}/warehouse`, String(TARGET_BYTES)];
    const measured = await measure(python, args, output, sparkEnv(python, output));
    check((await liveFiles(lake)).records, records);
    const { seconds } = JSON.parse(measured.stdout.trim().split("\n").at(-1)!) as { seconds: number };
    return { ...measured, workSeconds: seconds };
  } finally {
    await Deno.remove(lake, { recursive: true });
    await Deno.rename(kept, lake);
  }
}

async function copyTree(from: string, to: string): Promise<void> {
  const { success, stderr } = await new Deno.Command("cp", { args: ["-a", from, to] }).output();
  if (!success) throw new Error(`Cannot copy ${from}: ${new TextDecoder().decode(stderr)}`);
}

async function rewritten(paths: readonly string[], output: string, records: number): Promise<Measured> {
  const folders = Map.groupBy(paths, (path) => path.slice(0, path.lastIndexOf("/")));
  const groups = [...folders.values()].map((files, number) => ({ files, target: `${output}/${number}.parquet` }));
  const job = `${output}/job.json`;
  await Deno.writeTextFile(job, JSON.stringify({ threads, groups } satisfies RewriteJob));
  const script = new URL("./bare_rewrite.ts", import.meta.url).pathname;
  const measured = await measure(Deno.execPath(), ["run", "--no-check", "--allow-all", script, job], output);
  const database = await DuckDb.open({ threads });
  const connection = await database.connect();
  const [row] = await connection.rows(
    `SELECT count(*)::INT AS n FROM read_parquet(${quoteText(`${output}/*.parquet`)})`,
  );
  connection.close();
  database.close();
  check(row!.n as number, records);
  return measured;
}

async function liveFiles(lake: string): Promise<{ paths: string[]; records: number; bytes: number }> {
  const store = openLocalStore(lake, { random });
  const { io, metadata } = await requireTable(new FileCatalog({ store, clock, random }), EVENTS);
  const files = (await planScan(io, metadata)).files.map(({ dataFile }) => dataFile);
  return {
    paths: files.map(({ path }) => store.localPath(io.location.pathOf(path))!),
    records: files.reduce((sum, { recordCount }) => sum + recordCount, 0),
    bytes: files.reduce((sum, { fileSizeBytes }) => sum + fileSizeBytes, 0),
  };
}

function check(found: number, expected: number): void {
  if (found !== expected) throw new Error(`${counted(found, "row")} instead of ${expected}`);
}
