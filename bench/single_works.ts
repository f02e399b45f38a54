import { systemClock } from "../core/base/clock.ts";
import { systemRandom as random } from "../core/base/random.ts";
import { type Catalog, parseIdentifier } from "../core/iceberg/catalog/catalog.ts";
import { FileCatalog } from "../core/iceberg/catalog/file_catalog.ts";
import { snapshotOfRef } from "../core/iceberg/format/table_metadata.ts";
import { openLocalStore } from "../core/storage/local/local_store.ts";
import { peakOf } from "./family_watch.ts";
import { measure, median } from "./measured_process.ts";

/** A work that has no counterpart: says its figures in a line. */
export type SingleWork = (program: readonly string[], scratch: string, rounds: number) => Promise<string>;

export const SINGLE_WORKS: Readonly<Record<string, { doc: string; run: SingleWork }>> = {
  "produce": { doc: "dirty JSON to disk, with its truth", run: produceWork },
  "start": { doc: "process start to the first committed batch of ten events", run: startWork },
  "visible": { doc: "file landed to row visible, one file of 100 events a second", run: visibleWork },
  "among-many": { doc: "10 files landed among 200,000 ingested ones to rows visible", run: amongManyWork },
};

async function produceWork(program: readonly string[], scratch: string, rounds: number): Promise<string> {
  const rates: number[] = [], spent: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const output = `${scratch}/${round}`;
    const sizes = ["--batches", "100", "--batch-size", "10000", "--interval", "0", "--dirty"];
    const seed = ["--seed", "1", "--start", "2026-03-01", "--truth", `${scratch}/truth-${round}`];
    const { seconds, processorSeconds } = await measure(
      program[0]!,
      [...program.slice(1), "produce", "--sink", output, ...sizes, ...seed],
      scratch,
    );
    await Deno.remove(output, { recursive: true });
    rates.push(1e6 / seconds);
    spent.push(processorSeconds ?? NaN);
  }
  return `${Math.round(median(rates)).toLocaleString("en-US")} events/s, ${median(spent).toFixed(2)} s of processor`;
}

async function startWork(program: readonly string[], scratch: string, rounds: number): Promise<string> {
  const lake = `${scratch}/lake`;
  const size = ["--batches", "1", "--batch-size", "10", "--interval", "0", "--seed", "1", "--start", "2026-03-01"];
  await measure(program[0]!, [...program.slice(1), "produce", "--sink", lake, ...size], scratch);
  const seconds: number[] = [];
  for (let round = 0; round < Math.max(rounds, 5); round++) {
    const sink = `${scratch}/sink-${round}`;
    const args = [...program.slice(1), "consume", "--once", "--source", lake, "--sink", sink];
    seconds.push((await measure(program[0]!, args, scratch)).seconds);
  }
  return `${Math.round(median(seconds) * 1_000)} ms from start to exit`;
}

const WARM_FILES = 5;

/**
 * A file appears by a link, as producers make it; its rows are visible when the table's snapshot
 * has them.
 */
async function visibleWork(program: readonly string[], scratch: string, rounds: number): Promise<string> {
  const files = WARM_FILES + 20 * rounds;
  const made = `${scratch}/made`, lake = `${scratch}/lake`;
  const size = ["--batches", String(files), "--batch-size", "100", "--interval", "0", "--seed", "1"];
  const run = [...program.slice(1), "produce", "--sink", made, ...size, "--start", "2026-03-01"];
  await measure(program[0]!, run, scratch);
  const raw = `${lake}/raw/events`;
  await Deno.mkdir(raw, { recursive: true });
  const consumer = startConsumer(program, lake);
  try {
    const catalog = catalogOf(lake);
    const names = [...Deno.readDirSync(`${made}/raw/events`)].map(({ name }) => name).sort();
    const milliseconds: number[] = [];
    for (const [index, name] of names.entries()) {
      await systemClock.sleep(1_000);
      const startMs = performance.now();
      await Deno.link(`${made}/raw/events/${name}`, `${raw}/${name}`);
      await untilRows(catalog, 100 * (index + 1));
      if (index >= WARM_FILES) milliseconds.push(performance.now() - startMs);
    }
    const sorted = milliseconds.sort((a, b) => a - b);
    const at = (share: number) => Math.round(sorted[Math.ceil(share * sorted.length) - 1]!);
    return `p50 ${at(0.5)} ms, p99 ${at(0.99)} ms of ${sorted.length} files`;
  } finally {
    consumer.kill("SIGTERM");
    await consumer.status;
  }
}

