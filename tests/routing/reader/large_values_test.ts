import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { LargeValues } from "../../../core/routing/reader/large_values.ts";
import { withSeed } from "../../support/seed.ts";
import { type LargeValuesOrder, SEEN } from "./large_values_worker.ts";

const WORKER = new URL("./large_values_worker.ts", import.meta.url);
const THREADS = 3, VALUES = 12;

function shared(words: number): SharedArrayBuffer {
  return new SharedArrayBuffer(words * Int32Array.BYTES_PER_ELEMENT);
}

async function runThread(order: LargeValuesOrder): Promise<void> {
  const worker = new Worker(WORKER, { type: "module" });
  try {
    await new Promise((resolve, reject) => {
      worker.onmessage = resolve;
      worker.onerror = reject;
      worker.postMessage(order);
    });
  } finally {
    worker.terminate();
  }
}

/** How many values of such sizes were held, and how many of them beside another. */
async function held(sizes: (thread: number) => number[]): Promise<{ total: number; together: number }> {
  const seen = shared(3), held = shared(1);
  const order = (thread: number) => ({ bytesMax: 64 << 20, held, seen, sizes: sizes(thread) });
  await Promise.all(Array.from({ length: THREADS }, (_, thread) => runThread(order(thread))));
  strictEqual(new Int32Array(held)[0], 0);
  const counts = new Int32Array(seen);
  return { total: counts[SEEN.total]!, together: counts[SEEN.together]! };
}

Deno.test("of values that there is no room for together, of any size, threads hold one at a time", () =>
  withSeed(async (random) => {
    const sizes = () => Array.from({ length: VALUES }, () => Math.floor((5 + random.next() * 90) * (1 << 20)));
    deepStrictEqual(await held(sizes), { total: THREADS * VALUES, together: 0 });
  }));

Deno.test("what fails gives its room back, and small values take none", () => {
  const held = shared(1);
  const large = new LargeValues({ bytesMax: 64 << 20, held });
  let failure: unknown;
  try {
    large.hold(100 << 20, () => {
      throw new Error("not this one");
    });
  } catch (error) {
    failure = error;
  }
  strictEqual((failure as Error).message, "not this one");
  strictEqual(large.hold(100 << 20, () => large.hold(1_000, () => new Int32Array(held)[0]! > 0)), true);
  strictEqual(new Int32Array(held)[0], 0);
});
