import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { systemClock } from "../../core/base/clock.ts";
import { type Random, seededRandom } from "../../core/base/random.ts";
import { killQuietly, startStreamlab, streamlab, succeed } from "../e2e/program.ts";
import { type FaultProxy, startFaultProxy } from "../support/fault_proxy.ts";
import { IcebergWorld } from "../support/iceberg_world.ts";
import { findPython, type Python } from "../support/python.ts";
import { say } from "../support/say.ts";
import { withSeed } from "../support/seed.ts";
import { type Spark, SPARK_VERSIONS, sparkTest } from "../support/spark.ts";
import { assertAllSee } from "./same_view.ts";
import { Said } from "./served_lake.ts";

/** For which both are killed; `deno task interop:writers` asks for five minutes. */
const MINUTES = Number(Deno.env.get("STREAMLAB_WRITERS_MINUTES") ?? 0.4);
/** However slow the machine is, each engine has its turn, for which they are let live then. */
const PEACE_MS_MAX = 600_000;
const PEACE_LOOK_MS = 1_000;
const ROWS_MIN = 2;
/** As often and as far apart as `surviving_writer.py` asks. */
const LOOKS_MAX = 1_000, LOOK_MS = 100;
/** From the first sign of life to death, besides twice what it took to that sign; at most. */
const LIFE_MS_MAX = 5_000;
const DIES_EARLY = 0.25;
const PRODUCE = ["produce", "--sink", ".", "--dirty"];
const CONSUME = ["consume", "--source", "."];

interface Done {
  written: string[];
  deleted: string[];
  failures: Record<string, number>;
}

/** A process that has begun its work when `works` is settled. */
interface Life {
  process: Deno.ChildProcess;
  said: Promise<string>;
  works: Promise<unknown>;
}

/** Starts a process again and again and kills it at any moment. How often that was. */
async function liveAndDie(start: () => Life, random: Random, peace: AbortSignal): Promise<number> {
  let startMs = 0, deaths = 0;
  for (; !peace.aborted; deaths++) {
    const began = performance.now();
    const { process, said, works } = start();
    const ended = process.status;
    const life = random.next(), diesEarly = startMs > 0 && random.next() < DIES_EARLY;
    if (diesEarly) await systemClock.sleep(life * startMs, peace);
    else {
      await Promise.race([works, ended]);
      startMs = performance.now() - began;
      await systemClock.sleep(life * (LIFE_MS_MAX + 2 * startMs), peace);
    }
    killQuietly(process);
    const { signal, code } = await ended;
    if (signal !== "SIGKILL") throw new Error(`It ended by itself, with ${code}: ${await said}`);
    await said;
  }
  return deaths;
}

function startConsumer(folder: string): Life {
  const process = startStreamlab(folder, [...CONSUME, "--trigger", "100ms", "--json"]);
  const batches = new Said(process.stdout), errors = new Said(process.stderr);
  const works = batches.find(/\n/).catch(() => undefined);
  return { process, works, said: Promise.all([batches.all, errors.all]).then((texts) => texts.join("\n")) };
}

function startProducer(folder: string, seed: number): Life {
  const pace = ["--batch-size", "40", "--interval", "500ms", "--seed", String(seed)];
  const process = startStreamlab(folder, [...PRODUCE, ...pace]);
  const said = Promise.all([new Said(process.stderr).all, process.stdout.cancel()]).then(([text]) => text);
  return { process, works: Promise.resolve(), said };
}

function startServer(folder: string, proxy: FaultProxy): Life {
  const process = startStreamlab(folder, ["serve", "--source", ".", "--port", "0"]);
  const errors = new Said(process.stderr);
  const works = errors.find(/http:\/\/127\.0\.0\.1:\d+/).then((address) => proxy.server = address, () => undefined);
  return { process, works, said: Promise.all([errors.all, process.stdout.cancel()]).then(([text]) => text) };
}

/** Runs `action` beside a process, and ends it well. */
async function beside<T>({ process, said, works }: Life, action: () => Promise<T>): Promise<T> {
  await works;
  try {
    return await action();
  } finally {
    killQuietly(process, "SIGINT");
    await Promise.all([process.status, said]);
  }
}

/** Spark at its work, as `surviving_writer.py` has the others at theirs. */
async function writeBySpark(spark: Spark, random: Random, end: AbortSignal): Promise<Done> {
  const done: Done = { written: [], deleted: [], failures: {} };
  const tried = async (sql: string) => {
    try {
      return await spark.sql(sql);
    } catch (error) {
      const name = /org\.apache\.iceberg\.exceptions\.[^\n]*/.exec(String(error))?.[0] ?? String(error).slice(0, 150);
      done.failures[name] = (done.failures[name] ?? 0) + 1;
      return undefined;
    }
  };
  const has = async (id: string): Promise<boolean> => {
    for (let looks = 0; looks < LOOKS_MAX; looks++) {
      const rows = await tried(`SELECT event_id FROM lake.bronze.events WHERE event_id = '${id}'`);
      if (rows !== undefined) return rows.length > 0;
      // The server may be down just now.
      await systemClock.sleep(LOOK_MS);
    }
    throw new Error(`Spark does not say whether ${id} is there: ${JSON.stringify(done.failures)}`);
  };
  for (let number = 1; !end.aborted; number++) {
    const id = `spark-${number}`;
    const noon = "TIMESTAMP '2026-03-01 12:00:00'";
    const added = await tried(
      `INSERT INTO lake.bronze.events (user_id, event_id, event_type, event_timestamp, _ingested_at, _source_file,
  _source_position, _batch_id, product_id, properties)
VALUES ('foreign', '${id}', 'foreign', ${noon}, ${noon}, 'foreign', 0, 0, NULL, NULL)`,
    );
    if (added !== undefined || await has(id)) done.written.push(id);
    if (done.written.length === 0 || random.next() < 0.75) continue;
    const victim = done.written[Math.floor(random.next() * done.written.length)]!;
    const deleted = await tried(`DELETE FROM lake.bronze.events WHERE event_id = '${victim}'`);
    if (deleted === undefined && await has(victim)) continue;
    done.written.splice(done.written.indexOf(victim), 1);
    done.deleted.push(victim);
  }
  return done;
}

