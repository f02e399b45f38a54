import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { shareMemory } from "../../../core/routing/memory_shares.ts";
import { IdleThreads, ReaderPool } from "../../../core/routing/reader/reader_pool.ts";

function survey(pool: ReaderPool, bytes: number): Promise<unknown[]> {
  const { limits } = shareMemory("1GB", 1);
  return pool.run({ kind: "survey", units: [], limits, folder: "", next: new SharedArrayBuffer(4) }, bytes);
}

/** How many workers have been started since it was made. */
class CountedStarts {
  readonly #worker = globalThis.Worker;
  count = 0;

  constructor() {
    const note = () => this.count++;
    globalThis.Worker = class extends Worker {
      constructor(...args: ConstructorParameters<typeof Worker>) {
        super(...args);
        note();
      }
    };
  }

  [Symbol.dispose](): void {
    globalThis.Worker = this.#worker;
  }
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

Deno.test("threads that a pool leaves behind are the next one's, but for those that are at work", async () => {
  using starts = new CountedStarts();
  const idleThreads = new IdleThreads();
  const open = () => new ReaderPool({ threads: 2, bytesPerThread: 1, idleThreads });
  try {
    for (const _ of [1, 2]) {
      const pool = open();
      deepStrictEqual([(await survey(pool, 2)).length, starts.count], [2, 2]);
      pool.close();
    }
    const interrupted = open();
    void survey(interrupted, 2);
    interrupted.close();
    const last = open();
    deepStrictEqual([(await survey(last, 2)).length, starts.count], [2, 4]);
    last.close();
  } finally {
    idleThreads.close();
  }
});

Deno.test("what is not worth a thread is read without one, until there is one", async () => {
  using starts = new CountedStarts();
  const pool = new ReaderPool({ threads: 2 });
  try {
    pool.prepare(4_000);
    deepStrictEqual([(await survey(pool, 4_000)).length, starts.count], [1, 0]);
    deepStrictEqual([(await survey(pool, 1_000_000)).length, starts.count], [1, 1]);
    deepStrictEqual([(await survey(pool, 4_000)).length, starts.count], [1, 1]);
  } finally {
    pool.close();
  }
});