const INGESTED = 200_000, NEW_FILES = 10;

/** By a consumer that runs; its memory after the first look and at the end shows what grows. */
async function amongManyWork(program: readonly string[], scratch: string, rounds: number): Promise<string> {
  const lake = `${scratch}/many`, raw = `${lake}/raw/events`;
  await Deno.mkdir(raw, { recursive: true });
  const write = (folder: string, name: string) =>
    Deno.writeTextFileSync(
      `${folder}/${name}.ndjson`,
      `{"user_id":"u","event_id":"${name}","event_type":"page_view","event_timestamp":"2026-03-01T12:00:00Z"}\n`,
    );
  for (let file = 0; file < INGESTED; file++) write(raw, `old-${file}`);
  const args = ["consume", "--source", lake];
  const once = await measure(program[0]!, [...program.slice(1), ...args, "--once"], scratch);
  const idle = await measure(program[0]!, [...program.slice(1), ...args, "--once"], scratch);
  const consumer = startConsumer(program, lake);
  try {
    const catalog = catalogOf(lake);
    const milliseconds: number[] = [], megabytes: number[] = [];
    for (let round = 0; round <= 5 * rounds; round++) {
      // They land together: what comes while a batch runs waits for the trigger, a second.
      const landing = `${lake}/landing`;
      Deno.mkdirSync(landing);
      for (let file = 0; file < NEW_FILES; file++) write(landing, `new-${round}-${file}`);
      const startMs = performance.now();
      Deno.renameSync(landing, `${raw}/new-${round}`);
      await untilRows(catalog, INGESTED + NEW_FILES * (round + 1));
      // The first look reads the ledger, and waits for the start of the program.
      if (round > 0) milliseconds.push(performance.now() - startMs);
      megabytes.push(Math.round((peakOf(consumer.pid) ?? NaN) / 1e6));
      await systemClock.sleep(1_000);
    }
    return `median ${Math.round(median(milliseconds))} ms, highest ${Math.round(Math.max(...milliseconds))} ms; ` +
      `peak ${megabytes[0]} MB after the first, ${megabytes.at(-1)} MB after the last; ` +
      `ingesting all took ${once.seconds.toFixed(0)} s, and a run that finds nothing ${idle.seconds.toFixed(2)} s`;
  } finally {
    consumer.kill("SIGTERM");
    await consumer.status;
  }
}

function startConsumer(program: readonly string[], lake: string): Deno.ChildProcess {
  const args = [...program.slice(1), "consume", "--source", lake];
  return new Deno.Command(program[0]!, { args, stdout: "null", stderr: "null" }).spawn();
}

function catalogOf(lake: string): Catalog {
  return new FileCatalog({ store: openLocalStore(lake, { random }), clock: systemClock, random });
}

const VISIBLE_MS_MAX = 60_000;

async function untilRows(catalog: Catalog, rows: number): Promise<void> {
  const untilMs = performance.now() + VISIBLE_MS_MAX;
  while (performance.now() < untilMs) {
    const table = await catalog.loadTable(parseIdentifier("bronze.events"));
    const snapshot = table && snapshotOfRef(table.metadata);
    if (Number(snapshot?.summary["total-records"] ?? 0) >= rows) return;
    await systemClock.sleep(1);
  }
  throw new Error(`${rows} rows were not visible after ${VISIBLE_MS_MAX / 1_000} s`);
}
