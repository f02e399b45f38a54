import { ok } from "node:assert/strict";
import { say } from "../support/say.ts";
import { type MemorySample, memorySlope } from "./memory_slope.ts";

/** `.ci/run` asks for ten; however slow the machine is, there are batches enough for a line. */
const MINUTES = Deno.env.get("STREAMLAB_SOAK_MINUTES") ?? "1";
const BATCHES_MIN = 1_000;
/**
 * Until then the heap grows to what the collector likes to work with, and what is kept of the
 * tables' manifests to its bound.
 */
const WARM_BATCHES = 500;
/**
 * 112 and 146 were measured: each batch adds three versions to the tables' history in memory, and
 * the heap swings by 40 MB between two rounds of the collector. While all manifests were kept and
 * every version was parsed, it was 245 to 269.
 */
const MB_PER_THOUSAND_MAX = 220;

const worker = new URL("./soak_worker.ts", import.meta.url).pathname;

Deno.test("memory of a consumer grows no faster than its tables", async () => {
  const folder = await Deno.makeTempDir({ prefix: "streamlab-soak-" });
  try {
    const args = ["run", "--no-check", "--allow-all", worker, folder, MINUTES, String(BATCHES_MIN)];
    const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), { args }).output();
    ok(success, new TextDecoder().decode(stderr));
    const samples = new TextDecoder().decode(stdout).trim().split("\n").map((line) => JSON.parse(line) as MemorySample);
    const slope = memorySlope(samples, WARM_BATCHES);
    const last = samples.at(-1)!;
    const figures = `${last.batch} batches, ${last.megabytes} MB, ${slope.toFixed(1)} MB more in a thousand batches`;
    say(figures);
    ok(slope < MB_PER_THOUSAND_MAX, figures);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
