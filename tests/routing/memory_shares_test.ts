import { deepStrictEqual, ok, strictEqual, throws } from "node:assert/strict";
import { isKind } from "../../core/base/errors.ts";
import { besideProgram, shareMemory } from "../../core/routing/memory_shares.ts";

const SIZES = { "300MB": 300e6, "400MB": 400e6, "500MB": 500e6, "1GB": 1e9, "1.5GiB": 1.5 * 2 ** 30, "8GB": 8e9 };

Deno.test("the program, the threads and DuckDB together take what was given", () => {
  for (const [memory, given] of Object.entries(SIZES)) {
    for (const threads of [1, 2, 8, 64]) {
      const shares = shareMemory(memory, threads);
      const database = Number(shares.database.slice(0, -1));
      ok(shares.threads >= 1 && shares.threads <= threads, `${memory}, ${threads}: ${JSON.stringify(shares)}`);
      ok(database >= 96e6, `${memory}, ${threads}: ${JSON.stringify(shares)}`);
      // What a thread holds goes with its largest buffers.
      const threadBytes = 35e6 + 165e6 * shares.limits.groupBytes / (24 << 20);
      const sum = 130e6 + shares.threads * threadBytes + database;
      ok(sum < given * 1.001, `${memory}, ${threads}: ${sum}`);
      const { withKeys: { database: rest, keyBytes } } = shares;
      ok(Number(rest.slice(0, -1)) >= 96e6 && keyBytes >= 0, `${memory}, ${threads}: ${JSON.stringify(shares)}`);
      ok(Number(rest.slice(0, -1)) + keyBytes <= database, `${memory}, ${threads}: ${JSON.stringify(shares)}`);
    }
  }
});

Deno.test("by default two threads have full buffers; with less memory the buffers are smaller, then the threads fewer", () => {
  const full = shareMemory("1GB", 2);
  deepStrictEqual([full.threads, full.limits.partBytes], [2, 8 << 20]);
  const tight = shareMemory("400MB", 2);
  ok(tight.threads === 2 && tight.limits.partBytes < full.limits.partBytes, JSON.stringify(tight));
  deepStrictEqual(shareMemory("300MB", 8).threads, 1);
  ok(shareMemory("1GB", 64).threads < 64);
  deepStrictEqual(shareMemory("16GB", 64).threads, 64);
});

Deno.test("a run in a program that is there anyway has what was given besides it, and at least what it needs", () => {
  strictEqual(besideProgram("1GB"), "1130000000B");
  deepStrictEqual([1, 256e6].map((bytes) => shareMemory(besideProgram(`${bytes}B`), 1).threads), [1, 1]);
});

Deno.test("memory that is too small for one thread is refused with what is needed", () => {
  throws(() => shareMemory("100MB", 2), (error) => {
    return isKind(error, "usage") && /100 MB.*take 294 MB/.test(String(error)) &&
      /--memory 294MB/.test(String((error as { hint?: string }).hint));
  });
});
