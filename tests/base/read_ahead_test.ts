import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { readAhead } from "../../core/base/read_ahead.ts";

const turns = async (count: number) => {
  for (let turn = 0; turn < count; turn++) await Promise.resolve();
};

async function* numbers(count: number, note: (read: number) => void, error?: Error): AsyncGenerator<number> {
  try {
    for (let number = 0; number < count; number++) {
      note(number);
      yield await Promise.resolve(number);
    }
    if (error !== undefined) throw error;
  } finally {
    note(-1);
  }
}

Deno.test("items are read before they are asked for, and come in their order", async () => {
  let last = 0;
  const ahead = readAhead(numbers(100, (read) => last = read), 1_000);
  await turns(1_000);
  strictEqual(last, -1);
  deepStrictEqual(await Array.fromAsync(ahead), Array.from({ length: 100 }, (_, index) => index));
});

Deno.test("no more than the limit waits", async () => {
  let last = 0;
  const ahead = readAhead(numbers(100, (read) => last = read), 10);
  await turns(1_000);
  strictEqual(last, 9);
  deepStrictEqual((await Array.fromAsync(ahead)).length, 100);
});

Deno.test("a failure comes after the items that were read, and to nobody else", async () => {
  const ahead = readAhead(numbers(3, () => {}, new Error("broken")), 10);
  await turns(100);
  const seen: number[] = [];
  await rejects(async () => {
    for await (const number of ahead) seen.push(number);
  }, /broken/);
  deepStrictEqual(seen, [0, 1, 2]);
});

Deno.test("the source is left when the walk is", async () => {
  let last = 0;
  for await (const _first of readAhead(numbers(100, (read) => last = read), 10)) break;
  await turns(100);
  strictEqual(last, -1);
});
