import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { setTimeout } from "node:timers/promises";
import { type Random, seededRandom } from "../../core/base/random.ts";
import { openLocalStore } from "../../core/storage/local/local_store.ts";
import { inFolder, killQuietly, type RunOptions, startStreamlab, streamlab, succeed } from "../e2e/program.ts";
import { startS3Place, useLake } from "../e2e/s3_lake.ts";
import { canRunS3 } from "../support/s3_servers.ts";
import { canRunPython, findPython } from "../support/python.ts";
import { auditByPython, type AuditedLake, bucketProperties, type Foreign } from "../support/python_audit.ts";
import { canRunRestCatalog, connectRest, withRestCatalog } from "../support/rest_catalog_server.ts";
import { unnamedFiles } from "../support/unnamed_files.ts";
import { say } from "../support/say.ts";
import { withSeed } from "../support/seed.ts";

/** Kills in all, for each kind of place; `deno task simulate --kills N` asks for more. */
const killsMax = Number(Deno.env.get("STREAMLAB_KILLS") ?? 70);
/**
 * From the start of a process to its death at the latest, milliseconds, besides twice what it takes
 * to start: long enough to get some batches done, however busy the machine is.
 */
const lifeMsMax = 1_500;

interface Battlefield extends AuditedLake {
  /** As the commands name it. */
  lake: string;
  options: RunOptions;
  /** Consumers that are alive at once: on one disk a lock lets only one work. */
  consumers: number;
  /** Another engine at work beside them until the promise is settled, and what it has done. */
  foreign?: (until: Promise<unknown>) => Promise<Racing>;
}

interface Racing extends Foreign {
  /** Commits that another was faster than. */
  lost: number;
}

Deno.test({
  name:
    "consumers and maintainers that are killed at any moment on a disk lose and double nothing, by PyIceberg's word",
  ignore: !canRunPython(),
  fn: () =>
    inFolder(async (folder) => {
      const store = openLocalStore(`${folder}/lake`, { random: seededRandom(1), durable: false });
      await survive({ folder, lake: `${folder}/lake`, options: {}, store, consumers: 1, properties: {} });
    }),
});

Deno.test({
  name: "two consumers at once and maintainers that are killed at any moment on S3 lose and double nothing, either",
  ignore: !canRunPython() || !canRunS3(),
  fn: async () => {
    const place = await startS3Place();
    try {
      await useLake(place!, async ({ folder, uri, env, open }) => {
        await survive({
          folder,
          lake: uri,
          options: { env },
          store: await open(),
          consumers: 2,
          properties: bucketProperties(env),
        });
      });
    } finally {
      await place?.stop();
    }
  },
});

Deno.test({
  name:
    "consumers and maintainers that are killed at any moment in a REST catalog, with PyIceberg writing beside them, lose and double nothing of anybody's",
  ignore: !canRunPython() || !canRunRestCatalog(),
  fn: () =>
    inFolder(async (folder) => {
      await Deno.mkdir(`${folder}/warehouse`);
      await withRestCatalog(`${folder}/warehouse`, async (uri) => {
        const store = openLocalStore(`${folder}/lake`, { random: seededRandom(1), durable: false });
        await survive({
          folder,
          lake: `${folder}/lake`,
          options: { env: { STREAMLAB_CATALOG: uri } },
          store,
          catalog: await connectRest(uri),
          consumers: 1,
          properties: {},
          foreign: (until) => writeBeside(folder, uri, until),
        });
      });
    }),
});

async function writeBeside(folder: string, uri: string, until: Promise<unknown>): Promise<Racing> {
  const stop = `${folder}/stop`;
  const python = await findPython();
  const writing = python.json<Racing>("foreign_writer.py", uri, stop);
  await Promise.race([until, writing]);
  await Deno.writeTextFile(stop, "");
  const done = await writing;
  ok(done.written.length > 5 && done.deleted.length > 0, JSON.stringify(done));
  return done;
}

function survive(field: Battlefield): Promise<void> {
  return withSeed((random) => fight(field, random));
}

