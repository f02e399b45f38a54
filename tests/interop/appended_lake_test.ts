import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { TextLineStream } from "@std/streams/text-line-stream";
import { endOf, killQuietly, type Outcome, startStreamlab, streamlab, succeed } from "../e2e/program.ts";
import { type FaultProxy, startFaultProxy } from "../support/fault_proxy.ts";
import { IcebergWorld } from "../support/iceberg_world.ts";
import { findPython } from "../support/python.ts";
import { connectRest, restCatalogTest, withRestCatalog } from "../support/rest_catalog_server.ts";
import { say } from "../support/say.ts";
import { canRunSpark, Spark, SPARK_VERSIONS } from "../support/spark.ts";
import { assertAllSee } from "./same_view.ts";

/** For which all are at work; `deno task interop:appender` asks for ten. */
const MINUTES = Number(Deno.env.get("STREAMLAB_APPENDER_MINUTES") ?? 0.4);
/** However slow the machine is, each has its turn, for which they go on. */
const MORE_MINUTES_MAX = 4;
const MAINTAINERS = 2;
/** Of each maintainer; then upkeep has its turn, which finds nothing to merge beside them. */
const ROUNDS = 8;
const TABLES = ["bronze.events", "dead_letters.events", "ingest.files"];
/**
 * What must have been done by the end, at least so often. On a quick machine upkeep's own expiry
 * leaves maintainers none, and it takes minutes until there is enough for it to delete.
 */
const WANTED: Readonly<Record<string, number>> = {
  "consume batch": 10,
  "consume compact": 1,
  "consume expire-snapshots": 1,
  ...(MINUTES < 5 ? {} : { "consume remove-files": 1 }),
  "maintain compact": MAINTAINERS,
  "spark append": 3,
};

/**
 * A snapshot stays for the last ten commits, and what only it needs for ten seconds more: whoever
 * has begun to build on it, or to read it, takes less.
 */
const CONSUME_FLAGS = ["--trigger", "1s", "--keep-snapshots", "10", "--delete-after", "10s", "--json"];
const MAINTAIN_FLAGS = ["--all", "--retain-last", "10", "--older-than", "15s", "--json"];
/** So many small files that upkeep merges them before a maintainer comes. */
const FIRST_FILES = ["--batches", "40", "--batch-size", "5", "--interval", "0", "--seed", "1"];
const MORE_FILES = ["--batch-size", "20", "--interval", "300ms", "--seed", "2"];
/** What a consumer says of itself when all is well. */
const PEACEFUL = /^(Watching |Finishing batch )/;

/** A line of `--json`, as far as it is looked at here. */
interface Line {
  action: string;
  did?: string;
  outcome?: string;
  detail?: string;
  text?: string;
  done?: Record<string, number>;
  inputs?: { files: number };
  dropped?: { reason: string }[];
  rewritten?: number;
  snapshotIds?: unknown[];
  files?: Record<string, number>;
  paths?: unknown[];
  waited?: { files: number };
}

/** What was done, by who did it and what it is called, how often; and all that went wrong. */
class Deeds {
  readonly counts: Record<string, number> = {};
  readonly wrong: string[] = [];
  readonly #startMs = performance.now();

  count(what: string, times = 1): void {
    if (times > 0) this.counts[what] = (this.counts[what] ?? 0) + times;
  }

  /** When the time is over and each has done something, or there is nothing to wait for. */
  isOver(): boolean {
    const minutes = (performance.now() - this.#startMs) / 60_000;
    if (this.wrong.length > 0 || minutes > MINUTES + MORE_MINUTES_MAX) return true;
    return minutes > MINUTES && this.missing().length === 0;
  }

  missing(): string[] {
    return Object.keys(WANTED).filter((what) => (this.counts[what] ?? 0) < WANTED[what]!);
  }
}

interface Field {
  folder: string;
  proxy: FaultProxy;
  spark: Spark;
  deeds: Deeds;
}

function consumeOf({ proxy }: Field): string[] {
  return ["consume", "--source", "lake", "--catalog", proxy.endpoint];
}

/** `consume`, which must report nothing but what it does, and end when it is asked to. */
class Consumer {
  readonly #process: Deno.ChildProcess;
  readonly #said: Promise<unknown>;
  readonly #deeds: Deeds;
  #next = Promise.withResolvers<void>();

