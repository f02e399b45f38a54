/** The times of the kept events of one key, in order: whether another one is near one of them. */
export class KeptTimes {
  /** Ascending, microseconds since 1970. */
  #times: bigint[] = [];
  readonly #within: bigint;

  /** `within`: microseconds. */
  constructor(within: bigint) {
    this.#within = within;
  }

  /** Forgets them: another key follows. */
  reset(): void {
    this.#times = [];
  }

  /** False where the event repeats a kept one; else it is kept from now on. */
  keep(at: bigint): boolean {
    const next = this.#placeOf(at);
    if (this.#isNear(next - 1, at) || this.#isNear(next, at)) return false;
    this.#times.splice(next, 0, at);
    return true;
  }

  /** Notes an event that is kept whatever is near: it was in the table before. */
  note(at: bigint): void {
    this.#times.splice(this.#placeOf(at), 0, at);
  }

  /** Like `note` for very many, in any order. */
  noteAll(times: Iterable<bigint>): void {
    this.#times = BigInt64Array.from([...this.#times, ...times]).sort().values().toArray();
  }

  #isNear(index: number, at: bigint): boolean {
    const kept = this.#times[index];
    if (kept === undefined) return false;
    const apart = kept < at ? at - kept : kept - at;
    return apart <= this.#within;
  }

  /** Of the first that is not before it. */
  #placeOf(at: bigint): number {
    let low = 0, high = this.#times.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#times[middle]! < at) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
