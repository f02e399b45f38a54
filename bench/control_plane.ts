// deno-lint-ignore-file no-console
/**
 * `deno task bench:control`: what a run takes that no cluster takes off it. The bucket of raw
 * files is made up (a process of its own that speaks as much of S3 as is needed), and so are the
 * tasks, which give back at once what real ones would; listing, ledger, plan, routed record and
 * commits are the program's own. Each line is a process of its own.
 *
 * `--files`: one batch of so many small files. `--known`: ten new objects, told of by a message,
 * among so many. `--rows`: the same beside a ledger of so many rows.
 *
 *     deno task bench:control --files 200000,1000000 --known 1000000 --rows 10000000
 */
import { cpuUsage } from "node:process";
import { parseArgs } from "node:util";
import { systemClock as clock } from "../core/base/clock.ts";
import { Meter } from "../core/base/meter.ts";
import { seededRandom } from "../core/base/random.ts";
import { ConsumeSession } from "../core/consume/consume_session.ts";
import { defaultContract } from "../core/contract/default_contract.ts";
import { FileCatalog } from "../core/iceberg/catalog/file_catalog.ts";
import { identifiersOf } from "../core/lake/table_names.ts";
import { ObjectNews } from "../core/notifications/object_news.ts";
import { openLocalStore } from "../core/storage/local/local_store.ts";
import { openS3Store } from "../core/storage/s3/s3_store.ts";
import { CrowdedBucket, crowdedLocation, keyOf, settingsOf } from "../tests/support/crowded_bucket.ts";
import { ImaginaryCluster } from "./imaginary_cluster.ts";
import { fillLedger } from "./known_ledger.ts";
import { peakOf } from "./family_watch.ts";

const NEW_OBJECTS = 10;
const EVENT = `{"user_id":"u","event_id":"e","event_type":"t","event_timestamp":"2026-03-01T12:00:00Z"}\n`;

const { values } = parseArgs({
  options: {
    files: { type: "string", default: "200000,1000000" },
    known: { type: "string", default: "1000000" },
    rows: { type: "string", default: "10000000" },
    /** Of the processes themselves. */
    part: { type: "string" },
    count: { type: "string", default: "0" },
    port: { type: "string", default: "0" },
    listed: { type: "string", default: "0" },
    folder: { type: "string", default: "" },
  },
});
const random = seededRandom(1);
const TARGET = { namespace: ["bronze"], name: "events" };
const { folder } = values;
const count = Number(values.count), listed = Number(values.listed), port = Number(values.port);
const PARTS: Readonly<Record<string, () => Promise<void> | void>> = {
  bucket: serveBucket,
  batch: takeBatch,
  ledger: makeLedger,
  news: takeNews,
};

if (values.part === undefined) await measureAll();
else await PARTS[values.part]!();

async function measureAll(): Promise<void> {
  const counts = (text: string) => text.split(",").filter((each) => each !== "").map(Number);
  for (const files of counts(values.files)) await measure(["batch"], files, files);
  for (const known of counts(values.known)) await measure(["ledger", "news"], known, known);
  for (const rows of counts(values.rows)) await measure(["ledger", "news"], rows, 0);
}

/** Runs the parts one after another in a lake of their own; each, and the bucket, is a process. */
async function measure(parts: readonly string[], count: number, listed: number): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "streamlab-control-plane-" });
  const bucket = start("bucket", { count: listed }, "piped");
  const lines = bucket.stdout.pipeThrough(new TextDecoderStream()).getReader();
  try {
    const { value } = await lines.read();
    for (const part of parts) {
      const { success } = await start(part, { count, listed, folder, port: Number(value) }, "inherit").status;
      if (!success) throw new Error(`${part} failed`);
    }
  } finally {
    bucket.kill("SIGTERM");
    await lines.cancel();
    await bucket.status;
    await Deno.remove(folder, { recursive: true });
  }
}

function start(
  part: string,
  options: Readonly<Record<string, string | number>>,
  stdout: "piped" | "inherit",
): Deno.ChildProcess {
  const flags = Object.entries({ part, ...options }).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const args = ["run", "--no-check", "--allow-all", new URL(import.meta.url).pathname, ...flags];
  return new Deno.Command(Deno.execPath(), { args, stdin: "null", stdout, stderr: "inherit" }).spawn();
}

/** New objects come behind the known ones, and no listing has them. */
function serveBucket(): void {
  const bucket = new CrowdedBucket(count, EVENT, { unlisted: Infinity });
  console.log(bucket.port);
}

interface Batch {
  seconds: Readonly<Record<string, number>>;
}

