import { deepStrictEqual, match, rejects } from "node:assert/strict";
import { Consumer } from "../../core/consume/consumer.ts";
import { auditLake } from "../simulation/world/lake_audit.ts";
import { DataRows } from "../simulation/world/data_rows.ts";
import { Life } from "../simulation/world/life.ts";
import { lightTools } from "../simulation/world/race.ts";
import { arrayOf, invalid, valid } from "../simulation/world/raw_files.ts";
import type { Operation, SimulatedDisk } from "../support/simulated_disk.ts";
import { Crash } from "../support/simulated_store.ts";

const rows = new DataRows();

/** A lake with so many batches of one file each. */
async function lakeOf(batches: number): Promise<Life> {
  const life = new Life(lightTools(rows));
  await life.consume();
  for (let batch = 1; batch <= batches; batch++) {
    life.land(`f${batch}.json`, arrayOf(valid(), invalid()));
    await life.consume();
  }
  return life;
}

/** A run that is stopped right before such an operation. */
async function consumeUntil(life: Life, stopsAt: (operation: Operation) => boolean): Promise<void> {
  life.disk.hook = (operation, phase) => phase === "before" && stopsAt(operation) ? { do: "crash" } : undefined;
  await rejects(consumeOnce(life), Crash);
  life.disk.hook = undefined;
}

async function consumeOnce(life: Life): Promise<void> {
  const consumer = await Consumer.start(life.options(life.disk.connect()));
  await consumer.takeAll(new AbortController().signal, true);
}

function remove(disk: SimulatedDisk, pattern: RegExp): void {
  for (const path of disk.files().keys()) if (pattern.test(path)) disk.remove(path, true);
}

async function checkSound(life: Life): Promise<void> {
  deepStrictEqual(await auditLake(life.disk, life.truth, rows), []);
}

async function checkRefused(life: Life, message: RegExp): Promise<void> {
  const before = [...life.disk.files().keys()].filter((path) => path.includes("/data/"));
  await rejects(consumeOnce(life), (error: Error) => {
    match(error.message, message);
    return true;
  });
  deepStrictEqual([...life.disk.files().keys()].filter((path) => path.includes("/data/")), before);
}

const isLedgerCommit = ({ name, path }: Operation) => name === "create" && /ingest\/files\/metadata\/v\d+\./.test(path);
const isRecord = ({ name, path }: Operation) => name === "create" && path.endsWith(".routed.json");

Deno.test("a checkpoints folder that was deleted between batches is no loss", async () => {
  const life = await lakeOf(2);
  remove(life.disk, /^checkpoints\//);
  life.land("later.json", arrayOf(valid()));
  await consumeOnce(life);
  await checkSound(life);
});

Deno.test("a checkpoints folder that was deleted before anything of a batch was committed is no loss, either", async () => {
  const life = await lakeOf(1);
  life.land("later.json", arrayOf(valid()));
  await consumeUntil(life, isRecord);
  remove(life.disk, /^checkpoints\//);
  await consumeOnce(life);
  await checkSound(life);
});

Deno.test("a checkpoints folder that was deleted in the middle of a batch is noticed", async () => {
  const life = await lakeOf(1);
  life.land("later.json", arrayOf(valid(), invalid()));
  await consumeUntil(life, isLedgerCommit);
  const saved = life.disk.fork();
  remove(life.disk, /^checkpoints\//);
  await checkRefused(
    life,
    /bronze\.events has batch 2, the ledger has not, and checkpoints\/bronze\.events does not say what was in it/,
  );
  // Brought back it serves.
  for (const [path, bytes] of saved.files()) {
    if (path.startsWith("checkpoints/")) life.disk.put(path, bytes, true);
  }
  await consumeOnce(life);
  await checkSound(life);
});

Deno.test("a plan that was copied from another lake is noticed", async () => {
  const life = await lakeOf(0);
  const other = new Life(lightTools(rows), [], { disk: life.disk.fork(), truth: life.truth, seed: 77 });
  remove(other.disk, /^(warehouse|checkpoints)\//);
  other.land("theirs.json", arrayOf(valid()));
  await consumeUntil(other, isRecord);
  for (const [path, bytes] of other.disk.files()) if (path.endsWith(".plan.json")) life.disk.put(path, bytes, true);
  await checkRefused(life, /holds a plan of another lake's batches/);
});

Deno.test("a ledger that lost its last batch gets it again from the record", async () => {
  const life = await lakeOf(3);
  remove(life.disk, /ingest\/files\/metadata\/v4\./);
  await consumeOnce(life);
  await checkSound(life);
});

Deno.test("a ledger that was restored from an older copy than the rest is noticed", async () => {
  const life = await lakeOf(3);
  remove(life.disk, /ingest\/files\/metadata\/v[34]\./);
  await checkRefused(life, /the ledger ends with batch 1, but checkpoints\/bronze\.events speaks of batch 3/);
  remove(life.disk, /^checkpoints\//);
  await checkRefused(life, /the ledger ends with batch 1, but bronze\.events has batch 3/);
});

Deno.test("a table that was deleted, or replaced by another lake's, is noticed", async () => {
  const life = await lakeOf(2);
  const other = new Life(lightTools(rows), [], { disk: life.disk.fork(), truth: life.truth, seed: 77 });
  remove(other.disk, /^(warehouse|checkpoints)\//);
  await consumeOnce(other);
  remove(life.disk, /^warehouse\/bronze\/events\//);
  await checkRefused(life, /there is no table bronze\.events, but dead_letters\.events has batch 2/);
  for (const [path, bytes] of other.disk.files()) {
    if (path.startsWith("warehouse/bronze/events/")) life.disk.put(path, bytes, true);
  }
  await checkRefused(life, /belongs to another history of batches/);
});
