import { match, strictEqual } from "node:assert/strict";
import { inFolder } from "../support/own_folder.ts";
import { type Outcome, succeed } from "./program.ts";

/** A program with named permissions may use nothing below /dev, where other tests' lakes may be. */
const onDisk = (action: (folder: string) => Promise<void>) => inFolder(action, "streamlab-e2e-", "/tmp");

/** From the source, and not allowed what DuckDB's client needs: a native library. */
async function consumeWithoutDuckDb(folder: string, ...flags: string[]): Promise<Outcome> {
  const allowed = ["read", "write", "env", "sys", "net"].map((what) => `--allow-${what}`);
  const main = new URL("../../main.ts", import.meta.url).pathname;
  const command = new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-check", "--no-prompt", ...allowed, main, "consume", "--once", ...flags],
    cwd: folder,
    env: { NO_COLOR: "1" },
  });
  const { code, stdout, stderr } = await command.output();
  const decoder = new TextDecoder();
  return { status: code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

async function produce(folder: string, ...flags: string[]): Promise<void> {
  await succeed(folder, ["produce", "--dirty", "--batches", "2", "--batch-size", "20", "--interval", "0", ...flags]);
}

Deno.test("a new lake of JSON files is consumed without DuckDB, packed ones too", () =>
  onDisk(async (folder) => {
    await produce(folder);
    await produce(folder, "--format", "ndjson");
    await produce(folder, "--compress", "gzip");
    await produce(folder, "--compress", "zstd");
    const { status, stdout, stderr } = await consumeWithoutDuckDb(folder);
    strictEqual(status, 0, stderr);
    match(stdout, /batch 1: 8 files/);
  }));

Deno.test("a lake that earlier runs have filled is consumed without DuckDB, too", () =>
  onDisk(async (folder) => {
    await produce(folder);
    await succeed(folder, ["consume", "--once"]);
    await produce(folder);
    const next = await consumeWithoutDuckDb(folder);
    strictEqual(next.status, 0, next.stderr);
    match(next.stdout, /batch 2: 2 files/);
    const idle = await consumeWithoutDuckDb(folder);
    strictEqual(idle.status, 0, idle.stderr);
    strictEqual(/batch/.test(idle.stdout), false, idle.stdout);
  }));

Deno.test("batches are deduplicated by keys in memory: what a run has brought itself it need not read again", () =>
  onDisk(async (folder) => {
    for (const _ of [1, 2]) await produce(folder, "--duplicate-chance", "0.3");
    const flags = ["--max-files-per-batch", "1", "--dedupe-by", "event_id", "--dedupe-within", "1d"];
    const { status, stdout, stderr } = await consumeWithoutDuckDb(folder, ...flags);
    strictEqual(status, 0, stderr);
    match(stdout, /batch 4: 1 file/);
  }));

Deno.test("Parquet files are read by DuckDB", () =>
  onDisk(async (folder) => {
    await produce(folder, "--format", "parquet");
    const { status, stderr } = await consumeWithoutDuckDb(folder);
    strictEqual(status, 1);
    match(stderr, /ffi/);
  }));
