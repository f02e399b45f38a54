import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { s3Test } from "../support/s3_servers.ts";
import { Lines } from "./lines.ts";
import { killQuietly, startStreamlab, streamlab, succeed } from "./program.ts";
import { type S3Lake, type S3Place, startS3Place, useLake } from "./s3_lake.ts";

let place: S3Place;
Deno.test.beforeAll(async () => {
  place = (await startS3Place())!;
});
Deno.test.afterAll(() => place?.stop());

interface FedTarget {
  table: string;
  /** What `--raw` names; without it the lake's own raw zone. */
  raw?: string;
  /** Puts a file of two records, one of them bad, where the target is fed from. */
  put(name: string): Promise<unknown>;
}

const RECORDS = '{"id":1}\n{"id":"no number"}\n';

/** Five targets of a lake on this disk: each is fed from elsewhere, one from a bucket. */
async function targetsOf({ folder, bucket, open }: S3Lake): Promise<FedTarget[]> {
  const store = await open();
  const inFolder = (path: string) => async (name: string) => {
    await Deno.mkdir(`${folder}/${path}`, { recursive: true });
    // Whole or not there: a consumer that watches would take what there is of it.
    await Deno.writeTextFile(`${folder}/${path}/.${name}`, RECORDS);
    await Deno.rename(`${folder}/${path}/.${name}`, `${folder}/${path}/${name}.ndjson`);
  };
  return [
    { table: "bronze.events", put: inFolder("lake/raw/events") },
    { table: "iot.readings", raw: "lake/landing", put: inFolder("lake/landing/deep") },
    { table: "sales.orders", raw: "orders", put: inFolder("orders") },
    { table: "shop.orders", raw: "more orders", put: inFolder("more orders") },
    {
      table: "web.clicks",
      raw: `s3://${bucket}/lake/clicks`,
      put: (name) => store.write(`clicks/${name}.ndjson`, new TextEncoder().encode(RECORDS)),
    },
  ];
}

async function withTargets(
  action: (lake: S3Lake, targets: FedTarget[], records: (...args: string[]) => Promise<Figures[]>) => Promise<void>,
): Promise<void> {
  await useLake(place, async (lake) => {
    const { folder, env } = lake;
    const targets = await targetsOf(lake);
    const properties = { id: { type: "integer" } };
    await Deno.writeTextFile(`${folder}/c.json`, JSON.stringify({ type: "object", properties }));
    for (const { table, raw, put } of targets) {
      await put("1");
      const from = raw === undefined ? [] : ["--raw", raw];
      await succeed(folder, ["consume", "--once", "--table", table, ...from, "--contract", "c.json"], { env });
    }
    const records = async (...args: string[]) =>
      (await succeed(folder, [...args, "--json"], { env })).trim().split("\n").map((line) => JSON.parse(line));
    await action(lake, targets, records);
  });
}

type Figures = Record<string, unknown>;

const waitingOf = (lines: Figures[]) =>
  lines.filter(({ action }) => action === "ingestion-status").map(({ table, waitingFiles }) => [table, waitingFiles]);

s3Test(
  "--status, --audit and --all-targets are right for five targets of different places, one a bucket",
  () =>
    withTargets(async (lake, targets, records) => {
      const names = targets.map(({ table }) => table);
      const waiting = async () => waitingOf(await records("maintain", "--status"));
      deepStrictEqual(await waiting(), names.map((table) => [table, 0]));

      // Another number for each, so that none can be taken for another's.
      for (const [index, { put }] of targets.entries()) {
        for (let file = 0; file <= index; file++) await put(`2-${file}`);
      }
      deepStrictEqual(await waiting(), names.map((table, index) => [table, index + 1]));
      const batches = await records("consume", "--once", "--all-targets");
      deepStrictEqual(
        batches.filter(({ action }) => action === "batch").map(({ table, files, events, deadLetters }) => {
          return [table, files, events, deadLetters];
        }),
        names.map((table, index) => [table, index + 1, index + 1, index + 1]),
      );
      deepStrictEqual(await waiting(), names.map((table) => [table, 0]));
      const audits = await records("maintain", "--audit");
      deepStrictEqual(
        audits.map(({ table, events, deadLetters, filesGone, discrepancies }) => {
          return [table, events, deadLetters, filesGone, discrepancies];
        }),
        names.map((table, index) => [table, index + 2, index + 2, 0, 0]),
      );

      // One that cannot go on costs the others nothing.
      await Deno.rename(`${lake.folder}/orders`, `${lake.folder}/away`);
      for (const { table, put } of targets) if (table !== "sales.orders") await put("3");
      const { status, stdout, stderr } = await streamlab(lake.folder, ["consume", "--once", "--all-targets"], lake);
      strictEqual(status, 1);
      match(stderr, /^\S+Z sales\.orders There is no folder to read at .*\/orders$/m);
      strictEqual(stdout.match(/ batch \d: 1 file /g)?.length, 4);
    }),
);

s3Test(
  "--all-targets watches all of their places in one process, which SIGTERM ends with status 0",
  () =>
    withTargets(async ({ folder, env }, targets) => {
      const child = startStreamlab(folder, ["consume", "--all-targets", "--json"], { env });
      const noise = child.stderr.pipeTo(new WritableStream());
      const out = new Lines(child.stdout);
      await child.stdin.close();
      try {
        for (const { put } of targets) await put("later");
        const taken = new Set<unknown>();
        while (taken.size < targets.length) taken.add(JSON.parse(await out.next(/"action":"batch"/)).table);
        // Once: a second signal would end it where it stands, with another status.
        child.kill("SIGTERM");
        strictEqual((await child.status).code, 0);
        deepStrictEqual([...taken].sort(), targets.map(({ table }) => table));
      } finally {
        killQuietly(child);
        await Promise.all([noise, out.close()]);
      }
    }),
);
