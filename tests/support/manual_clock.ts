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

/** A clock that moves only when told to, and wakes those whose time has come. */
export class SteppedClock implements Clock {
  #nowMs = Date.UTC(2026, 2, 1);
  #sleepers: { dueMs: number; wake: () => void }[] = [];
  #watchers: (() => void)[] = [];

  nowMs(): number {
    return this.#nowMs;
  }

  advance(ms: number): void {
    this.#nowMs += ms;
    for (const { wake } of this.#sleepers.filter(({ dueMs }) => dueMs <= this.#nowMs)) wake();
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (ms <= 0 || signal?.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = () => {
        signal?.removeEventListener("abort", wake);
        this.#sleepers = this.#sleepers.filter((each) => each !== sleeper);
        resolve();
      };
      const sleeper = { dueMs: this.#nowMs + ms, wake };
      this.#sleepers.push(sleeper);
      signal?.addEventListener("abort", wake);
      for (const look of this.#watchers.splice(0)) look();
    });
  }

  /** Resolves when somebody sleeps who is to be woken in `ms` milliseconds. */
  async sleeper(ms: number): Promise<void> {
    while (!this.#sleepers.some(({ dueMs }) => dueMs === this.#nowMs + ms)) {
      await new Promise<void>((resolve) => this.#watchers.push(resolve));
    }
  }
}
