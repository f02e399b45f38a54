import type { Clock } from "../base/clock.ts";
import { type Pace, periodMs } from "./options.ts";

/** A rate is an average: after a stall the pacer catches up, but by no more than this. */
const CATCH_UP_MS_MAX = 1_000;

/**
 * Gives files their turn. An interval is kept from start to start, and a turn that was missed
 * altogether is not made up for; a rate is kept on average. The first turn is at once.
 */
export class Pacer {
  readonly #clock: Clock;
  readonly #pace: Pace;
  readonly #periodMs: number;
  #dueMs: number | undefined;

  constructor(pace: Pace, batchSize: number, clock: Clock) {
    this.#clock = clock;
    this.#pace = pace;
    this.#periodMs = periodMs(pace, batchSize);
  }

  /** Resolves when the next file may start, or at once when `signal` is aborted. */
  async turn(signal: AbortSignal | undefined): Promise<void> {
    if (this.#periodMs === 0) return;
    const nowMs = this.#clock.nowMs();
    const dueMs = this.#due(nowMs);
    this.#dueMs = dueMs + this.#periodMs;
    if (dueMs > nowMs) await this.#clock.sleep(dueMs - nowMs, signal);
  }

  #due(nowMs: number): number {
    const dueMs = this.#dueMs ?? nowMs;
    if (this.#pace.kind === "rate") return Math.max(dueMs, nowMs - CATCH_UP_MS_MAX);
    return nowMs - dueMs < this.#periodMs ? dueMs : nowMs;
  }
}
