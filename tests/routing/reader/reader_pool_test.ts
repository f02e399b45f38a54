import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { shareMemory } from "../../../core/routing/memory_shares.ts";
import { ReaderPool } from "../../../core/routing/reader/reader_pool.ts";

function survey(pool: ReaderPool, bytes: number): Promise<unknown[]> {
  const { limits } = shareMemory("1GB", 1);
  return pool.run({ kind: "survey", units: [], limits, folder: "", next: new SharedArrayBuffer(4) }, bytes);
}

Deno.test("a batch gets as many threads as its bytes are worth, at least one and at most all", async () => {
  const pool = new ReaderPool({ threads: 3, bytesPerThread: 100 });
  try {
    const answers = [];
    for (const bytes of [0, 100, 101, 1_000, 99]) answers.push((await survey(pool, bytes)).length);
    deepStrictEqual(answers, [1, 1, 2, 3, 1]);
  } finally {
    pool.close();
  }
});

Deno.test("few bytes are read by one thread", async () => {
  const pool = new ReaderPool({ threads: 2 });
  try {
    strictEqual((await survey(pool, 1_000_000)).length, 1);
    strictEqual((await survey(pool, 100_000_000)).length, 2);
  } finally {
    pool.close();
  }
});

Deno.test("what is not worth a thread is read without one, until there is one", async () => {
  const { Worker } = globalThis;
  let started = 0;
  globalThis.Worker = class extends Worker {
    constructor(...args: ConstructorParameters<typeof Worker>) {
      super(...args);
      started++;
    }
  };
  const pool = new ReaderPool({ threads: 2 });
  try {
    pool.prepare(4_000);
    deepStrictEqual([(await survey(pool, 4_000)).length, started], [1, 0]);
    deepStrictEqual([(await survey(pool, 1_000_000)).length, started], [1, 1]);
    deepStrictEqual([(await survey(pool, 4_000)).length, started], [1, 1]);
  } finally {
    pool.close();
    globalThis.Worker = Worker;
  }
});
