import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { Family, FamilyWatch, type ProcessTimes } from "../../bench/family_watch.ts";

function times(pid: number, parent: number, processorSeconds: number, waitedSeconds = 0): ProcessTimes {
  return { pid, parent, start: "1", processorSeconds, waitedSeconds };
}

const noMemory = () => 0;

Deno.test("processes are of a family by their parents, and stay in it when these end", () => {
  const family = new Family();
  family.add([times(9, 1, 100), times(3, 2, 1), times(2, 7, 2), times(7, 1, 4)], [7], () => 10);
  family.add([times(3, 1, 8), times(4, 3, 16)], [7], () => 30);
  deepStrictEqual(family.taken(), { processorSeconds: 4 + 2 + 8 + 16, memoryMax: 10 + 10 + 30 + 30 });
});

Deno.test("a later process of the same number is another one", () => {
  const family = new Family();
  family.add([times(1, 0, 1), times(2, 1, 5)], [1], noMemory);
  family.add([times(1, 0, 2), { ...times(2, 0, 100), start: "2" }], [1], noMemory);
  strictEqual(family.taken().processorSeconds, 2 + 5);
});

Deno.test("what a child took after it was seen last, or was never seen, is what its parent waited for", () => {
  const family = new Family();
  family.add([times(1, 0, 1), times(2, 1, 4, 3)], [1], noMemory);
  family.add([times(1, 0, 2, 10)], [1], noMemory);
  strictEqual(family.taken().processorSeconds, 2 + 10);
});

Deno.test("what nobody waited for counts as it was seen last", () => {
  const family = new Family();
  family.add([times(1, 0, 1), times(2, 1, 4, 3)], [1], noMemory);
  family.add([times(1, 0, 2)], [1], noMemory);
  strictEqual(family.taken().processorSeconds, 2 + 4 + 3);
});

Deno.test("on another system nothing is told", () => {
  deepStrictEqual(new FamilyWatch(() => []).end(), { processorSeconds: undefined, memoryMax: undefined });
});
