/** Of all keys together: what is made of long texts is large, too. */
const KEY_LETTERS_MAX = 1_000_000;

/** What was made of the last texts, where making it takes long and texts come again. */
export class Memo<Value> {
  readonly #values = new Map<string, Value>();
  readonly #max: number;
  #letters = 0;

  /** Keeps the values of so many texts, the ones made last. */
  constructor(max: number) {
    this.#max = max;
  }

  /** `make` tells it from the key alone; its value is shared, and must not be changed. */
  get(key: string, make: () => Value): Value {
    const known = this.#values.get(key);
    if (known !== undefined) return known;
    const value = make();
    if (key.length > KEY_LETTERS_MAX) return value;
    this.#values.set(key, value);
    this.#letters += key.length;
    for (const oldest of this.#values.keys()) {
      if (this.#values.size <= this.#max && this.#letters <= KEY_LETTERS_MAX) break;
      this.#values.delete(oldest);
      this.#letters -= oldest.length;
    }
    return value;
  }
}