  constructor(field: Field) {
    this.#deeds = field.deeds;
    this.#process = startStreamlab(field.folder, [...consumeOf(field), ...CONSUME_FLAGS]);
    const { stdout, stderr } = this.#process;
    this.#said = Promise.all([
      eachLine(stdout, (text) => this.#take(text)),
      eachLine(stderr, (text) => this.#hear(text)),
    ]);
  }

  /** Until upkeep has merged files once more, or all is over. */
  async merges(): Promise<void> {
    const merged = () => this.#deeds.counts["consume compact"] ?? 0;
    const ended = this.#process.status.then(() => true);
    for (const before = merged(); merged() === before && !this.#deeds.isOver();) {
      const hasEnded = await Promise.race([this.#next.promise.then(() => false), ended]);
      if (hasEnded) this.#deeds.wrong.push("consume has ended by itself");
    }
  }

  async end(): Promise<void> {
    killQuietly(this.#process, "SIGINT");
    await this.#process.stdin.close();
    const [{ code }] = await Promise.all([this.#process.status, this.#said]);
    if (code !== 130) this.#deeds.wrong.push(`consume ended with ${code}`);
  }

  #take(text: string): void {
    const { action, did, outcome, done } = JSON.parse(text) as Line;
    if (action === "batch") {
      this.#deeds.count("consume batch");
      this.#next.resolve();
      this.#next = Promise.withResolvers<void>();
    } else if (action !== "upkeep" || outcome === "failed") this.#deeds.wrong.push(`consume: ${text}`);
    else if (outcome === "gave-way") this.#deeds.count(`consume ${did} gave way`);
    else {
      this.#deeds.count(`consume ${did}`);
      if (did !== "compact") this.#deeds.count(`consume ${did} in all`, done!.snapshots ?? done!.files);
    }
  }

  #hear(text: string): void {
    const line = text.startsWith("{") ? JSON.parse(text) as Line : undefined;
    if (line?.action === "progress" || (line?.action === "note" && PEACEFUL.test(line.text!))) return;
    this.#deeds.wrong.push(`consume: ${text}`);
  }
}

async function eachLine(stream: ReadableStream<Uint8Array>, take: (line: string) => void): Promise<void> {
  const split = new TextLineStream() as TransformStream<string, string>;
  for await (const line of stream.pipeThrough(new TextDecoderStream() as never).pipeThrough(split)) take(line);
}

/** One `maintain --all` after another: a group that loses a race is told of, and none fails. */
async function maintain({ folder, proxy, deeds }: Field, rounds: number): Promise<void> {
  const args = ["maintain", "--source", "lake", "--catalog", proxy.endpoint, ...MAINTAIN_FLAGS];
  for (let round = 0; round < rounds && !deeds.isOver(); round++) {
    const outcome = await streamlab(folder, args);
    if (outcome.status !== 0) deeds.wrong.push(`maintain ended with ${outcome.status}: ${wordsOf(outcome)}`);
    else deeds.count("maintain --all");
    for (const text of outcome.stdout.trim().split("\n")) takeMaintenance(deeds, JSON.parse(text) as Line);
  }
}

function wordsOf({ stdout, stderr }: Outcome): string {
  return `${stderr}${stdout.split("\n").filter((line) => line.includes('"error"')).join("\n")}`;
}

function takeMaintenance(deeds: Deeds, line: Line): void {
  const count = (what: string, times = 1) => deeds.count(`maintain ${what}`, times);
  switch (line.action) {
    case "compact":
      count("compact", Math.min(1, line.inputs!.files));
      return count("compact gave way", line.dropped!.length);
    case "rewrite-manifests":
      return count("rewrite-manifests", Math.min(1, line.rewritten!));
    case "expire-snapshots":
      count("expire-snapshots", Math.min(1, line.snapshotIds!.length));
      count("expire-snapshots in all", line.snapshotIds!.length);
      return count("files deleted", Object.values(line.files!).reduce((sum, each) => sum + each, 0));
    case "remove-orphans":
      count("orphans removed", line.paths!.length);
      return count("files deleted", line.waited!.files);
  }
}

async function appendBySpark({ spark, deeds }: Field): Promise<string[]> {
  const ids: string[] = [];
  while (!deeds.isOver()) {
    const id = `spark-${ids.length}`, noon = "TIMESTAMP '2026-03-01 12:00:00'";
    ids.push(id);
    try {
      await spark.sql(
        `INSERT INTO lake.bronze.events (user_id, event_id, event_type, event_timestamp, _ingested_at, _source_file,
  _source_position, _batch_id, product_id, properties)
VALUES ('foreign', '${id}', 'foreign', ${noon}, ${noon}, 'foreign', 0, 0, NULL, NULL)`,
      );
      deeds.count("spark append");
    } catch (error) {
      // The table itself says in the end whether it has happened.
      deeds.count("spark append failed");
      say(`${id}: ${error}`);
    }
  }
  return ids;
}

/** All at once, until the time is over; ids of the rows that Spark has appended, or tried to. */
async function workAtOnce(field: Field): Promise<string[]> {
  const { folder, deeds } = field;
  const producer = startStreamlab(folder, ["produce", "--sink", "lake", "--dirty", ...MORE_FILES]);
  const produced = endOf(producer);
  const consumer = new Consumer(field);
  const maintainInTurn = async () => {
    while (!deeds.isOver()) {
      await consumer.merges();
      await Promise.all(Array.from({ length: MAINTAINERS }, () => maintain(field, ROUNDS)));
    }
  };
  const failed = (error: unknown) => {
    deeds.wrong.push(String(error));
    return [];
  };
  const [ids] = await Promise.all([appendBySpark(field).catch(failed), maintainInTurn().catch(failed)]);
  killQuietly(producer, "SIGINT");
  await produced;
  await consumer.end();
  return ids;
}

/** No row is lost or there twice, of neither; and all see the same. */
async function assertAllIsThereOnce(world: IcebergWorld, field: Field, appended: readonly string[]): Promise<void> {
  const { folder, proxy, spark } = field;
  const engines = { spark, python: await findPython() };
  const audit = ["maintain", "--source", "lake", "--catalog", proxy.endpoint, "--audit"];
  for (const name of TABLES) say(`${name}: ${await assertAllSee(world, name, engines)} rows`);
  const foreign = await world.ask("SELECT event_id FROM bronze.events WHERE _source_file = 'foreign'");
  deepStrictEqual(foreign, appended.map((id) => JSON.stringify({ event_id: id })).sort());
  // They are no file's: the audit tells of them as long as they are there.
  strictEqual((await streamlab(folder, audit)).status, 1);
  await spark.sql("DELETE FROM lake.bronze.events WHERE _source_file = 'foreign'");
  say(await succeed(folder, audit));
  await assertAllSee(world, "bronze.events", engines);
}

function conflictsAt({ requests }: FaultProxy): string {
  const conflicts = TABLES.map((table) => {
    const [namespace, name] = table.split(".");
    const path = new RegExp(`/namespaces/${namespace}/tables/${name}$`);
    return requests.filter(({ target, status }) => status === 409 && path.test(target)).length;
  });
  const commits = requests.filter(({ method, target }) => method === "POST" && /\/tables\/[^/]+$/.test(target));
  return `${commits.length} commits, of which ${conflicts} of ${TABLES} lost a race`;
}

restCatalogTest(
  "a consumer, two maintainers and a Spark appender at work through a REST catalog at once fail no batch and lose no row",
  () =>
    IcebergWorld.use(async (world) => {
      const { folder } = world;
      await Deno.mkdir(`${folder}/warehouse`);
      await succeed(folder, ["produce", "--sink", "lake", "--dirty", ...FIRST_FILES]);
      await withRestCatalog(`${folder}/warehouse`, async (uri) => {
        const proxy = startFaultProxy(uri);
        try {
          await Spark.use(proxy.endpoint, async (spark) => {
            world.catalog = await connectRest(proxy.endpoint);
            const field = { folder, proxy, spark, deeds: new Deeds() };
            const oneByOne = ["--once", "--no-upkeep", "--trigger", "0s", "--max-files-per-batch", "1"];
            await succeed(folder, [...consumeOf(field), ...oneByOne]);
            const appended = await workAtOnce(field);
            const { counts, wrong } = field.deeds;
            say(
              [...Object.keys(counts).sort().map((what) => `${what}: ${counts[what]}`), conflictsAt(proxy)].join("\n"),
            );
            deepStrictEqual([wrong, field.deeds.missing()], [[], []]);
            await succeed(folder, [...consumeOf(field), "--once"]);
            await assertAllIsThereOnce(world, field, appended);
          }, SPARK_VERSIONS.at(-1)!);
        } finally {
          await proxy.stop();
        }
      });
    }),
  canRunSpark(SPARK_VERSIONS.at(-1)!),
);
