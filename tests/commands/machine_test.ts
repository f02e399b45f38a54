import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { machineSettings } from "../../commands/machine.ts";
import type { Context } from "../../commands/line/command.ts";

const context = { env: (name: string) => name === "TMPDIR" ? "/scratch" : undefined } as Context;

Deno.test("flags and TMPDIR say what a command may use of the machine", () => {
  deepStrictEqual(machineSettings(context, { threads: 3, memory: 1_000_000_001 }), {
    temporaryFolder: "/scratch",
    threads: 3,
    memory: "1000000001B",
  });
});

Deno.test("without flags all processors are used, and as much memory as DuckDB takes", () => {
  const { threads, memory } = machineSettings(context, {});
  strictEqual(threads, navigator.hardwareConcurrency);
  strictEqual(memory, undefined);
});

Deno.test("no thread, or next to no memory, is more than was asked for", () => {
  const { threads, memory } = machineSettings(context, { threads: 0, memory: 1 });
  deepStrictEqual([threads, memory], [1, "64000000B"]);
});
