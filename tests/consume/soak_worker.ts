/**
 * Consumes small files in the folder given, one a batch: the next file comes when the last was
 * committed. Ends after so many minutes and batches, and prints memory samples, a line of JSON
 * each.
 */
import { systemClock } from "../../core/base/clock.ts";
import { Meter } from "../../core/base/meter.ts";
import { seededRandom } from "../../core/base/random.ts";
import { ConsumeSession } from "../../core/consume/consume_session.ts";
import { defaultContract } from "../../core/contract/default_contract.ts";
import { FileCatalog } from "../../core/iceberg/catalog/file_catalog.ts";
import { openLocalStore } from "../../core/storage/local/local_store.ts";
import type { MemorySample } from "./memory_slope.ts";

const [folder, minutes, batchesMin] = Deno.args as [string, string, string];
const BATCHES_PER_SAMPLE = 10;
/** In ten minutes there are batches enough for a line. */
const TRIGGER_MS = 500;

const random = seededRandom(1), clock = systemClock;
const events = `${folder}/raw/events`;
const stop = new AbortController();
const untilMs = clock.nowMs() + Number(minutes) * 60_000;
let batches = 0;

/** Fifty events and a dead letter: each batch adds to all three tables. */
function addFile(): void {
  const lines = Array.from({ length: 50 }, (_, i) =>
    JSON.stringify({
      user_id: `user-${i}`,
      event_id: `${batches}-${i}`,
      event_type: "page_view",
      event_timestamp: "2026-03-01T12:00:00.123Z",
      properties: { url: `https://example.com/${i * batches}` },
    }));
  Deno.writeTextFileSync(`${events}/.part`, `${lines.join("\n")}\n{"broken":1}\n`);
  Deno.renameSync(`${events}/.part`, `${events}/${String(batches).padStart(8, "0")}.ndjson`);
}

function sample(): void {
  const kilobytes = Number(/VmRSS:\s+(\d+)/.exec(Deno.readTextFileSync("/proc/self/status"))![1]);
  const memory: MemorySample = { batch: batches, megabytes: Math.round(kilobytes / 102.4) / 10 };
  Deno.stdout.writeSync(new TextEncoder().encode(`${JSON.stringify(memory)}\n`));
}

await Deno.mkdir(events, { recursive: true });
const sink = openLocalStore(folder, { random, durable: false });
const session = await ConsumeSession.open({
  meter: new Meter(clock),
  catalog: new FileCatalog({ store: sink, clock, random, tidiesLater: true }),
  sink,
  zone: { store: sink, prefix: "raw/events/", nameBase: "", format: undefined },
  target: { namespace: ["bronze"], name: "events" },
  contract: defaultContract(),
  partitionBy: [{ column: "event_timestamp", transform: { name: "day" } }],
  onExtraFields: "dead-letter",
  onChangedFile: "fail",
  maxFilesPerBatch: 10_000,
  maxBytesPerBatch: 1e9,
  clock,
  random,
  threads: 2,
  memory: "1000MB",
  temporaryFolder: folder,
  holder: "the test",
  report: {
    batch: () => {
      if (++batches % BATCHES_PER_SAMPLE === 0) sample();
      if (batches >= Number(batchesMin) && clock.nowMs() >= untilMs) stop.abort();
      else addFile();
    },
    file: (name, what, detail) => {
      throw new Error(`${name} ${what}: ${detail}`);
    },
    note: () => {},
  },
});
addFile();
await session.run(stop.signal, TRIGGER_MS, (error) => {
  throw error;
});
session.close();
