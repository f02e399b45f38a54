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

/** A step that is over. */
export interface StepTime {
  step: string;
  /** Milliseconds since 1970. */
  startMs: number;
  endMs: number;
  hasFailed: boolean;
}

/** Counts and times the work of a job. Progress on a terminal and `--json` read it. */
export class Meter {
  readonly #clock: Clock;
  #sinceMs: number;
  readonly #counts = new Map<string, number>();
  readonly #timesMs = new Map<string, number>();
  readonly #underWay: string[] = [];
  #reader: ((meter: Meter) => void) | undefined;
  #listener: ((time: StepTime) => void) | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#sinceMs = clock.nowMs();
  }

  count(what: string, amount = 1): void {
    this.countAll({ [what]: amount });
  }

  /** What belongs together is never read in part. */
  countAll(amounts: Readonly<Record<string, number>>): void {
    for (const [what, amount] of Object.entries(amounts)) {
      this.#counts.set(what, (this.#counts.get(what) ?? 0) + amount);
    }
    this.#reader?.(this);
  }

  /** Adds the time of the work to the step's time, also if it fails. */
  async time<T>(step: string, work: () => Promise<T>): Promise<T> {
    const startMs = this.#clock.nowMs();
    this.#underWay.push(step);
    this.#reader?.(this);
    let hasFailed = true;
    try {
      const result = await work();
      hasFailed = false;
      return result;
    } finally {
      const endMs = this.#clock.nowMs();
      this.#underWay.splice(this.#underWay.lastIndexOf(step), 1);
      this.#timesMs.set(step, (this.#timesMs.get(step) ?? 0) + endMs - startMs);
      this.#listener?.({ step, startMs, endMs, hasFailed });
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

  /** Tells this function of every step that is over, instead of the one before. */
  onStep(listener: (time: StepTime) => void): void {
    this.#listener = listener;
  }

  /** Calls this function at every change, instead of the one before; it must be cheap. */
  watch(reader: (meter: Meter) => void): void {
    this.#reader = reader;
  }
}
