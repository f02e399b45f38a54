import { isJsonSpace } from "../base/json.ts";
import type { RandomBytes } from "./value_split.ts";

/** Where a value stands, without the white space around it. */
export interface ValuePlace {
  readonly from: number;
  readonly to: number;
}

const WINDOW_BYTES = 1 << 18;
const QUOTE = 0x22, COMMA = 0x2c, OPEN_ARRAY = 0x5b, BACKSLASH = 0x5c, CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b, CLOSE_OBJECT = 0x7d;

/** The places of the elements of a valid array, one after another, in constant memory. */
export class ElementPlaces {
  readonly #bytes: RandomBytes;
  readonly #window: Uint8Array;
  #windowAt = 0;
  #windowEnd = 0;
  #at: number;
  #isDone = false;

  /** `array`: with its brackets; what follows it does not matter. */
  constructor(bytes: RandomBytes, array: ValuePlace) {
    this.#bytes = bytes;
    this.#window = new Uint8Array(Math.min(WINDOW_BYTES, array.to - array.from));
    this.#at = array.from + 1;
  }

  /** Undefined behind the last. */
  next(): ValuePlace | undefined {
    if (this.#isDone) return undefined;
    const window = this.#window;
    let from = -1, to = -1, depth = 0, inString = false;
    for (let at = this.#at;; at++) {
      if (at >= this.#windowEnd && !this.#fill(at)) break;
      const byte = window[at - this.#windowAt]!;
      if (inString) {
        if (byte === BACKSLASH) at++;
        else if (byte === QUOTE) {
          inString = false;
          to = at + 1;
        }
        continue;
      }
      if (isJsonSpace(byte)) continue;
      if (depth === 0 && (byte === COMMA || byte === CLOSE_ARRAY)) {
        this.#at = at + 1;
        this.#isDone = byte === CLOSE_ARRAY;
        return from < 0 ? undefined : { from, to };
      }
      if (from < 0) from = at;
      to = at + 1;
      if (byte === QUOTE) inString = true;
      else if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) depth++;
      else if (byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) depth--;
    }
    // Bytes are missing that were there before: who reads the file finds that it has changed.
    this.#isDone = true;
    return undefined;
  }

  #fill(at: number): boolean {
    this.#windowAt = at;
    this.#windowEnd = at + this.#bytes.readInto(at, this.#window);
    return this.#windowEnd > at;
  }
}