async function fight(field: Battlefield, random: Random): Promise<void> {
  const { folder, lake, options, store } = field;
  let isDone = false;
  const startedMs = performance.now();
  // A question needs a lake; an empty one will do.
  await Deno.mkdir(`${folder}/lake`, { recursive: true });
  await succeed(folder, ["query", "select 1"], options);
  const lifeMs = lifeMsMax + 2 * (performance.now() - startedMs);
  const producing = succeed(folder, [
    ...["produce", "--sink", lake, "--batches", String(killsMax * 10), "--interval", "60ms", "--truth", "truth.ndjson"],
    ...["--dirty", "--compress", "gzip"],
  ], options).finally(() => isDone = true);
  // The first consumer may be there before the producer has made the folder.
  const consume = ["consume", "--source", lake, "--create", "--max-files-per-batch", "2", "--threads", "1"];
  // Upkeep has something to expire, and to delete, before it is killed.
  consume.push("--keep-snapshots", "2", "--delete-after", "1s");
  const maintain = ["maintain", "--source", lake, "--all", "--older-than", "0", "--retain-last", "1", "--threads", "1"];
  const killed = { consumers: 0, maintainers: 0 };
  const least = Math.min(5, Math.floor(killsMax / 7));
  // On a busy machine the producer may be done before enough were killed.
  const goOn = () =>
    Math.min(killed.consumers, killed.maintainers) < least ||
    (!isDone && killed.consumers + killed.maintainers < killsMax);
  const killAgainAndAgain = async (who: keyof typeof killed, args: string[]) => {
    for (let turn = 0; turn < killsMax && goOn(); turn++) {
      killed[who] += await kill(field, args, random.next() * lifeMs);
    }
  };
  const killing = Array.from({ length: field.consumers }, () => killAgainAndAgain("consumers", consume));
  killing.push(killAgainAndAgain("maintainers", maintain));
  const fighting = Promise.all(killing);
  const foreign = field.foreign?.(fighting);
  // Its failure shows where it is waited for.
  foreign?.catch(() => undefined);
  await fighting;
  await producing;
  ok(killed.consumers >= least && killed.maintainers >= least, `too few were killed: ${JSON.stringify(killed)}`);
  const others = await foreign ?? { written: [], deleted: [], lost: 0 };
  await succeed(folder, ["consume", "--source", lake, "--once"], options);
  // Our own audit knows of no other engine, and takes its rows for strays.
  if (foreign === undefined) {
    await succeed(folder, ["maintain", "--source", lake, "--remove-orphans", "--older-than", "0s"], options);
    deepStrictEqual(await unnamedFiles(store), [], "after upkeep nothing lies about");
    const own = await streamlab(folder, ["maintain", "--source", lake, "--audit"], options);
    strictEqual(own.status, 0, own.stdout + own.stderr);
  }
  const { problems, ...counts } = await auditByPython(field, others);
  deepStrictEqual(problems, []);
  ok(counts.events > 0 && counts.dead_letters > 0);
  const beside = foreign === undefined
    ? ""
    : `, beside another engine's ${
      others.written.length + 2 * others.deleted.length
    } commits (${others.lost} lost races)`;
  say(`${JSON.stringify(killed)} killed beside each other${beside}: ${JSON.stringify(counts)}, audited clean`);
}

/** Starts the program, and kills it some time later. 1 if it was still alive. */
async function kill({ folder, options }: Battlefield, args: string[], lifeMs: number): Promise<number> {
  const child = startStreamlab(folder, args, options);
  await child.stdin.close();
  const output = child.output();
  await Promise.race([output, setTimeout(100 + lifeMs)]);
  killQuietly(child);
  const { code, signal, stderr } = await output;
  const text = new TextDecoder().decode(stderr);
  // Beside a living one of its kind, or before there is a lake, it ends by itself; with anything
  // else the test ends, too.
  if (signal === null && code !== 0 && !/There is no lake|is running/.test(text)) throw new Error(`${args}: ${text}`);
  return signal === "SIGKILL" ? 1 : 0;
}
