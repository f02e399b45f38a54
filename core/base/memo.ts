/** Longer keys would take too much memory. */
const KEY_LENGTH_MAX = 1_000_000;

/** What was made of the last texts, where making it takes long and texts come again. */
export class Memo<Value> {
  readonly #values = new Map<string, Value>();
  readonly #max: number;

  /** Keeps the values of so many texts, the ones made last. */
  constructor(max: number) {
    this.#max = max;
  }

  /** `make` tells it from the key alone; its value is shared, and must not be changed. */
  get(key: string, make: () => Value): Value {
    const known = this.#values.get(key);
    if (known !== undefined) return known;
    const value = make();
    if (key.length > KEY_LENGTH_MAX) return value;
    if (this.#values.size >= this.#max) this.#values.delete(this.#values.keys().next().value!);
    this.#values.set(key, value);
    return value;
  }
}
