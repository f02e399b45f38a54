import type { Clock } from "../base/clock.ts";
import { collectGarbage } from "../base/garbage.ts";

const LOOK_MS = 5_000;
/** What may come on top of what is needed before it is looked through. */
const GARBAGE_BYTES_MIN = 24e6, GARBAGE_SHARE_MIN = 0.5;

/**
 * Until `signal`, collects what answers leave behind before V8 would: that gives garbage the room
 * that the machine has, and with 24 GB of it a server that needs 20 MB of heap soon takes 100.
 */
export async function keepHeapSmall(clock: Clock, signal: AbortSignal): Promise<void> {
  let neededBytes = 0;
  for (;;) {
    await clock.sleep(LOOK_MS, signal);
    if (signal.aborted) return;
    // After a peak V8 may have collected by itself.
    neededBytes = Math.min(neededBytes, heapBytes());
    const garbageBytes = heapBytes() - neededBytes;
    if (garbageBytes < Math.max(GARBAGE_BYTES_MIN, neededBytes * GARBAGE_SHARE_MIN)) continue;
    collectGarbage();
    neededBytes = heapBytes();
  }
}

function heapBytes(): number {
  const { heapTotal, external } = Deno.memoryUsage();
  return heapTotal + external;
}
