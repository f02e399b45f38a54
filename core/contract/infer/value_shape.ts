import { type EpochFormat, epochFormatOf } from "./epoch_time.ts";
import { type DateTimeSpelling, spellingOf } from "./text_format.ts";

/** A parsed JSON value. */
export type JsonValue = null | boolean | number | string | JsonValue[] | { [key: string]: JsonValue };

/** Distinct texts that are remembered: more are no enumeration. */
const TEXTS_MAX = 10;
/** From so many keys on, an object may be a map, and its values are looked at together. */
const MAP_KEYS_MIN = 20;
/** Deeper values are kept as they are. */
export const DEPTH_MAX = 8;
/** Longer texts are no words of an enumeration. */
const WORD_LENGTH_MAX = 40;

/** What the values at one place of many records are like. */
export class ValueShape {
  readonly depth: number;
  count = 0;
  nulls = 0;
  booleans = 0;
  /** Whole numbers that fit 64 bits, those of up to 38 digits, and all other numbers. */
  integers = 0;
  wides = 0;
  numbers = 0;
  strings = 0;
  objects = 0;
  arrays = 0;
  /** How many texts are of each format. */
  readonly formats = new Map<DateTimeSpelling, number>();
  /** How many numbers would be times of our days, by unit. */
  readonly epochs = new Map<EpochFormat, number>();
  /** Undefined where there are too many. */
  texts: Set<string> | undefined = new Set();
  readonly fields = new Map<string, ValueShape>();
  #values: ValueShape | undefined;
  #elements: ValueShape | undefined;

  constructor(depth = 0) {
    this.depth = depth;
  }

  /** Of all the values of an object with many keys. */
  get values(): ValueShape | undefined {
    return this.#values;
  }

  /** Of the elements of lists. */
  get elements(): ValueShape | undefined {
    return this.#elements;
  }

  add(value: JsonValue): void {
    this.count++;
    if (value === null) this.nulls++;
    else if (typeof value === "boolean") this.booleans++;
    else if (typeof value === "string") this.#addText(value);
    else if (typeof value === "number") this.#addNumber(value);
    else if (Array.isArray(value)) this.#addArray(value);
    else this.#addObject(value);
  }

  #addNumber(value: number): void {
    if (!Number.isInteger(value) || Math.abs(value) >= 1e38) this.numbers++;
    else if (Math.abs(value) < 2 ** 63) this.integers++;
    else this.wides++;
    const format = epochFormatOf(value);
    if (format !== undefined) this.epochs.set(format, (this.epochs.get(format) ?? 0) + 1);
  }

  #addText(text: string): void {
    this.strings++;
    const format = spellingOf(text);
    if (format !== undefined) this.formats.set(format, (this.formats.get(format) ?? 0) + 1);
    if (this.texts === undefined) return;
    if (text.length > WORD_LENGTH_MAX) this.texts = undefined;
    else if (this.texts.add(text).size > TEXTS_MAX) this.texts = undefined;
  }

  #addArray(elements: readonly JsonValue[]): void {
    this.arrays++;
    if (this.depth >= DEPTH_MAX) return;
    this.#elements ??= new ValueShape(this.depth + 1);
    for (const element of elements) this.#elements.add(element);
  }

  #addObject(object: { [key: string]: JsonValue }): void {
    this.objects++;
    if (this.depth >= DEPTH_MAX) return;
    for (const [key, value] of Object.entries(object)) {
      const field = this.fields.get(key) ?? new ValueShape(this.depth + 1);
      this.fields.set(key, field);
      field.add(value);
      if (this.fields.size < MAP_KEYS_MIN) continue;
      this.#values ??= new ValueShape(this.depth + 1);
      this.#values.add(value);
    }
  }
}
