// deno-lint-ignore-file no-console
/**
 * `deno task bench:upkeep`: one small file a batch, as fast as they go, while upkeep keeps the
 * tables in order. Every thousand batches it prints what a batch takes, and how large tables and
 * lake are. `--lake` makes the lake there and leaves it, so that it can be audited; `--s3` has it
 * on a MinIO of its own, and counts the requests. A lake that is there already is gone on with;
 * `--rest` leaves the consumer idle for so many seconds at the end, and prints what is left then.
 *
 *     deno task bench:upkeep --batches 3000 --delete-after 60
 *     deno task bench:upkeep --batches 3000 --s3
 */
import { cpuUsage } from "node:process";
import { parseArgs } from "node:util";
import { systemClock as clock } from "../core/base/clock.ts";
import { Meter } from "../core/base/meter.ts";
import { seededRandom } from "../core/base/random.ts";
import { ConsumeSession } from "../core/consume/consume_session.ts";
import { defaultContract } from "../core/contract/default_contract.ts";
import { identifierText } from "../core/iceberg/catalog/catalog.ts";
import { FileCatalog } from "../core/iceberg/catalog/file_catalog.ts";
import { snapshotOfRef } from "../core/iceberg/format/table_metadata.ts";
import { identifiersOf } from "../core/lake/table_names.ts";
import { openLocalStore } from "../core/storage/local/local_store.ts";
import { openS3Store } from "../core/storage/s3/s3_store.ts";
import type { Store } from "../core/storage/store.ts";
import { openUpkeep } from "../commands/consume/upkeep.ts";
import { startFaultProxy } from "../tests/support/fault_proxy.ts";
import { startMinio } from "../tests/support/minio.ts";
import { median } from "./measured_process.ts";

const { values } = parseArgs({
  options: {
    batches: { type: "string", default: "3000" },
    every: { type: "string", default: "1000" },
    /** Seconds: an hour of grace would hold back all that a short run leaves. */
    "delete-after": { type: "string", default: "60" },
    "no-upkeep": { type: "boolean", default: false },
    lake: { type: "string" },
    rest: { type: "string", default: "0" },
    s3: { type: "boolean", default: false },
  },
});
const batchesMax = Number(values.batches), every = Number(values.every);

const folder = values.lake ?? await Deno.makeTempDir({ prefix: "streamlab-upkeep-" });
const events = `${folder}/raw/events`;
const random = seededRandom(1);
const minio = values.s3 ? await startMinio() : undefined;
const proxy = minio && startFaultProxy(minio.endpoint);
const sink = await openSink();
const catalog = new FileCatalog({ store: sink, clock, random, tidiesLater: true });
const TARGET = { namespace: ["bronze"], name: "events" };
const machine = { temporaryFolder: "/tmp", threads: navigator.hardwareConcurrency, memory: "1000000000B" };
const stop = new AbortController();
/** Of all threads: on a busy machine the time that goes by says little. */
let cpuBefore = cpuUsage();
let batches = 0, landed = 0, pieces = 0, upkeepMs = 0, lastMs = 0, runs: number[] = [], inBatch: number[] = [];
const jobs = new Map<string, { times: number; ms: number }>();

/** Fifty events and a dead letter: each batch adds to all three tables. */
function addFile(): void {
  const lines = Array.from({ length: 50 }, (_, i) =>
    JSON.stringify({
      user_id: `user-${i}`,
      event_id: `${landed}-${i}`,
      event_type: "page_view",
      event_timestamp: "2026-03-01T12:00:00.123Z",
      properties: { url: `https://example.com/${i * landed}` },
    }));
  Deno.writeTextFileSync(`${events}/.part`, `${lines.join("\n")}\n{"broken":1}\n`);
  Deno.renameSync(`${events}/.part`, `${events}/${String(landed++).padStart(8, "0")}.ndjson`);
}

async function openSink(): Promise<Store> {
  if (minio === undefined) return openLocalStore(folder, { random });
  await minio.makeBucket("upkeep");
  const settings = { ...minio.settings, endpoint: proxy!.endpoint };
  return await openS3Store({ kind: "s3", bucket: "upkeep", prefix: "" }, { clock, random, settings });
}

async function filesBelow(prefix: string): Promise<{ files: number; bytes: number }> {
  let files = 0, bytes = 0;
  for await (const { path, info } of sink.list(prefix)) {
    files++;
    bytes += (info ?? await sink.stat(path))?.size ?? 0;
  }
  return { files, bytes };
}

