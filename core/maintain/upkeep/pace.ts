/** An idle day must not be saved up for an hour of upkeep. */
const CREDIT_MS_MAX = 10_000;

/**
 * Lets upkeep begin while it has taken less than its share, and wait after a piece that took more
 * until that has been made up for.
 */
export class UpkeepPace {
  #creditMs = 0;
  #lastMs: number;
  /** The last piece: how long it took, and when it had ended. */
  #spentMs = 0;
  #endMs = -Infinity;
  readonly #share: number;

  /** `share`: of the time, from 0 to 1. */
  constructor(share: number, nowMs: number) {
    this.#share = share;
    this.#lastMs = nowMs;
  }

  mayStart(nowMs: number): boolean {
    this.#creditMs = Math.min(CREDIT_MS_MAX, this.#creditMs + this.#share * Math.max(0, nowMs - this.#lastMs));
    this.#lastMs = nowMs;
    return this.#creditMs >= 0;
  }

  /** When it may start, by what was seen and spent last. */
  startMs(): number {
    return this.#lastMs + Math.max(0, -this.#creditMs) / this.#share;
  }

  /** Where much waits it may take half of the time. A clock that was set back does not stop it. */
  mayHurry(nowMs: number): boolean {
    return nowMs < this.#endMs || nowMs - this.#endMs >= this.#spentMs;
  }

  /** Owed is the last piece at most: what was done in a hurry must not stop all that follows. */
  spent(ms: number, nowMs: number): void {
    this.#creditMs = Math.min(this.#creditMs, Math.max(-ms, this.#creditMs - ms));
    this.#spentMs = ms;
    this.#endMs = nowMs;
  }
}
