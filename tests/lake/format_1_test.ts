import { Meter } from "../../core/base/meter.ts";
import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { runProgram } from "../../commands/line/program.ts";
import { systemClock } from "../../core/base/clock.ts";
import type { ConsumeSessionOptions } from "../../core/consume/consume_session.ts";
import { parseContract } from "../../core/contract/json_schema.ts";
import { parseIdentifier } from "../../core/iceberg/catalog/catalog.ts";
import { Claims } from "../../core/lake/claims.ts";
import { compactTable } from "../../core/maintain/compaction/compact_table.ts";
import { removeOrphans } from "../../core/maintain/removal/orphans.ts";
import { commands } from "../../main.ts";
import { ConsumeWorld } from "../consume/consume_world.ts";
import { testWorld } from "../support/test_world.ts";
import { scratchFolder } from "../support/scratch_folder.ts";

/** Made by `make.ts` in it, by commit 4edc879. */
const fixture = new URL("fixtures/format_1/lake", import.meta.url).pathname;
/** Part of the etags of raw files; git does not keep it. */
const rawTime = new Date("2026-03-01T12:00:00Z");
const day = 24 * 3_600_000;

async function copyFolder(from: string, to: string): Promise<void> {
  await Deno.mkdir(to, { recursive: true });
  for await (const { name, isDirectory } of Deno.readDir(from)) {
    if (isDirectory) await copyFolder(`${from}/${name}`, `${to}/${name}`);
    else await Deno.copyFile(`${from}/${name}`, `${to}/${name}`);
    if (to.includes("/raw/")) await Deno.utime(`${to}/${name}`, rawTime, rawTime);
  }
}

function useOldLake(action: (world: ConsumeWorld) => Promise<void>): Promise<void> {
  return ConsumeWorld.use(async (world) => {
    await copyFolder(fixture, world.folder);
    await action(world);
  });
}

const ordersSchema = {
  type: "object",
  properties: { order_id: { type: "string" }, total: { type: "number", multipleOf: 0.01, minimum: 0, maximum: 99999 } },
  required: ["order_id", "total"],
};

function orders(world: ConsumeWorld): Partial<ConsumeSessionOptions> {
  return {
    zone: { store: world.store, prefix: "raw/orders/", nameBase: "", format: undefined },
    target: parseIdentifier("orders.raw"),
    contract: parseContract(JSON.stringify(ordersSchema)),
    onExtraFields: "add",
  };
}

function surroundings({ store, catalog, random }: ConsumeWorld) {
  return { store, catalog, random, clock: systemClock };
}

async function paths({ store }: ConsumeWorld, prefix: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { path } of store.list(prefix)) found.push(path);
  return found.sort();
}

async function audit(world: ConsumeWorld, ...args: string[]): Promise<string> {
  await Deno.writeTextFile(`${world.folder}/orders.json`, JSON.stringify(ordersSchema));
  const run = testWorld({
    commands,
    cwd: world.folder,
  });
  const status = await runProgram(["maintain", "--audit", "--source", world.folder, ...args], run);
  strictEqual(status, 0, run.stdoutText() + run.stderrText());
  return run.stdoutText();
}

