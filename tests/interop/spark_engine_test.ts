import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { TextLineStream } from "@std/streams/text-line-stream";
import { inFolder, killQuietly, programLine, startStreamlab, streamlab, succeed } from "../e2e/program.ts";
import { childrenOf } from "../support/process_group.ts";
import { writeScript } from "../support/script.ts";
import { SPARK_VERSIONS, type SparkVersion, sparkVersionTest } from "../support/spark.ts";
import { localCluster, type SparkCluster, useStandaloneCluster } from "../support/spark_cluster.ts";
import { isFileThere, untilThere } from "../support/until_there.ts";

const [OLDER, NEWEST] = SPARK_VERSIONS as [SparkVersion, SparkVersion];

/** Small files are worth a task, too. */
const SMALL_TASKS = ["--task-size", "1MB"];

/** Files with all that can be wrong with them; the same for the same seed. */
async function produce(folder: string, lake: string, seed: number, batchSize: number): Promise<void> {
  const stream = [
    "--seed",
    String(seed),
    "--start",
    `2026-03-0${seed}T00:00:00Z`,
    "--batches",
    "8",
    "--interval",
    "1s",
  ];
  await succeed(folder, ["produce", "--sink", lake, "--dirty", "--batch-size", String(batchSize), ...stream]);
}

function consume(lake: string, ...flags: string[]): string[] {
  return ["consume", "--source", lake, "--no-upkeep", ...flags];
}

async function rows(folder: string, lake: string, sql: string): Promise<string> {
  return await succeed(folder, ["query", "--source", lake, "--format", "ndjson", sql]);
}

/** A file that the reader of a small task cuts. */
async function putLargeFile(folder: string, lake: string): Promise<void> {
  const event = { user_id: "u", event_id: "e", event_type: "t", event_timestamp: "2026-03-01T00:00:00Z" };
  const line = JSON.stringify({ ...event, properties: { filling: "x".repeat(50_000) } });
  const lines = Array.from({ length: 130 }, (_, number) => number % 9 === 0 ? line.slice(9) : line);
  await Deno.writeTextFile(`${folder}/${lake}/raw/events/large.ndjson`, lines.join("\n"));
}

/** All that readers see of a lake, but for the times at which it was made. */
async function contentOf(folder: string, lake: string): Promise<string[]> {
  const tables = ["bronze.events", "dead_letters.events"].map((table) =>
    `SELECT * EXCLUDE (_ingested_at) FROM ${table} ORDER BY _source_file, _source_position`
  );
  const ledger = "SELECT * EXCLUDE (ingested_at, etag) FROM ingest.files ORDER BY source_file";
  const letters =
    "SELECT batch_id, records, events, dead_letters, dead_letters_by_reason::JSON FROM ingest.batches ORDER BY ALL";
  return await Promise.all([...tables, ledger, letters].map((sql) => rows(folder, lake, sql)));
}

async function enginesOf(folder: string, lake: string): Promise<unknown[]> {
  const told = await rows(folder, lake, "SELECT engine, tasks FROM ingest.batches ORDER BY batch_id");
  return told.trimEnd().split("\n").map((line) =>
    Object.values(JSON.parse(line)).filter((value) => value !== null).join(" ")
  );
}

/** A program for the tasks that does something before it does its work. */
async function programThat(folder: string, before: string): Promise<string[]> {
  const path = `${folder}/program.sh`;
  const script = `#!/bin/sh\ncd '${folder}' || exit 1\n${before}\nexec ${programLine} "$@"\n`;
  await writeScript(path, script);
  return ["--spark-program", path];
}

/** In a script; whoever is left behind ends with the folder. */
const untilIs = (name: string) => `while [ ! -e ${name} ]; do [ -e program.sh ] || exit 1; sleep 0.1; done`;

sparkVersionTest(
  "a dirty batch routed on a cluster gives the rows, letters and counts of the embedded engine, and the next batch may be either's",
  OLDER,
  () =>
    inFolder(async (folder) => {
      const { flags, env } = await localCluster(OLDER, folder, "local-cluster[2,1,512]");
      for (const lake of ["here", "there"]) {
        await produce(folder, lake, 1, 500);
        await putLargeFile(folder, lake);
      }
      await succeed(folder, consume("here", "--once"));
      const program = await programThat(folder, 'echo "$1" >> commands');
      const tasks = ["--task-size", "3MB", "--task-memory", "300MB", ...program];
      const first = await streamlab(folder, consume("there", "--once", ...flags, ...tasks), { env });
      strictEqual(first.status, 0, first.stderr);
      match(first.stderr, /Spark 3\.5\.7 at local-cluster\S+ takes the tasks, its page is http:/);
      for (const lake of ["here", "there"]) {
        await produce(folder, lake, 2, 20);
        await succeed(folder, consume(lake, "--once"));
      }
      deepStrictEqual(await contentOf(folder, "there"), await contentOf(folder, "here"));
      deepStrictEqual(await enginesOf(folder, "there"), ["spark 3", "embedded"]);
      deepStrictEqual((await Deno.readTextFile(`${folder}/commands`)).split("\n").sort(), [
        "",
        "route",
        "route",
        "route",
        "survey",
      ]);
      await succeed(folder, ["maintain", "--source", "there", "--audit"]);
    }),
);