async function untilAllHaveWritten(world: IcebergWorld): Promise<void> {
  for (const began = performance.now();;) {
    const rows = await world.ask("SELECT event_id FROM bronze.events WHERE _source_file = 'foreign'");
    const counts = ["pyiceberg", "duckdb", "spark"].map((name) => rows.filter((row) => row.includes(name)).length);
    if (counts.every((count) => count >= ROWS_MIN)) return;
    if (performance.now() - began > PEACE_MS_MAX) throw new Error(`They have written ${counts} rows`);
    await systemClock.sleep(PEACE_LOOK_MS);
  }
}

interface Engines {
  proxy: FaultProxy;
  python: Python;
  spark: Spark;
}

/** All at their work on one table, while the two processes of ours are killed. */
async function writeAtOnce(world: IcebergWorld, { proxy, python, spark }: Engines, random: Random): Promise<Done[]> {
  const { folder } = world;
  const workFile = `${folder}/work`, uri = `${proxy.endpoint}/catalog`;
  const own = () => seededRandom(Math.floor(random.next() * 2 ** 32));
  const end = new AbortController();
  await Deno.writeTextFile(workFile, "");
  const writing = [
    python.json<Done>("surviving_writer.py", "pyiceberg", uri, workFile),
    python.json<Done>("surviving_writer.py", "duckdb", uri, workFile),
    writeBySpark(spark, own(), end.signal),
  ];
  // One that fails meanwhile is told of at the end.
  for (const each of writing) each.catch(() => undefined);
  const stop = async () => {
    end.abort();
    await Deno.remove(workFile).catch(() => undefined);
    await Promise.allSettled(writing);
  };
  const consumer = () => startConsumer(folder), server = () => startServer(folder, proxy);
  try {
    return await beside(startProducer(folder, Math.floor(random.next() * 1e6)), async () => {
      const peace = AbortSignal.timeout(MINUTES * 60_000);
      const deaths = await Promise.all([liveAndDie(consumer, own(), peace), liveAndDie(server, own(), peace)]);
      say(`${deaths[0]} consumers and ${deaths[1]} servers were killed`);
      await beside(server(), () =>
        beside(consumer(), async () => {
          await Promise.race([untilAllHaveWritten(world), ...writing]);
          await stop();
        }));
      const done = await Promise.all(writing);
      for (const each of done) say(wordsOf(each));
      return done;
    });
  } finally {
    await stop();
  }
}

function wordsOf({ written, deleted, failures }: Done): string {
  const [name] = [...written, ...deleted][0]?.split("-") ?? [];
  const tries = Object.entries(failures).map(([error, count]) => `\n  ${count} times ${error}`);
  return `${name} added ${written.length + deleted.length} rows and deleted ${deleted.length} of them${tries.join("")}`;
}

/** The consumer's rows and those of the engines: none is lost, and none is there twice. */
async function allIsThereOnce(world: IcebergWorld, engines: Engines, done: readonly Done[]): Promise<void> {
  const audit = ["maintain", "--source", ".", "--audit"];
  const rows = await assertAllSee(world, "bronze.events", engines);
  const left = await world.ask("SELECT event_id FROM bronze.events WHERE _source_file = 'foreign'");
  const wanted = done.flatMap(({ written }) => written).map((id) => JSON.stringify({ event_id: id }));
  deepStrictEqual(left, wanted.sort());
  // They are no file's: the audit tells of them as long as they are there.
  strictEqual((await streamlab(world.folder, audit)).status, 1);
  await engines.spark.sql("DELETE FROM lake.bronze.events WHERE _source_file = 'foreign'");
  say(`${rows} rows; ${await succeed(world.folder, audit)}`);
  await assertAllSee(world, "bronze.events", engines);
}

sparkTest(
  "Spark, PyIceberg, DuckDB and a consumer write one table at once through a server, both killed at any moment, and lose and double nothing",
  (useSpark) =>
    withSeed((random) =>
      IcebergWorld.use(async (world) => {
        const { folder } = world;
        await succeed(folder, [
          "produce",
          "--sink",
          ".",
          "--dirty",
          "--batches",
          "2",
          "--seed",
          "1",
          "--interval",
          "0",
        ]);
        await succeed(folder, [...CONSUME, "--once"]);
        const python = await findPython();
        const proxy = startFaultProxy("http://127.0.0.1:1");
        try {
          await useSpark(`${proxy.endpoint}/catalog`, async (spark) => {
            await beside(startServer(folder, proxy), () => spark.sql("SELECT count(*) FROM lake.bronze.events"));
            const engines = { proxy, python, spark };
            const done = await writeAtOnce(world, engines, random);
            await succeed(folder, [...CONSUME, "--once"]);
            await beside(startServer(folder, proxy), () => allIsThereOnce(world, engines, done));
          });
        } finally {
          await proxy.stop();
        }
      })
    ),
  SPARK_VERSIONS.slice(-1),
);
