import { Meter } from "../../core/base/meter.ts";
/**
 * Consumes the lake in the folder given, in batches of so many files within the memory given, and
 * prints what was taken and the process's peak memory in MB.
 */
import { systemClock } from "../../core/base/clock.ts";
import { seededRandom } from "../../core/base/random.ts";
import { ConsumeSession } from "../../core/consume/consume_session.ts";
import { defaultContract } from "../../core/contract/default_contract.ts";
import { FileCatalog } from "../../core/iceberg/catalog/file_catalog.ts";
import { openLocalStore } from "../../core/storage/local/local_store.ts";

const random = seededRandom(1), clock = systemClock;
const sink = openLocalStore(Deno.args[0]!, { random, durable: false });
const taken = { events: 0, deadLetters: 0 };
const session = await ConsumeSession.open({
  meter: new Meter(systemClock),
  catalog: new FileCatalog({ store: sink, clock, random }),
  sink,
  zone: { store: sink, prefix: "raw/events/", nameBase: "", format: undefined },
  target: { namespace: ["bronze"], name: "events" },
  contract: defaultContract(),
  partitionBy: [{ column: "event_timestamp", transform: { name: "day" } }],
  onExtraFields: "dead-letter",
  onChangedFile: "ignore",
  maxFilesPerBatch: Number(Deno.args[2] ?? 10_000),
  maxBytesPerBatch: 1e9,
  clock,
  random,
  threads: 2,
  memory: Deno.args[1] ?? "1000MB",
  temporaryFolder: Deno.args[0]!,
  holder: "the test",
  report: {
    batch: ({ events, deadLetters }) => {
      taken.events += events;
      taken.deadLetters += deadLetters;
    },
    file: () => {},
    note: () => {},
  },
});
await session.runOnce(new AbortController().signal);
session.close();
const peakMb = Math.round(Number(/VmHWM:\s+(\d+)/.exec(Deno.readTextFileSync("/proc/self/status"))![1]) / 1_024);
Deno.stdout.writeSync(new TextEncoder().encode(JSON.stringify({ ...taken, peakMb })));
