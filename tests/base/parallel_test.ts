import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { mapParallel } from "../../core/base/parallel.ts";

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
