/** Lets work through up to a total weight at once, first come, first served. */
export class Gate {
  #free: number;
  readonly #waiting: { weight: number; enter: () => void }[] = [];
  readonly #capacity: number;

  constructor(capacity: number) {
    this.#capacity = capacity;

    this.#free = capacity;
  }

  /** Runs the action when there is room; one that is heavier than the whole gate runs alone. */
  async pass<T>(weight: number, action: () => Promise<T>): Promise<T> {
    const needed = Math.min(weight, this.#capacity);
    if (this.#waiting.length > 0 || needed > this.#free) {
      await new Promise<void>((enter) => this.#waiting.push({ weight: needed, enter }));
    } else this.#free -= needed;
    try {
      return await action();
    } finally {
      this.#free += needed;
      this.#admit();
    }
  }

  #admit(): void {
    for (let next = this.#waiting[0]; next !== undefined && next.weight <= this.#free; next = this.#waiting[0]) {
      this.#waiting.shift();
      this.#free -= next.weight;
      next.enter();
    }
  }
}
