import { strictEqual } from "node:assert/strict";
import { type Clock, systemClock } from "../../core/base/clock.ts";
import { lockUnlessHeld } from "../../core/disk/patient_lock.ts";
import { inFolder } from "../support/own_folder.ts";

/** The first time is over at once: nothing can have been done in it. */
function hastyClock(): Clock {
  let sleeps = 0;
  const sleep: Clock["sleep"] = (ms, signal) => sleeps++ === 0 ? Promise.resolve() : systemClock.sleep(ms, signal);
  return { ...systemClock, sleep };
}

async function withLockFile(action: (open: () => Deno.FsFile) => Promise<void>): Promise<void> {
  await inFolder(async (folder) => {
    await action(() => Deno.openSync(`${folder}/lock`, { create: true, read: true, write: true }));
  });
}

Deno.test({
  name: "a free lock is had without tryLock too, however late the call that takes it",
  ignore: Deno.build.os !== "linux",
  fn: () =>
    withLockFile(async (open) => {
      using file = open();
      strictEqual(await lockUnlessHeld(file, hastyClock()), true);
    }),
});

Deno.test("a lock that another has is not waited for", () =>
  withLockFile(async (open) => {
    using holder = open();
    holder.lockSync(true);
    using file = open();
    strictEqual(await lockUnlessHeld(file, systemClock), false);
    holder.unlockSync();
  }));
