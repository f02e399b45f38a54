import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { type DecideFault, proxyFaultsBySeed } from "../support/fault_proxy.ts";
import { unnamedFiles } from "../support/unnamed_files.ts";
import { s3Test } from "../support/s3_servers.ts";
import { countTruth } from "./dispositions.ts";
import { leftIn, messageLines, type Outcome, startStreamlab, streamlab, succeed } from "./program.ts";
import { type S3Lake, type S3Place, startS3Place, useLake } from "./s3_lake.ts";

let place: S3Place;
Deno.test.beforeAll(async () => {
  place = (await startS3Place())!;
});
Deno.test.afterAll(() => place?.stop());

const countsSql = `select 'event' as kind, count(*)::int as n from bronze.events
  union all select _dead_letter_reason, count(*)::int from dead_letters.events group by all order by 1`;

async function countsOf({ folder, env }: S3Lake, source: string): Promise<Record<string, number>> {
  const text = await succeed(folder, ["query", "--source", source, "--format", "json", countsSql], { env });
  return Object.fromEntries((JSON.parse(text) as { kind: string; n: number }[]).map(({ kind, n }) => [kind, n]));
}

/** One clear message: what, where and why in at most two lines, and no stack. */
function isClear(outcome: Outcome, words: RegExp): void {
  const { status, stderr } = outcome;
  strictEqual(status, 1, stderr);
  ok(messageLines(outcome).length <= 2 && words.test(stderr) && !/^\s+at /m.test(stderr), stderr);
}

/** A comma stands for a space within a word. */
const words = (text: string): string[] => text.split(" ").map((word) => word.replace(",", " "));

async function through<T>(decide: DecideFault, action: () => Promise<T>): Promise<T> {
  place.proxy.decide = decide;
  try {
    return await action();
  } finally {
    place.proxy.decide = undefined;
  }
}

s3Test(
  "files as the original producer wrote them are counted in a bucket as on disk, after one run and after two",
  () =>
    useLake(place, async (lake) => {
      const { folder, uri, bucket, env } = lake;
      const fixture = new URL("./fixtures/original_producer/", import.meta.url).pathname;
      const expected = JSON.parse(await Deno.readTextFile(`${fixture}expected.json`)) as Record<string, number>;
      const store = await lake.open();
      for await (const { name } of Deno.readDir(`${fixture}events`)) {
        await store.write(`raw/events/${name}`, await Deno.readFile(`${fixture}events/${name}`));
      }
      for (let run = 0; run < 2; run++) {
        await succeed(folder, ["consume", "--source", uri, "--once"], { env });
        const counts = await countsOf(lake, uri);
        deepStrictEqual(
          { event: counts.event, invalid_schema: counts.invalid_schema, corrupted_batch: counts.corrupted_batch },
          {
            event: expected.events,
            invalid_schema: expected.invalid_schema,
            corrupted_batch: expected.corrupted_batch,
          },
          `${bucket}, run ${run}`,
        );
      }
    }),
);

const dirty = ["--batches", "12", "--batch-size", "50", "--interval", "0", "--dirty", "--start", "2026-03-01"];

s3Test(
  "every pairing of source and sink, on disk and in a bucket, holds what the truth says",
  () =>
    useLake(place, async (lake) => {
      const { folder, uri, env } = lake;
      await succeed(folder, ["produce", "--sink", uri, ...dirty, "--seed", "1", "--truth", "s3.ndjson"], { env });
      await succeed(folder, ["produce", "--sink", "local", ...dirty, "--seed", "2", "--truth", "local.ndjson"], {
        env,
      });
      const pairings: [string[], string, string][] = [
        [["--source", uri], uri, "s3.ndjson"],
        [["--source", uri, "--sink", "other"], "other", "s3.ndjson"],
        [["--source", "local", "--sink", `${uri}/two`], `${uri}/two`, "local.ndjson"],
        [["--source", uri, "--sink", `${uri}/three`], `${uri}/three`, "s3.ndjson"],
        [["--raw", `${uri}/raw/events`, "--sink", "fourth"], "fourth", "s3.ndjson"],
      ];
      for (const [flags, sink, truth] of pairings) {
        await succeed(folder, ["consume", ...flags, "--once"], { env });
        const told = await countTruth(`${folder}/${truth}`);
        const counts = await countsOf(lake, sink);
        for (const [kind, n] of Object.entries(told)) strictEqual(counts[kind] ?? 0, n, `${flags.join(" ")}: ${kind}`);
        const audit = await streamlab(folder, ["maintain", "--source", sink, "--audit"], { env });
        strictEqual(audit.status, 0, `${flags.join(" ")}: ${audit.stderr}${audit.stdout}`);
        strictEqual(/gone/.test(audit.stdout), false, `${flags.join(" ")}: ${audit.stdout}`);
      }
      deepStrictEqual(leftIn(env.TMPDIR!), []);
    }),
);

/**
 * Hints, what became of files, and failures: what was tried, where (a bucket that seems to be gone
 * has no key), and why; so also of what could not be written down.
 */
