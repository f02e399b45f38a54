import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { isKind } from "../../core/base/errors.ts";
import type { Store } from "../../core/storage/store.ts";
import { type Hook, SimulatedDisk } from "../support/simulated_disk.ts";
import { faultsBySeed, stopAt, unavailable } from "../support/simulated_faults.ts";
import { Crash } from "../support/simulated_store.ts";
import { runConformance } from "./conformance.ts";
import { bytes, pathsOf, text } from "./conformance_case.ts";

const isUnavailable = (error: unknown) => isKind(error, "unavailable");

Deno.test("the simulated store keeps the contract of a store", async (t) => {
  await runConformance(t, () => Promise.resolve(new SimulatedDisk().connect()));
});

Deno.test("the simulated store keeps the contract when operations take time and overtake each other", async (t) => {
  let seed = 0;
  await runConformance(
    t,
    () => Promise.resolve(new SimulatedDisk({ seed: seed++, latencyMsMax: 50, pageSize: 2 }).connect()),
  );
});

/** A program of three steps; what it leaves tells how far it came. */
async function program(store: Store): Promise<void> {
  await store.write("a", bytes("1"));
  await store.create("b", bytes("2"));
  await store.deletePaths(["a"]);
}

Deno.test("a program can be stopped before and after each of its operations", async () => {
  const left: string[] = [];
  for (let index = 0; index < 3; index++) {
    for (const phase of ["before", "after"] as const) {
      const disk = new SimulatedDisk({ hook: stopAt(index, phase) });
      await rejects(() => program(disk.connect()), Crash);
      left.push([...disk.files().keys()].join());
    }
  }
  deepStrictEqual(left, ["", "a", "a", "a,b", "a,b", "b"]);
});

Deno.test("a program that catches the crash gets no further", async () => {
  const disk = new SimulatedDisk({ hook: stopAt(0, "before") });
  const store = disk.connect();
  await store.write("x", bytes("1")).catch(() => undefined);
  await rejects(() => store.write("y", bytes("1")), Crash);
  await rejects(() => pathsOf(store, ""), Crash);
  await rejects(() => store.clock.sleep(1), Crash);
  deepStrictEqual([...disk.files()], []);
  await disk.connect().write("z", bytes("1"));
  deepStrictEqual([...disk.files().keys()], ["z"]);
});

Deno.test("a power cut forgets what was not synced and stops every process", async () => {
  const disk = new SimulatedDisk();
  const careful = disk.connect(), lax = disk.connect({ durable: false });
  await careful.write("kept", bytes("old"));
  await lax.write("kept", bytes("new"));
  await lax.write("lost", bytes("1"));
  await careful.write("synced", bytes("1"));
  await lax.write("lucky", bytes("1"));
  await lax.deletePaths(["synced"]);
  strictEqual(text(await careful.read("kept")), "new");
  disk.powerCut((path) => path === "lucky");
  await rejects(() => careful.read("kept"), Crash);
  deepStrictEqual([...disk.files()].map(([path, content]) => `${path}=${text(content)}`), [
    "kept=old",
    "lucky=1",
    "synced=1",
  ]);
});

Deno.test("an error comes before the operation has happened, or after", async () => {
  const failing = (phase: string): Hook => (operation, now) =>
    now === phase && operation.name === "create" ? { do: "fail", error: unavailable(operation) } : undefined;
  for (const phase of ["before", "after"]) {
    const disk = new SimulatedDisk({ hook: failing(phase) });
    await rejects(() => disk.connect().create("v1", bytes("x")), isUnavailable);
    strictEqual(disk.files().has("v1"), phase === "after");
  }
});

Deno.test("a change that timed out may happen later, even when its process is dead", async () => {
  const disk = new SimulatedDisk({
    hook: ({ index }, phase) => index === 0 && phase === "before" ? { do: "late", ms: 500 } : undefined,
  });
  const slow = disk.connect();
  await rejects(() => slow.write("hint", bytes("old")), isUnavailable);
  slow.kill();
  const next = disk.connect();
  await next.write("hint", bytes("new"));
  strictEqual(text(await next.read("hint")), "new");
  await next.clock.sleep(1000);
  strictEqual(text(await next.read("hint")), "old");
});

