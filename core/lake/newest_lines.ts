/** Which records of a table: the newest `count` of those from one to another, both included. */
export interface HistoryChoice {
  count: number;
  /** In their kind's order: numbers of batches, or milliseconds since 1970. */
  from?: number;
  to?: number;
}

/** The first and the last of a table in a file, in that order. */
export interface OrderRange {
  first: number;
  last: number;
}

/** The newest lines of one table, of records as they come; none but these is parsed. */
export class NewestLines {
  readonly table: string;
  readonly #mark: string;
  readonly #choice: Required<HistoryChoice>;
  readonly #orderOf: (line: string) => number;
  #found: { order: number; line: string }[] = [];
  /** Those lines: a record may be there many times, each time in the same words. */
  readonly #known = new Set<string>();

  constructor(table: string, choice: HistoryChoice, orderOf: (line: string) => number) {
    this.table = table;
    // Within a text of JSON the quotes would have backslashes before them.
    this.#mark = `"table":${JSON.stringify(table)}`;
    this.#choice = { from: -Infinity, to: Infinity, ...choice };
    this.#orderOf = orderOf;
  }

  /** Widens `range` to what the lines hold of the table, wanted or not. */
  add(lines: readonly string[], range: OrderRange): void {
    const { from, to } = this.#choice;
    for (const line of lines) {
      if (!line.includes(this.#mark)) continue;
      const order = this.#orderOf(line);
      range.first = Math.min(range.first, order);
      range.last = Math.max(range.last, order);
      if (order < from || order > to || this.#known.has(line)) continue;
      this.#known.add(line);
      this.#found.push({ order, line });
    }
    if (this.#found.length > 4 * this.#choice.count) this.#shorten();
  }

  /** Whether as many are found as are asked for. */
  isEnough(): boolean {
    return new Set(this.#found.map(({ order }) => order)).size >= this.#choice.count;
  }

  overlaps({ first, last }: OrderRange): boolean {
    return first <= this.#choice.to && last >= this.#choice.from;
  }

  /** Whether all that is older than a file of that range is older than what is asked for. */
  isBehind({ first, last }: OrderRange): boolean {
    return first <= last && last < this.#choice.from;
  }

  /** The newest first. */
  lines(): string[] {
    this.#shorten();
    return this.#found.map(({ line }) => line);
  }

  /** Keeps twice as many as are asked for: two records may have one place in the order. */
  #shorten(): void {
    const dropped = this.#found.sort((a, b) => b.order - a.order).splice(2 * this.#choice.count);
    for (const { line } of dropped) this.#known.delete(line);
  }
}