Deno.test("a batch that an older version routed is committed as it is, one that it planned is routed", () =>
  useOldLake(async (world) => {
    await world.consume();
    await world.consume(orders(world));
    const found = world.batches.map(({ batchId, resumed, events, deadLetters }) => ({
      ...{ batchId, resumed, events, deadLetters },
    }));
    deepStrictEqual(found, [
      { batchId: 2, resumed: true, events: 1, deadLetters: 1 },
      { batchId: 3, resumed: false, events: 1, deadLetters: 0 },
      { batchId: 2, resumed: true, events: 1, deadLetters: 1 },
      { batchId: 3, resumed: false, events: 1, deadLetters: 0 },
    ]);
    deepStrictEqual(await world.rows("SELECT event_id, _batch_id FROM {{bronze.events}} ORDER BY ALL"), [
      { event_id: "a", _batch_id: 1n },
      { event_id: "b", _batch_id: 1n },
      { event_id: "c", _batch_id: 2n },
      { event_id: "e", _batch_id: 3n },
    ]);
    const letters = "SELECT _dead_letter_reason AS reason, _batch_id FROM {{dead_letters.events}} ORDER BY ALL";
    deepStrictEqual(await world.rows(letters), [
      { reason: "corrupted_batch", _batch_id: 1n },
      { reason: "corrupted_record", _batch_id: 1n },
      { reason: "extra_fields", _batch_id: 2n },
    ]);
    const sold = "SELECT order_id, total::VARCHAR AS total, coupon FROM {{orders.raw}} ORDER BY ALL";
    deepStrictEqual(await world.rows(sold), [
      { order_id: "o-1", total: "12.50", coupon: null },
      { order_id: "o-2", total: "3.20", coupon: "x" },
      { order_id: "o-4", total: "1.00", coupon: null },
    ]);
    match(
      await audit(world, "--table", "bronze.events"),
      /exactly once \(4 files of 3 batches, 4 events, 3 dead letters\)/,
    );
    const ofOrders = ["--table", "orders.raw", "--contract", "orders.json", "--on-extra-fields", "add"];
    match(await audit(world, ...ofOrders), /exactly once \(3 files of 3 batches, 3 events, 1 dead letter\)/);
  }));

Deno.test("what an older version's records name is kept while it is under way, and goes when it is over", () =>
  useOldLake(async (world) => {
    const tables = ["bronze.events", "dead_letters.events", "orders.raw", "dead_letters.raw", "ingest.files"];
    const clean = async () => {
      const removed: string[] = [];
      for (const name of tables) {
        const table = (await world.catalog.loadTable(parseIdentifier(name)))!;
        const options = { olderThanMs: 0, dryRun: false };
        removed.push(...(await removeOrphans(surroundings(world), table, options)).paths);
      }
      return removed.filter((path) => path.endsWith(".parquet"));
    };
    const rewritten = (await paths(world, "warehouse/bronze/events/data/")).filter((path) => /compact-/.test(path));
    strictEqual(rewritten.length, 1);
    const claims = await Claims.read(world.store, new Set());
    const pathInTable = rewritten[0]!.replace("warehouse/bronze/events/", "");
    ok(claims.has({ pathInTable, path: rewritten[0]!, uri: "" }, {}));
    deepStrictEqual(await clean(), rewritten, "only the rewrite's, which counts as abandoned at this age");
    await world.consume();
    await world.consume(orders(world));
    const left = await clean();
    // The files of the attempt at routing that was cut short.
    ok(left.length === 3 && left.every((path) => path.includes("/00000002-4b291323e870-")), left.join("\n"));
    strictEqual((await world.rows("SELECT * FROM {{bronze.events}}")).length, 4);
    match(await audit(world, "--table", "bronze.events"), /exactly once/);
  }));

Deno.test("a rewrite that an older version has left is settled by the next one", () =>
  useOldLake(async (world) => {
    const [intent] = await paths(world, "checkpoints/intents/");
    const old = new Date(systemClock.nowMs() - 2 * day);
    await Deno.utime(world.store.localPath(intent!)!, old, old);
    const table = (await world.catalog.loadTable(parseIdentifier("bronze.events")))!;
    const report = await compactTable(surroundings(world), table, {
      targetFileSize: 1e6,
      inputsMin: 2,
      sortBy: [],
      dryRun: false,
      temporaryFolder: scratchFolder(),
      threads: 1,
      signal: new AbortController().signal,
      meter: new Meter(systemClock),
    });
    deepStrictEqual([report.inputs.files, report.outputs.files, report.dropped], [2, 1, []]);
    deepStrictEqual(await paths(world, "checkpoints/intents/"), []);
    await world.consume();
    match(
      await audit(world, "--table", "bronze.events"),
      /exactly once \(4 files of 3 batches, 4 events, 3 dead letters\)/,
    );
  }));
