import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import { systemClock } from "../../core/base/clock.ts";
import { type KernelLock, takeKernelLock, waitForKernelLock } from "../../core/disk/kernel_lock.ts";
import { inFolder } from "../support/own_folder.ts";

async function taken(path: string, holder: string): Promise<KernelLock> {
  const lock = await takeKernelLock(path, holder, systemClock);
  ok("release" in lock);
  return lock;
}

/** Waits, and tells of each holder as it is met. */
function waiting(path: string, signal: AbortSignal) {
  const told: string[] = [];
  let met = Promise.withResolvers<void>();
  const onHeld = (heldBy: string) => {
    told.push(heldBy);
    met.resolve();
  };
  const lock = waitForKernelLock(path, "the waiter", systemClock, { signal, onHeld });
  return {
    told,
    lock,
    async meets(): Promise<void> {
      await met.promise;
      met = Promise.withResolvers();
    },
  };
}

Deno.test("a lock that is waited for is had when it is free, and says who has it", () =>
  inFolder(async (folder) => {
    const path = `${folder}/lock`;
    const first = await taken(path, "the first");
    const waiter = waiting(path, new AbortController().signal);
    await waiter.meets();
    first.release();
    const lock = await waiter.lock;
    deepStrictEqual(waiter.told, ["the first"]);
    deepStrictEqual(await takeKernelLock(path, "a third", systemClock), { heldBy: "the waiter" });
    lock!.release();
    lock!.release();
  }));

Deno.test("the lock of a file that was removed meanwhile is worth nothing: the one at its path is waited for", () =>
  inFolder(async (folder) => {
    const path = `${folder}/lock`;
    const first = await taken(path, "the first");
    const waiter = waiting(path, new AbortController().signal);
    await waiter.meets();
    Deno.removeSync(path);
    const second = await taken(path, "the second");
    first.release();
    await waiter.meets();
    second.release();
    (await waiter.lock)!.release();
    deepStrictEqual(waiter.told, ["the first", "the second"]);
  }));

Deno.test("whoever takes a lock has the file at its path, not one that was removed meanwhile", () =>
  inFolder(async (folder) => {
    const path = `${folder}/below/lock`;
    const taking = taken(path, "the first");
    // It is open by now, and not locked yet.
    Deno.removeSync(`${folder}/below`, { recursive: true });
    const first = await taking;
    deepStrictEqual(await takeKernelLock(path, "another", systemClock), { heldBy: "the first" });
    first.release();
  }));

Deno.test("who no longer waits gets no lock, and keeps nobody waiting", () =>
  inFolder(async (folder) => {
    const path = `${folder}/lock`;
    const first = await taken(path, "the first");
    const stop = new AbortController();
    const waiter = waiting(path, stop.signal);
    await waiter.meets();
    stop.abort();
    strictEqual(await waiter.lock, undefined);
    const next = waiting(path, new AbortController().signal);
    await next.meets();
    first.release();
    (await next.lock)!.release();
    strictEqual(await waitForKernelLock(path, "late", systemClock, { signal: stop.signal, onHeld() {} }), undefined);
  }));

/** A link that leads to itself comes to stand in the place of the lock's folder. */
function misplace(folder: string): void {
  Deno.renameSync(`${folder}/locks`, `${folder}/moved`);
  Deno.symlinkSync("locks", `${folder}/locks`);
}

async function isFree(path: string): Promise<boolean> {
  using file = await Deno.open(path, { write: true });
  return await file.tryLock(true);
}

Deno.test("a lock that cannot be taken after all is let go", () =>
  inFolder(async (folder) => {
    const taking = takeKernelLock(`${folder}/locks/lock`, "me", systemClock);
    misplace(folder);
    await rejects(taking, /Cannot take the lock ".*": its symbolic links lead round in a circle/);
    ok(await isFree(`${folder}/moved/lock`));
  }));

Deno.test("a lock that was waited for, and cannot be taken after all, is let go", () =>
  inFolder(async (folder) => {
    const path = `${folder}/locks/lock`;
    const first = await taken(path, "the first");
    const waiter = waiting(path, new AbortController().signal);
    await waiter.meets();
    misplace(folder);
    first.release();
    await rejects(waiter.lock, /Cannot take the lock ".*": its symbolic links lead round in a circle/);
    ok(await isFree(`${folder}/moved/lock`));
  }));

/** A thread that starts one process after the other, until it is disposed of. */
async function startingProcesses(): Promise<Disposable> {
  const code = `self.postMessage("up"); for (;;) await new Deno.Command("true").output();`;
  const thread = new Worker(`data:text/javascript,${encodeURIComponent(code)}`, { type: "module" });
  await new Promise((resolve) => thread.onmessage = resolve);
  return { [Symbol.dispose]: () => thread.terminate() };
}

Deno.test("a lock that was let go is free at once, whatever processes are being started meanwhile", () =>
  inFolder(async (folder) => {
    using _starting = await startingProcesses();
    for (let time = 0; time < 1000; time++) (await taken(`${folder}/lock`, "me")).release();
  }));
