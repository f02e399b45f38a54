import type { Clock } from "../base/clock.ts";

/** What took longer waited for a disk, or for a server behind it. */
const QUICK_MS_MAX = 2;
/** Handed over after a slow answer, before one is tried in place again. */
const HANDED_OVER = 128;
/** Calls in place, at most, before everything else that is ready has its turn. */
const CALLS_PER_TURN = 256;

/**
 * Small calls to a file system: handing one over to another thread takes five to ten times as long
 * as its answer from memory. So they are made in place, as long as the answers are that quick; a
 * slow disk is asked for many things at once, and keeps nobody from hearing a signal. How long a
 * call took that was handed over says nothing: it waits for this thread, too.
 */
export class QuickCalls {
  /** The first of all tells nothing yet. */
  #handedOverNext = 1;
  #count = 0;
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Both must do the same; where the first fails, the second is asked, and says why. */
  async run<T>(inPlace: () => T, handedOver: () => Promise<T>): Promise<T> {
    if (this.#handedOverNext > 0) this.#handedOverNext--;
    else if (++this.#count % CALLS_PER_TURN !== 0) {
      const startMs = this.#clock.nowMs();
      try {
        return inPlace();
      } catch {
        // The other way has the message.
      } finally {
        if (this.#clock.nowMs() - startMs > QUICK_MS_MAX) this.#handedOverNext = HANDED_OVER;
      }
    }
    return await handedOver();
  }
}
