import { OVERRUN, type PlacedText, type ReaderInstance } from "./reader_instance.ts";

const ROOM_BYTES_MIN = 1 << 16;
/** What is kept for the next text; a larger room is for one alone. */
const KEPT_BYTES_MAX = 1 << 20;
/** Longer texts are encoded before they get room, so that they get no more than they need. */
const MEASURED_LENGTH = 1 << 18;

/** A room in the reader's memory for one text after another. */
export class TextRoom {
  #at = 0;
  #size = 0;
  readonly #reader: ReaderInstance;
  readonly #encoder = new TextEncoder();

  constructor(reader: ReaderInstance) {
    this.#reader = reader;
  }

  /** Where so many bytes have room; what was there is lost where it must grow. */
  reserve(length: number): number {
    if (length + OVERRUN > this.#size) {
      const { calls } = this.#reader;
      this.release();
      this.#size = Math.max(ROOM_BYTES_MIN, 2 ** Math.ceil(Math.log2(length + OVERRUN)));
      this.#at = calls.alloc(this.#size);
    }
    return this.#at;
  }

  /** Puts a text there, with a zero behind it. */
  put(text: string): PlacedText {
    if (text.length > MEASURED_LENGTH) return this.#putMeasured(this.#encoder.encode(text));
    // Three bytes at most for each unit of UTF-16.
    const at = this.reserve(text.length * 3 + 1);
    const { bytes } = this.#reader;
    const { written } = this.#encoder.encodeInto(text, bytes.subarray(at, at + this.#size));
    bytes[at + written] = 0;
    return { at, length: written };
  }

  #putMeasured(encoded: Uint8Array): PlacedText {
    const { length } = encoded;
    const at = this.reserve(length + 1);
    const { bytes } = this.#reader;
    bytes.set(encoded, at);
    bytes[at + length] = 0;
    return { at, length };
  }

  /** Gives back what was made for a large text, which is of no use any more. */
  settle(): void {
    if (this.#size > KEPT_BYTES_MAX) this.release();
  }

  /** Gives all of it back. */
  release(): void {
    if (this.#at !== 0) this.#reader.calls.dealloc(this.#at, this.#size);
    this.#at = this.#size = 0;
  }
}
