import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { eachParallel, mapParallel } from "../../core/base/parallel.ts";

Deno.test("results come in the order of the items, and no more than the limit run at once", async () => {
  let running = 0, most = 0;
  const results = await mapParallel([5, 1, 4, 2, 3], 2, async (turns, index) => {
    most = Math.max(most, ++running);
    for (let i = 0; i < turns; i++) await Promise.resolve();
    running--;
    return `${index}:${turns}`;
  });
  deepStrictEqual(results, ["0:5", "1:1", "2:4", "3:2", "4:3"]);
  strictEqual(most, 2);
  deepStrictEqual(await mapParallel([], 3, () => Promise.resolve(1)), []);
});

Deno.test("after a failure nothing new begins, and what runs is waited for", async () => {
  const begun: number[] = [], ended: number[] = [];
  await rejects(
    mapParallel([0, 1, 2, 3], 2, async (item) => {
      begun.push(item);
      if (item === 0) throw new Error("first");
      for (let i = 0; i < 10; i++) await Promise.resolve();
      ended.push(item);
    }),
    /first/,
  );
  deepStrictEqual(begun, [0, 1]);
  deepStrictEqual(ended, [1]);
});

Deno.test("items that are made meanwhile are made when there is room for them", async () => {
  let made = 0, done = 0, most = 0;
  async function* items() {
    for (let item = 0; item < 7; item++) {
      await Promise.resolve();
      most = Math.max(most, ++made - done);
      yield item;
    }
  }
  const seen: number[] = [];
  await eachParallel(items(), 3, async (item) => {
    for (let turn = 0; turn < 7 - item; turn++) await Promise.resolve();
    seen.push(item);
    done++;
  });
  deepStrictEqual(seen.sort(), [0, 1, 2, 3, 4, 5, 6]);
  strictEqual(most, 3);
});

/** As many as that, or until it fails. */
async function* numbers(count: number, failsAt: number, closed: () => void): AsyncGenerator<number> {
  try {
    for (let item = 0; item < count; item++) {
      if (item === failsAt) throw new Error("failure");
      yield await Promise.resolve(item);
    }
  } finally {
    closed();
  }
}

for (const [what, made, failing] of [["of one of them", 9, 1], ["of their making", 2, 9]] as const) {
  Deno.test(`after the failure ${what} those that run are told, and no further one is made`, async () => {
    let isClosed = false;
    const told: number[] = [];
    const items = numbers(9, made, () => isClosed = true);
    const work = eachParallel(items, 3, async (item, failed) => {
      if (item === failing) throw new Error("failure");
      await new Promise<void>((resolve) => failed.addEventListener("abort", () => resolve()));
      told.push(item);
    });
    await rejects(work, /failure/);
    deepStrictEqual([told.includes(0), told.every((item) => item < 3), isClosed], [true, true, true]);
  });
}