const clearLine =
  /^ {2}\S|^raw\/events\/\S+ vanished: |^(streamlab: |What was done to \S+ could not be written down for later: )?Cannot [^"]+ "s3:\/\/bucket-\d+(": there is no such bucket|\/lake\/[^"]+": \S)/;

/**
 * Each failure in one line that names bucket, key and cause, and perhaps a second one that says
 * what to do.
 */
function namesBucketKeyAndCause(outcome: Outcome, command: string): void {
  strictEqual(outcome.status, 1, `${command}: ${outcome.stderr}`);
  for (const line of messageLines(outcome)) ok(clearLine.test(line), `${command}: ${outcome.stderr}`);
}

s3Test(
  "through a network that delays, cuts, resets and refuses at random, each command finishes right or names bucket, key and cause",
  () =>
    useLake(place, async (lake) => {
      const { folder, uri, env } = lake;
      const commands = [
        ["produce", "--sink", uri, ...dirty, "--truth", "truth.ndjson", "--seed"],
        ["consume", "--source", uri, "--once", "--max-files-per-batch", "5"],
        ["query", "--source", uri, countsSql],
        ["maintain", "--source", uri, "--all", "--older-than", "0s", "--retain-last", "1"],
      ];
      let failed = 0;
      for (const seed of [1, 2, 3, 4]) {
        for (const [index, [name = "", ...words]] of commands.entries()) {
          const outcome = await through(
            proxyFaultsBySeed(10 * seed + index, 0.06, true),
            () => streamlab(folder, [name, ...words, ...(name === "produce" ? [String(seed)] : [])], { env }),
          );
          if (outcome.status === 0) continue;
          namesBucketKeyAndCause(outcome, name);
          failed++;
        }
        await succeed(folder, ["consume", "--source", uri, "--once"], { env });
        const audit = await streamlab(folder, ["maintain", "--source", uri, "--audit"], { env });
        strictEqual(audit.status, 0, audit.stderr + audit.stdout);
      }
      ok(failed > 2, `${failed} commands failed`);
    }),
);

/** Starts the program, and kills it at its request of that number. */
async function killAt(point: number, folder: string, args: string[], env: Record<string, string>): Promise<void> {
  let seen = 0;
  const child = startStreamlab(folder, args, { env });
  const killer: DecideFault = () => {
    if (++seen === point) child.kill("SIGKILL");
    return undefined;
  };
  const { signal } = await through(killer, () => child.output());
  await child.stdin.close().catch(() => undefined);
  strictEqual(signal, "SIGKILL", `${args[0]} ended before its request ${point}: ${seen}`);
}

s3Test(
  "a consumer or maintainer that is killed at any moment leaves a lake that one more run makes whole, no scratch, and after upkeep no needless object",
  () =>
    useLake(place, async (lake) => {
      const { folder, uri, env } = lake;
      await succeed(folder, ["produce", "--sink", uri, ...dirty, "--seed", "3", "--truth", "truth.ndjson"], { env });
      const consume = ["consume", "--source", uri, "--once", "--max-files-per-batch", "3"];
      const upkeep = ["maintain", "--source", uri, "--older-than", "0s"];
      const all = [...upkeep, "--all", "--retain-last", "1"];
      for (const point of [3, 25, 45, 60, 75]) await killAt(point, folder, consume, env);
      await succeed(folder, consume, { env });
      for (const point of [20, 45, 70, 95, 120]) await killAt(point, folder, all, env);
      await succeed(folder, consume, { env });
      await succeed(folder, [...upkeep, "--remove-orphans"], { env });
      deepStrictEqual(await unnamedFiles(await lake.open()), []);
      const told = await countTruth(`${folder}/truth.ndjson`);
      const counts = await countsOf(lake, uri);
      for (const [kind, n] of Object.entries(told)) strictEqual(counts[kind] ?? 0, n, kind);
      deepStrictEqual(leftIn(env.TMPDIR!), []);
    }),
);

s3Test(
  "wrong places and credentials each have their own message, for every command",
  () =>
    useLake(place, async ({ folder, uri, env }) => {
      const nowhere = uri.replace("/lake", "-that-is-not-there");
      for (
        const command of [
          "produce --batches 1 --interval 0 --sink",
          "consume --once --source",
          "consume --source",
          "query show,tables --source",
          "maintain --compact --source",
          "maintain --status --source",
        ]
      ) {
        const said =
          /^streamlab: Cannot [^"]+ "s3:\/\/[\w-]+-that-is-not-there[^"]*": there is no such bucket at http.*\n {2}Create the bucket/;
        isClear(await streamlab(folder, [...words(command), nowhere], { env }), said);
      }
      const wrong = [
        [{ AWS_SECRET_ACCESS_KEY: "wrong-secret" }, /secret key does not belong/],
        [{ AWS_ACCESS_KEY_ID: "nobody" }, /access key is not known/],
        [{ AWS_ENDPOINT_URL: "http://127.0.0.1:9" }, /cannot be reached/],
      ] as const;
      for (const [changed, said] of wrong) {
        for (
          const command of [
            "produce --batches 1 --interval 0 --sink",
            "consume --once --source",
            "query show,tables --source",
            "maintain --status --source",
          ]
        ) {
          const outcome = await streamlab(folder, [...words(command), uri], { env: { ...env, ...changed } });
          isClear(outcome, said);
          for (const key of ["wrong-secret", env.AWS_ACCESS_KEY_ID!, env.AWS_SECRET_ACCESS_KEY!]) {
            ok(!(outcome.stderr + outcome.stdout).includes(key), outcome.stderr);
          }
        }
      }
    }),
);
