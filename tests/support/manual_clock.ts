import type { Clock } from "../../core/base/clock.ts";

/**
 * A clock that moves only when told to, or when somebody sleeps: a sleep is over at once and moves
 * it on.
 */
export class ManualClock implements Clock {
  #nowMs: number;
  /** Every sleep asked for, in milliseconds. */
  readonly sleeps: number[] = [];

  constructor(nowMs = Date.UTC(2026, 2, 1)) {
    this.#nowMs = nowMs;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  advance(ms: number): void {
    this.#nowMs += ms;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (!signal?.aborted) {
      this.sleeps.push(ms);
      this.#nowMs += ms;
    }
    return Promise.resolve();
  }
}
