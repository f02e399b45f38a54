// deno-lint-ignore-file no-console
/**
 * `deno task bench:s3`: what a bucket costs against a folder, on a MinIO of its own; requests and
 * bytes are counted by a proxy before it. The small objects are of `--format` and `--compress`, as
 * `produce` has them. `--backlog` objects are consumed while each request takes `--delay`
 * milliseconds more; `--days` and `--events` make the table larger of which one day is asked for.
 *
 *     deno task bench:s3 --objects 5000 --format json --compress none \
 *       --backlog 20000 --delay 200 --days 10 --events 400000
 */
import { parseArgs } from "node:util";
import { mapParallel } from "../core/base/parallel.ts";
import { systemClock } from "../core/base/clock.ts";
import { systemRandom } from "../core/base/random.ts";
import { openS3Store } from "../core/storage/s3/s3_store.ts";
import { type FaultProxy, startFaultProxy } from "../tests/support/fault_proxy.ts";
import { findHttpfs } from "../tests/support/httpfs.ts";
import { type Minio, startMinio } from "../tests/support/minio.ts";

const { values } = parseArgs({
  options: {
    objects: { type: "string", default: "5000" },
    format: { type: "string", default: "json" },
    compress: { type: "string", default: "none" },
    backlog: { type: "string", default: "20000" },
    delay: { type: "string", default: "200" },
    days: { type: "string", default: "10" },
    events: { type: "string", default: "400000" },
  },
});
const objects = Number(values.objects), backlog = Number(values.backlog), delayMs = Number(values.delay);
const days = Number(values.days), eventsOfDay = Number(values.events);
const TURNS = 3;
const main = new URL("../main.ts", import.meta.url).pathname;
const scratch = await Deno.makeTempDir({ prefix: "streamlab-bench-s3-" });
const minio = await startMinio();
const proxy = startFaultProxy(minio.endpoint);
try {
  await compareSmallObjects(minio);
  await countCommit(proxy);
  await delayRequests(proxy);
  await askOneDay(proxy);
} finally {
  await proxy.stop();
  await minio.stop();
  await Deno.remove(scratch, { recursive: true });
}

/** Runs the program; seconds, with its start. */
async function run(endpoint: string, args: string[], more: Record<string, string> = {}): Promise<number> {
  const startedMs = performance.now();
  const env = {
    NO_COLOR: "1",
    AWS_ENDPOINT_URL: endpoint,
    AWS_REGION: "us-east-1",
    AWS_ACCESS_KEY_ID: "minioadmin",
    AWS_SECRET_ACCESS_KEY: "minioadmin",
    ...more,
  };
  const command = new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-check", "--allow-all", main, ...args],
    cwd: scratch,
    env,
    stdout: "null",
    stderr: "piped",
  });
  const { success, stderr } = await command.output();
  if (!success) throw new Error(`${args.join(" ")} failed: ${new TextDecoder().decode(stderr)}`);
  return (performance.now() - startedMs) / 1_000;
}

function produced(batches: number, size: number, ...more: string[]): string[] {
  return ["produce", "--batches", String(batches), "--batch-size", String(size), "--interval", "0", ...more];
}

function smallObjects(count: number): string[] {
  return produced(count, 10, "--seed", "1", "--start", "2026-03-01");
}

async function compareSmallObjects({ endpoint, makeBucket }: Minio): Promise<void> {
  const bucket = await makeBucket("small");
  const { format, compress } = values;
  const small = [...smallObjects(objects), "--format", format, "--compress", compress];
  await run(endpoint, [...small, "--sink", "small"]);
  const uploaded = await run(endpoint, [...small, "--sink", `s3://${bucket}/lake`]);
  // One after the other, some times: what else the machine does meets both.
  const disk: number[] = [], away: number[] = [];
  for (let turn = 0; turn < TURNS; turn++) {
    const consume = (source: string, sink: string) =>
      run(endpoint, ["consume", "--source", source, "--sink", sink, "--once"]);
    disk.push(await consume("small", `small-${turn}`));
    away.push(await consume(`s3://${bucket}/lake`, `s3://${bucket}/lake-${turn}`));
  }
  const fromDisk = median(disk), fromBucket = median(away);
  console.log(`${objects} small objects, of 10 events each (${format}, compressed: ${compress})`);
  console.log(`  produced into the bucket: ${uploaded.toFixed(1)} s`);
  const times = (seconds: number[]) => seconds.map((each) => each.toFixed(2)).join(", ");
  console.log(`  consumed from disk in ${times(disk)} s, from the bucket in ${times(away)} s:`);
  console.log(
    `  ${(fromDisk / fromBucket).toFixed(2)} of the rate on disk, by the medians (at least 0.5 is asked for)`,
  );
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
}