/**
 * The first try of all writes its files and stays behind; its twin, which is the third, waits for
 * that, and is the one that counts.
 */
async function speculate(folder: string, { flags, env }: SparkCluster): Promise<void> {
  const first = `${programLine} "$@" > written && mv written kept; ${untilIs("go")}; cat kept; exit 0`;
  const late = `if mkdir first 2>/dev/null; then\n${first}\nelif ! mkdir second 2>/dev/null; then ${
    untilIs("kept")
  }; fi`;
  const eager = [
    "speculation=true",
    "speculation.interval=100ms",
    "speculation.quantile=0.1",
    "speculation.multiplier=1.01",
  ];
  const conf = [...eager, "speculation.minTaskRuntime=1ms"].flatMap((each) => ["--spark-conf", `spark.${each}`]);
  const program = await programThat(folder, late);
  await succeed(folder, consume("twins", "--once", ...flags, ...SMALL_TASKS, ...conf, ...program), { env });
  await Deno.writeTextFile(`${folder}/go`, "");
  const kept = JSON.parse(await Deno.readTextFile(`${folder}/kept`)) as { attempt: string };
  const files = await rows(folder, "twins", `SELECT file_path FROM bronze."events$files"`);
  ok(!files.includes(kept.attempt), "the late one's files are in no table");
  const left = await succeed(folder, [
    "maintain",
    "--source",
    "twins",
    "--remove-orphans",
    "--older-than",
    "0s",
    "--json",
  ]);
  match(left, new RegExp(kept.attempt), "and are orphans");
}

sparkVersionTest(
  "of a task and its speculative twin one is committed, and the files of the other are orphans",
  NEWEST,
  () =>
    inFolder((folder) =>
      useStandaloneCluster(NEWEST, folder, async (cluster) => {
        for (const lake of ["here", "twins"]) await produce(folder, lake, 1, 500);
        await Promise.all([succeed(folder, consume("here", "--once")), speculate(folder, cluster)]);
        deepStrictEqual(await contentOf(folder, "twins"), await contentOf(folder, "here"));
        await succeed(folder, ["maintain", "--source", "twins", "--audit"]);
      })
    ),
);

/** Starts `consume`, whose tasks wait; calls `action` when one does, with what is printed. */
async function inMidBatch(
  folder: string,
  { flags, env }: SparkCluster,
  action: (child: Deno.ChildProcess, lines: ReadableStreamDefaultReader<string>) => Promise<void>,
): Promise<void> {
  await Deno.mkdir(`${folder}/started`);
  const program = await programThat(folder, `touch started/$$; ${untilIs("go")}`);
  const child = startStreamlab(folder, consume("lake", ...flags, ...SMALL_TASKS, ...program), { env });
  const split = new TextLineStream() as TransformStream<string, string>;
  const lines = child.stderr.pipeThrough(new TextDecoderStream()).pipeThrough(split).getReader();
  try {
    await child.stdin.close();
    await untilThere(() => startedIn(folder) > 0, child.status);
    await action(child, lines);
  } finally {
    killQuietly(child);
    await lines.cancel();
    await child.stdout.cancel();
    await child.status;
  }
}

function startedIn(folder: string): number {
  return [...Deno.readDirSync(`${folder}/started`)].length;
}

async function untilSaid(lines: ReadableStreamDefaultReader<string>, words: RegExp): Promise<string> {
  for (;;) {
    const { value, done } = await lines.read();
    if (done) throw new Error(`consume ended without saying ${words}`);
    if (words.test(value)) return value;
  }
}

sparkVersionTest(
  "a killed driver is started again, and after a killed streamlab the embedded engine finishes the batch",
  NEWEST,
  () =>
    inFolder(async (folder) => {
      const cluster = await localCluster(NEWEST, folder, "local[2]");
      await produce(folder, "lake", 1, 500);
      await inMidBatch(folder, cluster, async (child, lines) => {
        const [driver, ...others] = childrenOf(child.pid);
        deepStrictEqual(others, []);
        const before = startedIn(folder);
        Deno.kill(driver!, "SIGKILL");
        await untilSaid(lines, /Cannot route on Spark: its driver has ended: .*trying again/);
        await untilSaid(lines, /Spark 4\.1\.4 at local/);
        await untilThere(() => startedIn(folder) > before, child.status);
        child.kill("SIGKILL");
      });
      ok(isFileThere(`${folder}/lake/checkpoints/bronze.events/000000000001.plan.json`), "the batch is planned");
      const { resumed, events } = JSON.parse(await succeed(folder, consume("lake", "--once", "--json")));
      ok(resumed && events > 0, "and finished here");
      await Deno.writeTextFile(`${folder}/go`, "");
      deepStrictEqual(await enginesOf(folder, "lake"), ["embedded"]);
      await succeed(folder, ["maintain", "--source", "lake", "--audit"]);
    }),
);

