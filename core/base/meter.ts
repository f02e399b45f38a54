import type { Clock } from "./clock.ts";

/** What a meter has counted and timed since it was reset. */
export interface MeterReading {
  /** When that was, milliseconds since 1970. */
  sinceMs: number;
  /** `files`, `records`, …; `filesMax` is how many files there will be, where that is known. */
  counts: Readonly<Record<string, number>>;
  /** The total time of each step, in milliseconds. */
  seconds: Readonly<Record<string, number>>;
  /** The step in progress that was begun last. */
  step: string | undefined;
}

/** Counts and times the work of a job. Progress on a terminal and `--json` read it. */
export class Meter {
  readonly #clock: Clock;
  #sinceMs: number;
  readonly #counts = new Map<string, number>();
  readonly #timesMs = new Map<string, number>();
  readonly #underWay: string[] = [];
  #reader: ((meter: Meter) => void) | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#sinceMs = clock.nowMs();
  }

  count(what: string, amount = 1): void {
    this.#counts.set(what, (this.#counts.get(what) ?? 0) + amount);
    this.#reader?.(this);
  }

  /** Adds the time of the work to the step's time, also if it fails. */
  async time<T>(step: string, work: () => Promise<T>): Promise<T> {
    const startMs = this.#clock.nowMs();
    this.#underWay.push(step);
    this.#reader?.(this);
    try {
      return await work();
    } finally {
      this.#underWay.splice(this.#underWay.lastIndexOf(step), 1);
      this.#timesMs.set(step, (this.#timesMs.get(step) ?? 0) + this.#clock.nowMs() - startMs);
    }
  }

  read(): MeterReading {
    return {
      sinceMs: this.#sinceMs,
      counts: Object.fromEntries(this.#counts),
      seconds: Object.fromEntries([...this.#timesMs].map(([step, ms]) => [step, Math.round(ms) / 1_000])),
      step: this.#underWay.at(-1),
    };
  }

  /** Counts and times from zero. */
  reset(): void {
    this.#sinceMs = this.#clock.nowMs();
    this.#counts.clear();
    this.#timesMs.clear();
  }

  /** Calls this function at every change, instead of the one before; it must be cheap. */
  watch(reader: (meter: Meter) => void): void {
    this.#reader = reader;
  }
}
