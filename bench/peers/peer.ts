import { DuckDb, quoteText } from "../../core/engine/duckdb.ts";
import { EVENT_COLUMNS, runBare } from "../bare_job.ts";
import { measure, type Measured } from "../measured_process.ts";
import type { BenchInput } from "./input.ts";
import { findPeersPython, findPeersSpark, sparkEnv } from "./python_peers.ts";

/** Rows that a program wrote; a reader that sorts nothing out has no letters. */
interface Rows {
  events: number;
  letters: number;
}

export interface Peer {
  name: string;
  doc: string;
  /**
   * Runs it once, into an empty folder. A peer may lose records, which is a result; streamlab may
   * not.
   */
  run(input: BenchInput, output: string): Promise<{ measured: Measured; rows: Rows }>;
}

const here = new URL("./", import.meta.url).pathname;
const threads = String(navigator.hardwareConcurrency);

/** `program` is streamlab's own command line, as far as the subcommand. */
export async function openPeers(program: readonly string[], names: readonly string[]): Promise<Peer[]> {
  const peers = [streamlab(program), bareDuckDb, ...pythonPeers, ...sparkPeers];
  const unknown = names.find((name) => !peers.some((peer) => peer.name === name));
  if (unknown !== undefined) {
    throw new Error(`Cannot run ${unknown}: the peers are ${peers.map(({ name }) => name).join(", ")}`);
  }
  const chosen = peers.filter(({ name }) => names.length === 0 || names.includes(name));
  // What must be installed first is not measured.
  if (chosen.some((peer) => pythonPeers.includes(peer))) await findPeersPython();
  if (chosen.some((peer) => sparkPeers.includes(peer))) await findPeersSpark();
  return chosen;
}

function streamlab(program: readonly string[]): Peer {
  return {
    name: "streamlab",
    doc: "consume --once: strict, every record accounted for, exactly once, durable",
    async run(input, output) {
      const args = ["consume", "--once", "--source", input.lake, "--sink", output, "--threads", threads, "--json"];
      const measured = await measure(program[0]!, [...program.slice(1), ...args], output);
      const batches = measured.stdout.trim().split("\n").map((line) =>
        JSON.parse(line) as { events: number; deadLetters: number }
      );
      const events = batches.reduce((sum, batch) => sum + batch.events, 0);
      const letters = batches.reduce((sum, batch) => sum + batch.deadLetters, 0);
      if (events !== input.events || letters !== input.letters) {
        throw new Error(`streamlab wrote ${events} events and ${letters} letters, not those of the truth`);
      }
      return { measured, rows: { events, letters } };
    },
  };
}

const bareDuckDb: Peer = {
  name: "duckdb",
  doc: "(a) bare DuckDB: readable files only, one Parquet file, nothing checked",
  async run(input, output) {
    const target = `${output}/bare.parquet`;
    const measured = await runBare({
      threads: Number(threads),
      target,
      format: "array",
      columns: EVENT_COLUMNS,
      partitionBy: undefined,
      files: input.readable,
    }, output);
    using resources = new DisposableStack();
    const database = resources.adopt(await DuckDb.open({ threads: 1 }), (opened) => opened.close());
    const connection = resources.adopt(await database.connect(), (opened) => opened.close());
    const [row] = await connection.rows(`SELECT count(*)::INTEGER AS rows FROM read_parquet(${quoteText(target)})`);
    const events = row!.rows as number;
    if (events < input.events) throw new Error(`DuckDB wrote ${events} rows, fewer than there are events`);
    return { measured, rows: { events, letters: 0 } };
  },
};

const pythonPeers: readonly Peer[] = [
  script("python", "(d) a Python script with DuckDB and PyIceberg", "duckdb_pyiceberg.py"),
  script("dlt", "(e) dlt, filesystem destination with Iceberg tables", "dlt_iceberg.py"),
];

const sparkPeers: readonly Peer[] = [
  script("spark-stream", "(b) the original's way: Structured Streaming into Iceberg", "spark_stream.py"),
  script("spark-batch", "(c) the same written well: one batch", "spark_batch.py"),
];

/** A script of this folder, whose last line says what it wrote. */
function script(name: string, doc: string, file: string): Peer {
  return {
    name,
    doc,
    async run(input, output) {
      const isSpark = file.startsWith("spark");
      const { python, jar } = isSpark ? await findPeersSpark() : { python: await findPeersPython(), jar: undefined };
      const args = [`${here}${file}`, ...(jar === undefined ? [] : [jar]), threads, input.raw, output];
      const measured = await measure(python, args, output, sparkEnv(python, output));
      const rows = JSON.parse(measured.stdout.trim().split("\n").at(-1)!) as Rows;
      return { measured, rows };
    },
  };
}
