import type { Clock } from "../base/clock.ts";
import { StreamlabError } from "../base/errors.ts";
import { type KernelLock, type LockWait, takeKernelLock, waitForKernelLock } from "../disk/kernel_lock.ts";
import { identifierText, type TableIdentifier } from "../iceberg/catalog/catalog.ts";
import { consumerLockPath } from "../lake/layout.ts";
import type { RawZone } from "../lake/raw_zone.ts";
import { checkTargetName } from "../lake/table_names.ts";
import type { Store } from "../storage/store.ts";
import { OwnFiles } from "./own_files.ts";

export interface TargetLockOptions {
  sink: Store;
  zone: RawZone;
  target: TableIdentifier;
  /** Says who holds the lock, for people: process, machine, time. */
  holder: string;
  clock: Clock;
}

/**
 * Refuses a table that is streamlab's own, and event files that are the lake's own, before anything
 * is made.
 */
export function checkTarget({ sink, zone, target }: Pick<TargetLockOptions, "sink" | "zone" | "target">): void {
  checkTargetName(target);
  new OwnFiles(zone, sink).checkZone();
}

/**
 * The lock of the one consumer of a target on this machine; undefined where the sink is no folder
 * of this disk: there two are safe. Fails with `conflict` when another process has it.
 */
export async function lockTarget(options: TargetLockOptions): Promise<KernelLock | undefined> {
  const { target, holder, clock } = options;
  const path = lockPath(options);
  if (path === undefined) return undefined;
  const lock = await takeKernelLock(path, holder, clock);
  if (!("heldBy" in lock)) return lock;
  const name = identifierText(target);
  throw new StreamlabError("conflict", `Cannot consume into ${name}: another consumer is running (${lock.heldBy})`, {
    hint: "Stop it, or let it work: it takes every new file; --wait takes over when it ends",
  });
}

export interface AwaitedLock {
  lock: KernelLock | undefined;
  /** Another consumer was running until now, and may have changed what is remembered. */
  waited: boolean;
}

/** Waits until no other process has it; undefined where `wait.signal` was aborted before. */
export async function waitForTarget(options: TargetLockOptions, wait: LockWait): Promise<AwaitedLock | undefined> {
  checkTarget(options);
  const path = lockPath(options);
  if (path === undefined) return { lock: undefined, waited: false };
  let waited = false;
  const onHeld = (heldBy: string) => {
    waited = true;
    wait.onHeld(heldBy);
  };
  const lock = await waitForKernelLock(path, options.holder, options.clock, { ...wait, onHeld });
  return lock && { lock, waited };
}

function lockPath({ sink, target }: TargetLockOptions): string | undefined {
  return sink.localPath(consumerLockPath(identifierText(target)));
}
