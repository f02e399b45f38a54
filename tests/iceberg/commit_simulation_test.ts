import { deepStrictEqual as assertEquals, ok as assert } from "node:assert/strict";
import { isKind } from "../../core/base/errors.ts";
import { appendFiles } from "../../core/iceberg/action/append_files.ts";
import type { LoadedTable } from "../../core/iceberg/catalog/catalog.ts";
import { commitTable } from "../../core/iceberg/commit.ts";
import { planScan } from "../../core/iceberg/scan/scan.ts";
import { SimulatedDisk } from "../support/simulated_disk.ts";
import { faultsBySeed } from "../support/simulated_faults.ts";
import { Crash } from "../support/simulated_store.ts";
import { Bench, identifier } from "./sample_table.ts";

const seeds = 200;
const writers = 3;
const appendsEach = 6;

type Outcome = "committed" | "conflict" | "unknown" | "crashed";

interface Appended {
  path: string;
  outcome: Outcome;
}

function outcomeOf(error: unknown): Outcome {
  if (error instanceof Crash) return "crashed";
  if (isKind(error, "conflict")) return "conflict";
  if (isKind(error, "unavailable")) return "unknown";
  throw error;
}

/**
 * A writer that goes on after every failure but its death. Its base is as old as its last success.
 */
async function write(disk: SimulatedDisk, writer: number, base: LoadedTable): Promise<Appended[]> {
  const store = disk.connect({ process: `writer ${writer}` });
  const bench = new Bench(store, store.clock, store.random);
  const appended: Appended[] = [];
  for (let i = 0; i < appendsEach; i++) {
    const path = base.io.location.uriOf(`data/${writer}-${i}.parquet`);
    const append = { files: [bench.file(base, 0, { path })] };
    const build = async (transaction: Parameters<typeof appendFiles>[0]) =>
      transaction.add(await appendFiles(transaction, append));
    let outcome: Outcome = "committed";
    try {
      const options = { clock: store.clock, random: store.random, base, attemptsMax: 6 };
      base = (await commitTable(bench.catalog, identifier, build, options)).table;
    } catch (error) {
      outcome = outcomeOf(error);
    }
    appended.push({ path, outcome });
    if (outcome === "crashed") break;
  }
  return appended;
}

async function run(seed: number): Promise<{ appended: Appended[]; versions: number }> {
  const disk = new SimulatedDisk({ seed, latencyMsMax: 40 });
  const calm = disk.connect();
  const bench = new Bench(calm, calm.clock, calm.random);
  // Two earlier versions are kept, so that a writer who sleeps finds its number free again.
  const base = await bench.create([], {
    "write.metadata.previous-versions-max": "2",
    "commit.manifest.min-count-to-merge": "4",
  });
  const faults = faultsBySeed(seed, {
    crash: 0.004,
    fail: 0.03,
    late: 0.02,
    twice: 0.03,
    delay: 0.05,
    delayMsMax: 4000,
  });
  disk.hook = (operation, phase) => operation.process.startsWith("writer") ? faults(operation, phase) : undefined;
  const results = await Promise.all(Array.from({ length: writers }, (_, i) => write(disk, i, base)));
  disk.hook = undefined;
  await calm.clock.sleep(60_000);
  const appended = results.flat();
  const table = await bench.load();
  const live = (await planScan(table.io, table.metadata)).files.map((file) => file.dataFile.path);
  assertEquals(new Set(live).size, live.length, `seed ${seed}: nothing twice`);
  for (const { path, outcome } of appended) {
    if (outcome === "committed") assert(live.includes(path), `seed ${seed}: ${path} was committed and is not there`);
    if (outcome === "conflict") assert(!live.includes(path), `seed ${seed}: ${path} was refused and is there`);
  }
  const { snapshots } = table.metadata;
  const isLine = snapshots.every((snapshot, i) => snapshot.parentSnapshotId === snapshots[i - 1]?.snapshotId);
  assert(isLine, `seed ${seed}: one history`);
  assertEquals(snapshots.length, live.length, `seed ${seed}`);
  return { appended, versions: snapshots.length };
}

Deno.test(`what a writer was told is what is there, whatever the store does, for ${seeds} seeds`, async () => {
  const outcomes = new Map<Outcome, number>();
  for (let seed = 0; seed < seeds; seed++) {
    for (const { outcome } of (await run(seed)).appended) outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
  }
  // The faults must not be so rare, nor so many, that nothing is tried.
  for (const outcome of ["committed", "unknown", "crashed"] as const) {
    assert((outcomes.get(outcome) ?? 0) > 10, outcome);
  }
});
