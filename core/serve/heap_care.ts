import type { Clock } from "../base/clock.ts";
import { collectGarbage, giveMemoryBack } from "../base/garbage.ts";

const LOOK_MS = 1_000;
/** What may come on top of what is needed before it is looked through. */
const GARBAGE_BYTES_MIN = 16e6, GARBAGE_SHARE_MIN = 0.5;
/**
 * What was needed in the middle of a large answer is needed no more behind it: by that alone each
 * peak would let the next one be higher.
 */
const PAUSE_MS_MAX = 60_000;

/**
 * Until `signal`, collects what answers leave behind before V8 would: that gives garbage the room
 * that the machine has, and with 24 GB of it a server that needs 20 MB of heap soon takes 100.
 */
export async function keepHeapSmall(clock: Clock, signal: AbortSignal): Promise<void> {
  let neededBytes = 0, leastBytes = Infinity, collectedMs = clock.nowMs();
  for (;;) {
    await clock.sleep(LOOK_MS, signal);
    if (signal.aborted) return;
    // After a peak V8 may have collected by itself.
    neededBytes = Math.min(neededBytes, heldBytes());
    const isMuch = heldBytes() - neededBytes >= Math.max(GARBAGE_BYTES_MIN, neededBytes * GARBAGE_SHARE_MIN);
    const isOld = clock.nowMs() - collectedMs >= PAUSE_MS_MAX && heldBytes() - leastBytes >= GARBAGE_BYTES_MIN;
    if (!isMuch && !isOld) continue;
    collectGarbage();
    [neededBytes, collectedMs] = [usedBytes(), clock.nowMs()];
    leastBytes = Math.min(leastBytes, neededBytes);
    if (heldBytes() - neededBytes >= GARBAGE_BYTES_MIN) giveMemoryBack();
  }
}

function usedBytes(): number {
  const { heapUsed, external } = Deno.memoryUsage();
  return heapUsed + external;
}

/** With what V8 has of the system, and nothing is in. */
function heldBytes(): number {
  const { heapTotal, external } = Deno.memoryUsage();
  return heapTotal + external;
}