Deno.test("a create that is delivered twice at once looks lost to the one who won", async () => {
  const disk = new SimulatedDisk({
    hook: (_operation, phase) => phase === "before" ? { do: "twice", ms: 0 } : undefined,
  });
  strictEqual(await disk.connect().create("v1", bytes("mine")), false);
  strictEqual(text(disk.files().get("v1")!), "mine");
});

Deno.test("a paused process sleeps through what the others do", async () => {
  const disk = new SimulatedDisk({
    hook: ({ index }, phase) => index === 0 && phase === "before" ? { do: "pause" } : undefined,
  });
  const zombie = disk.connect(), successor = disk.connect();
  const woken = zombie.create("v1", bytes("zombie"));
  strictEqual(await successor.create("v1", bytes("successor")), true);
  zombie.resume();
  strictEqual(await woken, false);
});

Deno.test("listings are late only where that was asked for", async () => {
  const disk = new SimulatedDisk({ listLagMs: 100 });
  const store = disk.connect();
  await store.write("x", bytes("1"));
  deepStrictEqual(await pathsOf(store, ""), []);
  strictEqual(text(await store.read("x")), "1");
  await store.clock.sleep(100);
  deepStrictEqual(await pathsOf(store, ""), ["x"]);
});

Deno.test("the clocks of processes stand apart, and sleeping moves all of them", async () => {
  const disk = new SimulatedDisk();
  const early = disk.connect({ clockSkewMs: -60_000 }), late = disk.connect({ clockSkewMs: 60_000 });
  const before = early.clock.nowMs();
  strictEqual(late.clock.nowMs() - before, 120_000);
  await late.clock.sleep(3_600_000);
  strictEqual(early.clock.nowMs() - before, 3_600_000);
  await late.clock.sleep(1000, AbortSignal.abort());
  strictEqual(early.clock.nowMs() - before, 3_600_000);
});

Deno.test("the probe refuses a store that ignores the condition", async () => {
  const disk = new SimulatedDisk({ ignoresConditions: true });
  await rejects(() => disk.connect().probe("checkpoints"), isUnavailable);
  deepStrictEqual([...disk.files()], []);
});

Deno.test("a fork goes its own way", async () => {
  const disk = new SimulatedDisk();
  await disk.connect().write("x", bytes("1"));
  const fork = disk.fork({ hook: stopAt(1, "before") });
  const store = fork.connect();
  await store.write("x", bytes("2"));
  await rejects(() => store.write("y", bytes("1")), Crash);
  strictEqual(text(disk.files().get("x")!), "1");
  strictEqual(text(fork.files().get("x")!), "2");
});

/**
 * Three processes race for ten names with faults all around; the log and the files tell the whole
 * run.
 */
async function race(seed: number): Promise<string> {
  const disk = new SimulatedDisk({ seed, latencyMsMax: 20 });
  disk.hook = faultsBySeed(seed, { crash: 0.02, fail: 0.05, late: 0.05, twice: 0.1, delay: 0.1 });
  const run = async (name: string) => {
    const store = disk.connect({ process: name });
    for (let i = 0; i < 10; i++) {
      await store.create(`v${i}`, bytes(name)).catch((error) => {
        if (!isUnavailable(error)) throw error;
      });
      await store.clock.sleep(store.random.next() * 20);
    }
  };
  await Promise.allSettled(["a", "b", "c"].map(run));
  await disk.connect().clock.sleep(20_000);
  const log = disk.log.map(({ process, name, path }) => `${process} ${name} ${path}`);
  return [...log, ...[...disk.files()].map(([path, content]) => `${path}=${text(content)}`)].join("\n");
}

Deno.test("the same seed gives the same run, another seed another one", async () => {
  const runs = new Set<string>();
  for (let seed = 0; seed < 20; seed++) {
    const run = await race(seed);
    strictEqual(await race(seed), run, `seed ${seed}`);
    runs.add(run);
  }
  strictEqual(runs.size, 20);
});