/** What a compaction must keep: the rows, and how many files of each partition there are. */
async function tableOf(folder: string, lake: string): Promise<string[]> {
  const files = `SELECT partition, count(*), sum(record_count) FROM bronze."events$files" GROUP BY ALL ORDER BY ALL`;
  return [...await contentOf(folder, lake), await rows(folder, lake, files)];
}

sparkVersionTest(
  "a compaction in tasks, of which one fails once, makes the tables of the embedded one, and one that is killed leaves only orphans",
  NEWEST,
  () =>
    inFolder(async (folder) => {
      const { flags, env } = await localCluster(NEWEST, folder, "local[2,4]");
      for (const lake of ["here", "there"]) {
        for (const seed of [1, 2]) {
          await produce(folder, lake, seed, 100);
          await succeed(folder, consume(lake, "--once", "--max-files-per-batch", "3"));
        }
      }
      const compact = (lake: string) => ["maintain", "--source", lake, "--compact", "--json"];
      await Deno.mkdir(`${folder}/started`);
      const waiting = await programThat(folder, `touch started/$$; ${untilIs("go")}`);
      const child = startStreamlab(folder, [...compact("there"), ...flags, ...waiting], { env });
      try {
        await child.stdin.close();
        await untilThere(() => startedIn(folder) > 0, child.status);
      } finally {
        killQuietly(child);
        await Promise.all([child.stdout.cancel(), child.stderr.cancel(), child.status]);
      }
      await Deno.writeTextFile(`${folder}/go`, "");
      await succeed(folder, ["maintain", "--source", "there", "--remove-orphans", "--older-than", "0s"]);
      deepStrictEqual([...Deno.readDirSync(`${folder}/there/checkpoints/intents`)], [], "no intent stays");

      await succeed(folder, compact("here"));
      const failing = await programThat(folder, "if mkdir failed 2>/dev/null; then exit 1; fi");
      const told = await streamlab(folder, [...compact("there"), ...flags, ...failing], { env });
      strictEqual(told.status, 0, told.stderr);
      ok((await Deno.stat(`${folder}/failed`)).isDirectory, "a task has failed");
      match(told.stdout, /"action":"compacted-group"/);
      deepStrictEqual(await tableOf(folder, "there"), await tableOf(folder, "here"));
      await succeed(folder, ["maintain", "--source", "there", "--audit"]);
    }),
);

/** What an audit says, but for the time. */
async function verdict(folder: string, flags: string[], env: Record<string, string>): Promise<unknown[]> {
  const { status, stdout, stderr } = await streamlab(
    folder,
    ["maintain", "--source", "lake", "--audit", "--json", ...flags],
    { env },
  );
  const { time: _time, ...record } = JSON.parse(stdout || "{}");
  return [status, record, status > 1 ? stderr : ""];
}

sparkVersionTest(
  "an audit in tasks, of which one fails once, says what the embedded one says of a sound lake and of a wrong one",
  NEWEST,
  () =>
    inFolder(async (folder) => {
      const { flags, env } = await localCluster(NEWEST, folder, "local[2,4]");
      for (const seed of [1, 2]) {
        await produce(folder, "lake", seed, 500);
        await succeed(folder, consume("lake", "--once", "--max-files-per-batch", "3"));
      }
      const program = await programThat(folder, 'echo "$1" >> commands; if mkdir failed 2>/dev/null; then exit 1; fi');
      const onCluster = [...flags, ...SMALL_TASKS, ...program];
      const sound = await verdict(folder, [], {});
      strictEqual(sound[0], 0, JSON.stringify(sound));
      deepStrictEqual(await verdict(folder, onCluster, env), sound);
      const commands = (await Deno.readTextFile(`${folder}/commands`)).trimEnd().split("\n");
      deepStrictEqual([...new Set(commands)], ["judge"]);
      ok(commands.length > 3, "several tasks, and one of them twice");

      const [first, second] = [...Deno.readDirSync(`${folder}/lake/raw/events`)].map(({ name }) => name).sort();
      await Deno.writeTextFile(`${folder}/lake/raw/events/${first}`, "[]");
      await Deno.remove(`${folder}/lake/raw/events/${second}`);
      const wrong = await verdict(folder, [], {});
      strictEqual(wrong[0], 1, JSON.stringify(wrong));
      deepStrictEqual(await verdict(folder, onCluster, env), wrong);
    }),
);
