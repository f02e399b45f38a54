import { ok } from "node:assert/strict";
import { median } from "../../bench/measured_process.ts";
import { makeInput } from "../../bench/peers/input.ts";
import { openPeers } from "../../bench/peers/peer.ts";
import { isRefresh } from "../support/golden.ts";

const kept = new URL("../../bench/results/duckdb_ratio.json", import.meta.url);
const FILES = 20, EVENTS_PER_FILE = 5_000, ROUNDS = 5;
/** Half as much again: other work on the machine changes less, a way that got lost changes more. */
const WORSE_MAX = 1.5;
const root = new URL("../../", import.meta.url).pathname;
const program = [Deno.execPath(), "run", "--no-check", "--allow-all", `${root}main.ts`];

/** How much of the processor consume takes, measured in turn with bare DuckDB. */
async function measureRatio(): Promise<number> {
  const scratch = await Deno.makeTempDir({ prefix: "streamlab-ratio-" });
  try {
    const input = await makeInput(program, scratch, FILES, EVENTS_PER_FILE);
    const ratios: number[] = [];
    const [streamlab, duckdb] = await openPeers(program, ["streamlab", "duckdb"]);
    for (let round = 0; round < ROUNDS; round++) {
      const spent: number[] = [];
      for (const peer of [streamlab!, duckdb!]) {
        const output = `${scratch}/${peer.name}-${round}`;
        await Deno.mkdir(output);
        const { measured } = await peer.run(input, output);
        spent.push(measured.processorSeconds ?? measured.seconds);
      }
      ratios.push(spent[0]! / spent[1]!);
    }
    return median(ratios);
  } finally {
    await Deno.remove(scratch, { recursive: true });
  }
}

Deno.test("consume takes no more of the processor against bare DuckDB than it did, within half", async () => {
  const ratio = await measureRatio();
  if (isRefresh) return await Deno.writeTextFile(kept, `${JSON.stringify({ ratio: Number(ratio.toFixed(2)) })}\n`);
  const { ratio: before } = JSON.parse(await Deno.readTextFile(kept)) as { ratio: number };
  ok(
    ratio <= WORSE_MAX * before,
    `${ratio.toFixed(2)} times bare DuckDB, ${before} when it was kept; STREAMLAB_REFRESH=1 keeps what it is now`,
  );
});