async function print(): Promise<void> {
  const tables = [];
  for (const identifier of Object.values(identifiersOf(TARGET))) {
    const table = (await catalog.loadTable(identifier))!;
    const path = table.io.location.pathOf(table.metadataLocation);
    const { summary } = snapshotOfRef(table.metadata)!;
    const kilobytes = Math.round((await sink.stat(path))!.size / 1000);
    const snapshots = table.metadata.snapshots.length;
    tables.push(
      `${identifierText(identifier)} ${summary["total-data-files"]} files ${snapshots} snapshots ${kilobytes} kB`,
    );
  }
  const requests = proxy && (proxy.requests.length / runs.length).toFixed(1);
  const lake = await filesBelow("warehouse/"), checkpoints = await filesBelow("checkpoints/");
  const { user, system } = cpuUsage(cpuBefore);
  if (runs.length === 0) {
    const live = `warehouse ${lake.files} files ${(lake.bytes / 1e6).toFixed(1)} MB`;
    console.log(`after ${values.rest} s without a batch: upkeep in ${pieces} pieces; ${tables.join("; ")}; ${live}`);
    return;
  }
  const cpuMs = (user + system) / 1000 / runs.length;
  const slow = runs.toSorted((a, b) => a - b)[Math.ceil(0.99 * runs.length) - 1]!;
  const share = (100 * upkeepMs / runs.reduce((sum, ms) => sum + ms, 0)).toFixed(1);
  console.log(
    `${batches} batches: median ${median(runs).toFixed(1)} ms, p99 ${slow.toFixed(0)} ms (routed and committed in ${
      median(inBatch)
    } ms), ${cpuMs.toFixed(1)} ms of processors, ` +
      `upkeep ${share} % in ${pieces} pieces; ${tables.join("; ")}; warehouse ${lake.files} files ` +
      `${(lake.bytes / 1e6).toFixed(1)} MB, checkpoints ${checkpoints.files} files` +
      (requests === undefined ? "" : `; ${requests} requests a batch`),
  );
  console.log(
    [...jobs].map(([name, { times, ms }]) => `  ${name}: ${times} times, ${(ms / times).toFixed(1)} ms each`).join(
      "\n",
    ),
  );
  pieces = upkeepMs = 0;
  runs = [];
  inBatch = [];
  jobs.clear();
  cpuBefore = cpuUsage();
  proxy?.requests.splice(0);
}

await Deno.mkdir(events, { recursive: true });
landed = [...Deno.readDirSync(events)].length;
const upkeep = values["no-upkeep"] ? undefined : await openUpkeep({ catalog, store: sink, clock, random }, {
  machine,
  memoryBytes: 1e9,
  keepSnapshots: 100,
  graceMs: Number(values["delete-after"]) * 1000,
  report: ({ action, table, startedAt, endedAt }) => {
    const ms = Date.parse(endedAt) - Date.parse(startedAt);
    const job = jobs.get(`${action} ${table}`) ?? { times: 0, ms: 0 };
    jobs.set(`${action} ${table}`, { times: job.times + 1, ms: job.ms + ms });
    pieces++;
    upkeepMs += ms;
  },
  note: (text) => console.log(text),
});
const session = await ConsumeSession.open({
  meter: new Meter(clock),
  catalog,
  sink,
  zone: {
    store: openLocalStore(folder, { random }),
    prefix: "raw/events/",
    nameBase: minio === undefined ? "" : `file://${folder}/`,
    format: undefined,
  },
  target: TARGET,
  contract: defaultContract(),
  partitionBy: [{ column: "event_timestamp", transform: { name: "day" } }],
  onExtraFields: "dead-letter",
  onChangedFile: "fail",
  maxFilesPerBatch: 10_000,
  maxBytesPerBatch: 1e9,
  clock,
  random,
  ...machine,
  holder: "the bench",
  report: {
    batch: ({ durationMs }) => {
      const nowMs = performance.now();
      if (lastMs > 0) runs.push(nowMs - lastMs);
      lastMs = nowMs;
      inBatch.push(durationMs);
      if (++batches < batchesMax) addFile();
      else if (values.rest === "0") stop.abort();
      else setTimeout(() => stop.abort(), Number(values.rest) * 1_000);
    },
    file: (name, what, detail) => {
      throw new Error(`${name} ${what}: ${detail}`);
    },
    note: (text) => console.log(text),
  },
  newRider: upkeep?.newRider,
  betweenBatches: async (pause) => {
    await upkeep?.betweenBatches(pause);
    if (pause.idleMs === 0 && batches % every === 0) await print();
  },
});
try {
  addFile();
  await session.run(stop.signal, 0, (error) => {
    throw error;
  });
  await print();
} finally {
  session.close();
  await upkeep?.close();
  await proxy?.stop();
  await minio?.stop();
  if (values.lake === undefined) await Deno.remove(folder, { recursive: true });
}
