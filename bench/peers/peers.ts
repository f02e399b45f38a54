// deno-lint-ignore-file no-console
/**
 * `deno task bench:peers`: what a user would take instead of `consume --once`, on the same files
 * and machine in turn, from process start to exit. Each run's rows are counted. What the peers need
 * is installed the first time. The results go to `bench/results/peers.json`.
 *
 *     deno task bench:peers --layouts 100x10000,1000x1000,10000x100 --rounds 3 \
 *       --only streamlab,duckdb,spark-batch --program dist/streamlab
 */
import { cpus, release, totalmem } from "node:os";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { type Measured, median } from "../measured_process.ts";
import { type BenchInput, makeInput } from "./input.ts";
import { openPeers, type Peer } from "./peer.ts";
import { PEER_VERSIONS } from "./python_peers.ts";

const { values } = parseArgs({
  options: {
    layouts: { type: "string", default: "100x10000,1000x1000,10000x100" },
    rounds: { type: "string", default: "3" },
    only: { type: "string", default: "" },
    program: { type: "string" },
    results: { type: "string", default: new URL("../results/peers.json", import.meta.url).pathname },
  },
});

interface PeerResult {
  doc: string;
  seconds: number[];
  processorSeconds: number[];
  memoryMax: number | undefined;
  /** Of the machine, after each round: figures of a busy one are no figures. */
  load: number[];
  events: number;
  letters: number;
  /** Records that became no row at all, at least. */
  lost: number;
}

const root = new URL("../../", import.meta.url).pathname;
const program = values.program === undefined
  ? [Deno.execPath(), "run", "--no-check", "--allow-all", `${root}main.ts`]
  : [resolve(values.program)];
const peers = await openPeers(program, values.only.split(",").filter(Boolean));
const scratch = await Deno.makeTempDir({ prefix: "streamlab-peers-" });
try {
  await bench();
} finally {
  await Deno.remove(scratch, { recursive: true });
}

async function bench(): Promise<void> {
  const layouts: Record<string, unknown> = {};
  for (const layout of values.layouts.split(",")) {
    const [files, eventsPerFile] = layout.split("x").map(Number);
    const input = await makeInput(program, scratch, files!, eventsPerFile!);
    console.log(`${layout}: ${mega(input.bytes)}, ${input.events} events and ${input.letters} letters`);
    const results = await rounds(input);
    print(results);
    const { bytes, events, letters } = input;
    layouts[layout] = { bytes, events, letters, ...Object.fromEntries(results) };
    await Deno.remove(`${input.lake}/..`, { recursive: true });
    await write(layouts); // a later layout may fail
  }
}

async function rounds(input: BenchInput): Promise<Map<string, PeerResult>> {
  const results = new Map<string, PeerResult>();
  for (let round = 1; round <= Number(values.rounds); round++) {
    for (const peer of peers) {
      const { measured, rows } = await runIn(peer, input);
      const result = results.get(peer.name) ??
        { doc: peer.doc, seconds: [], processorSeconds: [], memoryMax: undefined, load: [], lost: 0, ...rows };
      result.lost = Math.max(0, input.events + input.letters - rows.events - rows.letters);
      add(result, measured);
      results.set(peer.name, result);
      const load = Deno.loadavg()[0]!;
      result.load.push(load);
      console.log(`  round ${round}: ${peer.name} ${measured.seconds.toFixed(2)} s, load ${load.toFixed(1)}`);
    }
  }
  return results;
}

async function runIn(peer: Peer, input: BenchInput): Promise<Awaited<ReturnType<Peer["run"]>>> {
  const output = `${scratch}/output`;
  await Deno.mkdir(output);
  try {
    return await peer.run(input, output);
  } finally {
    await Deno.remove(output, { recursive: true });
  }
}

function add(result: PeerResult, { seconds, processorSeconds, memoryMax }: Measured): void {
  result.seconds.push(seconds);
  if (processorSeconds !== undefined) result.processorSeconds.push(processorSeconds);
  if (memoryMax !== undefined) result.memoryMax = Math.max(memoryMax, result.memoryMax ?? 0);
}

function print(results: ReadonlyMap<string, PeerResult>): void {
  const base = results.get("streamlab");
  for (const [name, { seconds, processorSeconds, memoryMax, events, letters, lost }] of results) {
    const times = base === undefined ? "" : `${(median(seconds) / median(base.seconds)).toFixed(2)} × streamlab, `;
    const processor = processorSeconds.length === 0 ? "" : `${median(processorSeconds).toFixed(2)} s of processor, `;
    const memory = memoryMax === undefined ? "" : `${mega(memoryMax)}, `;
    const rows = `${events} events, ${letters} letters${lost > 0 ? `, ${lost} lost` : ""}`;
    console.log(`${name.padEnd(13)}${median(seconds).toFixed(2).padStart(8)} s  ${times}${processor}${memory}${rows}`);
  }
}

async function write(layouts: Record<string, unknown>): Promise<void> {
  const machine = { processor: cpus()[0]?.model, threads: cpus().length, memory: totalmem(), kernel: release() };
  const versions = { deno: Deno.version.deno, ...PEER_VERSIONS };
  const results = { at: new Date().toISOString(), machine, versions, program: values.program ?? "source", layouts };
  await Deno.mkdir(new URL(".", `file://${resolve(values.results)}`), { recursive: true });
  await Deno.writeTextFile(values.results, `${JSON.stringify(results, null, 2)}\n`);
}

function mega(bytes: number): string {
  return `${Math.round(bytes / 1e6)} MB`;
}
