/** Debt that has grown for so long is more than upkeep can pay. */
const GROWS_MS = 3_600_000;

/** Notices once when a table's debt grows and grows, and again after it has gone down. */
export class DebtWatch {
  #low: { debt: number; sinceMs: number } | undefined;
  #hasSpoken = false;

  /** True when it is time to speak. */
  observe(debt: number, nowMs: number): boolean {
    if (this.#low === undefined || debt <= this.#low.debt) {
      this.#low = { debt, sinceMs: nowMs };
      this.#hasSpoken = false;
      return false;
    }
    if (this.#hasSpoken || nowMs - this.#low.sinceMs < GROWS_MS) return false;
    return this.#hasSpoken = true;
  }
}
