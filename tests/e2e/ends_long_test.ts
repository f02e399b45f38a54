import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { withSeed } from "../support/seed.ts";
import { isThorough } from "../support/thorough.ts";
import { isFileThere, untilThere } from "../support/until_there.ts";
import { countTables, countTruth } from "./dispositions.ts";
import { ask, endOf, inFolder, killQuietly, startStreamlab, streamlab, succeed } from "./program.ts";

const checkpoints = "lake/checkpoints/bronze.events";

/** Numbers of the batches that were planned, and of those that are done. */
async function batches(folder: string): Promise<{ planned: number[]; done: number[] }> {
  const planned = [...Deno.readDirSync(`${folder}/${checkpoints}`)]
    .flatMap(({ name }) => /^(\d+)\.plan\.json$/.exec(name)?.[1] ?? []).map(Number).sort((a, b) => a - b);
  const rows = await ask(folder, "select distinct batch_id::int as id from ingest.files order by id");
  return { planned, done: rows.map(({ id }) => id as number) };
}

async function firstLine(child: Deno.ChildProcess): Promise<void> {
  const reader = child.stdout.getReader();
  strictEqual((await reader.read()).done, false);
  reader.releaseLock();
}

for (const [signal, status] of [["SIGINT", 130], ["SIGTERM", 0]] as const) {
  Deno.test(`${signal} finishes the batch under way, leaves no other, and the next run goes on`, () =>
    inFolder(async (folder) => {
      // More than a consumer takes before it hears the signal, however late that is sent.
      await succeed(folder, ["produce", "--batches", "400", "--batch-size", "3", "--interval", "0"]);
      const child = startStreamlab(folder, ["consume", "--json", "--max-files-per-batch", "1"]);
      await firstLine(child);
      child.kill(signal);
      strictEqual((await endOf(child)).code, status);
      const { planned, done } = await batches(folder);
      ok(done.length < 400, "it was under way");
      deepStrictEqual(planned, done, "what was planned is done");
      await succeed(folder, ["consume", "--once"]);
      deepStrictEqual(await ask(folder, "select count(*)::int as n from bronze.events"), [{ n: 1200 }]);
      match(await succeed(folder, ["maintain", "--audit"]), /exactly once/);
    }));
}

Deno.test("a second signal stops at once, and the next run finishes the batch", () =>
  inFolder(async (folder) => {
    await succeed(folder, ["produce", "--batches", "1", "--batch-size", "10", "--interval", "0"]);
    await succeed(folder, ["consume", "--once"]);
    await succeed(folder, ["produce", "--batches", "8", "--batch-size", "50000", "--interval", "0"]);
    const child = startStreamlab(folder, ["consume", "--once", "--threads", "1"]);
    const plan = `${folder}/${checkpoints}/000000000002.plan.json`;
    await untilThere(() => isFileThere(plan), child.status);
    killQuietly(child, "SIGINT");
    killQuietly(child, "SIGTERM");
    strictEqual((await endOf(child)).code, 130);
    deepStrictEqual(await batches(folder), { planned: [1, 2], done: [1] });
    await succeed(folder, ["consume", "--once"]);
    deepStrictEqual((await batches(folder)).done, [1, 2]);
    deepStrictEqual(await ask(folder, "select count(*)::int as n from bronze.events"), [{ n: 400_010 }]);
  }));

Deno.test("a second consumer of a table says who runs, and a killed one blocks nobody", () =>
  inFolder(async (folder) => {
    await succeed(folder, ["produce", "--batches", "1", "--interval", "0"]);
    const first = startStreamlab(folder, ["consume", "--json"]);
    await firstLine(first);
    const second = await streamlab(folder, ["consume", "--once"]);
    strictEqual(second.status, 1, second.stderr);
    match(second.stderr, new RegExp(`another consumer is running \\(.*\\b${first.pid}\\b.*\\)`));
    const other = await streamlab(folder, ["consume", "--once", "--table", "bronze.others"]);
    strictEqual(other.status, 0, other.stderr);
    first.kill("SIGKILL");
    strictEqual((await endOf(first)).signal, "SIGKILL");
    await succeed(folder, ["consume", "--once"]);
  }));

Deno.test("kill -9 at any moment loses and doubles nothing", () =>
  withSeed((random) =>
    inFolder(async (folder) => {
      const more = ["--interval", "0", "--dirty", "--seed", "3", "--start", "2026-03-01", "--truth", "truth.ndjson"];
      await succeed(folder, ["produce", "--batches", "80", "--batch-size", "50", ...more]);
      // Small batches make many commits; a kill falls into some step of one of them.
      const args = ["consume", "--once", "--max-files-per-batch", "2"];
      let killed = 0;
      for (let kill = 0; kill < (isThorough ? 20 : 6); kill++) {
        const child = startStreamlab(folder, args);
        const killer = setTimeout(() => killQuietly(child), 200 + random.next() * 600);
        const { signal } = await endOf(child);
        clearTimeout(killer);
        if (signal === "SIGKILL") killed++;
      }
      ok(killed > 0);
      await succeed(folder, args);
      deepStrictEqual(await countTables(folder), await countTruth(`${folder}/truth.ndjson`));
      const [ledger] = await ask(
        folder,
        "select count(*)::int as files, count(distinct source_file)::int as names from ingest.files",
      );
      deepStrictEqual(ledger, { files: 80, names: 80 });
      await succeed(folder, ["maintain", "--audit"]);
    })
  ));