async function openSession(
  onBatch: (batch: Batch) => void,
  { news, onStart, onIdle }: { news?: ObjectNews; onStart?: () => void; onIdle?: () => void } = {},
): Promise<ConsumeSession> {
  const sink = openLocalStore(folder, { random, durable: false });
  const cluster = new ImaginaryCluster();
  return await ConsumeSession.open({
    meter: new Meter(clock),
    catalog: new FileCatalog({ store: sink, clock, random, tidiesLater: true }),
    sink,
    zone: {
      store: await openS3Store(crowdedLocation, { clock, random, settings: settingsOf(port) }),
      prefix: "raw/events/",
      nameBase: "s3://crowded/",
      format: undefined,
    },
    target: TARGET,
    contract: defaultContract(),
    partitionBy: [{ column: "event_timestamp", transform: { name: "day" } }],
    onExtraFields: "dead-letter",
    onChangedFile: "fail",
    maxFilesPerBatch: 10_000_000,
    maxBytesPerBatch: 1e12,
    clock,
    random,
    threads: 2,
    memory: "1000000000B",
    temporaryFolder: folder,
    tasks: { cluster, limits: { threads: 1, memory: "1GB" }, bytesPerTask: 256e6 },
    news,
    holder: "the bench",
    report: {
      started: onStart ?? (() => {}),
      batch: onBatch,
      idle: onIdle ?? (() => {}),
      file: (name, what, detail) => {
        throw new Error(`${name} ${what}: ${detail}`);
      },
      note: (text) => console.log(text),
    },
  });
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

/** Since a moment, by the clock and by the processors; and the highest memory. */
function spent(sinceMs: number): string {
  const { user, system } = cpuUsage();
  const seconds = (clock.nowMs() - sinceMs) / 1000, processor = (user + system) / 1e6;
  return `${seconds.toFixed(1)} s (${processor.toFixed(1)} s of processor, ${megabytes(peakOf(Deno.pid) ?? NaN)})`;
}

async function takeBatch(): Promise<void> {
  const startMs = clock.nowMs();
  let planned = "", told: Batch | undefined;
  const onStart = () => void (planned = `planned after ${spent(startMs)}`);
  const session = await openSession((batch) => void (told = batch), { onStart });
  try {
    await session.runOnce(new AbortController().signal);
  } finally {
    session.close();
  }
  const total = `done after ${spent(startMs)}`;
  const steps = Object.entries(told!.seconds).map(([step, seconds]) => `${step} ${seconds.toFixed(2)} s`).join(", ");
  const sizes = [...Deno.readDirSync(`${folder}/checkpoints/bronze.events`)].flatMap(({ name }) => {
    const kind = /\.(plan|routed)\.json$/.exec(name)?.[1];
    const { size } = Deno.statSync(`${folder}/checkpoints/bronze.events/${name}`);
    return kind === undefined ? [] : [`${kind} ${megabytes(size)}`];
  });
  console.log(`a batch of ${count} files: ${planned}, ${total}; ${steps}; ${sizes.join(", ")}`);
}

/** The tables, and what the ledger knows. */
async function makeLedger(): Promise<void> {
  const session = await openSession(() => {});
  session.close();
  const store = openLocalStore(folder, { random, durable: false });
  await fillLedger(new FileCatalog({ store, clock, random }), identifiersOf(TARGET).ledger, folder, count);
}

/** Told of ten objects that are new, a consumer that has nothing to do takes them. */
async function takeNews(): Promise<void> {
  const startMs = clock.nowMs();
  const stop = new AbortController(), news = new ObjectNews();
  let told = "", toldMs = 0, before = { list: 0, head: 0, get: 0 };
  const onIdle = () => {
    if (told !== "") return;
    told = `looked through after ${spent(startMs)}`;
    void requests().then((sofar) => {
      before = sofar;
      toldMs = performance.now();
      news.tell(Array.from({ length: NEW_OBJECTS }, (_, each) => `s3://crowded/${keyOf(count + each)}`));
    });
  };
  const onBatch = () => {
    const tookMs = performance.now() - toldMs;
    void requests().then(({ list, head, get }) => {
      const asked = `${list - before.list} listings, ${head - before.head} looks, ${get - before.get} reads`;
      console.log(
        `${NEW_OBJECTS} new objects among ${listed} listed and ${count} known: ${told}; ` +
          `in the tables ${Math.round(tookMs)} ms after the message, by ${asked}; ${
            megabytes(peakOf(Deno.pid) ?? NaN)
          }`,
      );
      stop.abort();
    });
  };
  const session = await openSession(onBatch, { news, onIdle });
  try {
    await session.run(stop.signal, 1_000, (error) => {
      throw error;
    });
  } finally {
    session.close();
  }
}

async function requests(): Promise<{ list: number; head: number; get: number }> {
  const response = await fetch(`http://127.0.0.1:${port}/requests`);
  return await response.json();
}