async function countCommit(proxy: FaultProxy): Promise<void> {
  const uri = "s3://small/lake";
  await run(proxy.endpoint, ["consume", "--source", uri, "--once"]);
  await run(proxy.endpoint, [...produced(1, 10), "--sink", uri]);
  const before = proxy.requests.length;
  await run(proxy.endpoint, ["consume", "--source", uri, "--once"]);
  const requests = proxy.requests.slice(before).map(({ method, target }) => `${method} ${decodeURIComponent(target)}`);
  const routed = requests.findIndex((text) => text.startsWith("PUT") && text.includes(".routed.json"));
  console.log(`consume --once of one new file: ${requests.length} requests`);
  for (const table of ["bronze/events", "dead_letters/events", "ingest/files"]) {
    // The manifest and its list are written at the same time; what comes before the first manifest
    // looks, and commits nothing.
    const own = requests.slice(routed + 1).filter((text) => text.includes(table));
    const commit = own.slice(own.findIndex((text) => /^PUT .*\.avro/.test(text)) + 1);
    if (own.length > 0) console.log(`  commit to ${table}: ${commit.length} requests one after another (at most 6)`);
  }
}

async function delayRequests(proxy: FaultProxy): Promise<void> {
  await run(minio.endpoint, [...smallObjects(backlog), "--sink", "s3://small/backlog"]);
  const seconds: number[] = [];
  for (const ms of [0, delayMs]) {
    proxy.decide = ms === 0 ? undefined : () => ({ do: "delay", ms });
    const sink = `s3://small/delayed-${ms}`;
    seconds.push(await run(proxy.endpoint, ["consume", "--source", "s3://small/backlog", "--sink", sink, "--once"]));
  }
  proxy.decide = undefined;
  const [plain, delayed] = seconds as [number, number];
  console.log(
    `${delayMs} ms more for each request, ${backlog} objects: ${plain.toFixed(1)} s become ${delayed.toFixed(1)} s:`,
  );
  console.log(`  ${(plain / delayed).toFixed(2)} of the rate (more than 0.5 is asked for, of a large backlog)`);
}

async function askOneDay(proxy: FaultProxy): Promise<void> {
  const uri = "s3://days/lake", start = Date.UTC(2026, 2, 1);
  await minio.makeBucket("days");
  for (let day = 0; day < days; day++) {
    const when = new Date(start + day * 86_400_000).toISOString();
    const size = produced(8, Math.round(eventsOfDay / 8), "--seed", String(day), "--start", when, "--format", "ndjson");
    await run(minio.endpoint, [...size, "--sink", uri]);
  }
  await run(minio.endpoint, ["consume", "--source", uri, "--once"]);
  const settings = minio.settings;
  const store = await openS3Store({ kind: "s3", bucket: "days", prefix: "lake" }, {
    clock: systemClock,
    random: systemRandom,
    settings,
  });
  const files = await Array.fromAsync(store.list("warehouse/bronze/events/data/"));
  const sizes = await mapParallel(files, 16, ({ info }) => Promise.resolve(info!.size));
  const total = sizes.reduce((sum, size) => sum + size, 0);
  const ofDay = files.filter(({ path }) => path.includes("2026-03-02")).reduce((sum, { info }) => sum + info!.size, 0);
  console.log(`one day of a table of ${mega(total)}; that day's files have ${mega(ofDay)}`);
  const day = "event_timestamp >= '2026-03-02' and event_timestamp < '2026-03-03'";
  for (const [what, columns] of [["every column", "count(columns(*))"], ["one column", "max(user_id)"]] as const) {
    for (const httpfs of [await findHttpfs(), undefined]) {
      const before = proxy.bytesBack;
      const sql = `select ${columns} from bronze.events where ${day}`;
      const seconds = await run(proxy.endpoint, ["query", "--source", uri, sql], {
        STREAMLAB_HTTPFS: httpfs ?? "off",
        // Each with an empty cache; Deno's own must not be lost with it.
        DENO_DIR: Deno.env.get("DENO_DIR") ?? `${Deno.env.get("HOME")}/.cache/deno`,
        XDG_CACHE_HOME: await Deno.makeTempDir({ dir: scratch }),
      });
      const moved = proxy.bytesBack - before;
      const how = httpfs === undefined ? "files fetched whole" : "by httpfs";
      console.log(
        `  ${what}, ${how}: ${mega(moved)} moved, ${(moved / ofDay).toFixed(2)} of the day's; ${seconds.toFixed(1)} s`,
      );
    }
  }
}

function mega(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
