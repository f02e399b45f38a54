import { OVERRUN, type PlacedText, type ReaderInstance } from "./reader_instance.ts";

const ROOM_BYTES_MIN = 1 << 16;

/** A room in the reader's memory for one text after another; it grows with the largest. */
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
      if (this.#at !== 0) calls.dealloc(this.#at, this.#size);
      this.#size = Math.max(ROOM_BYTES_MIN, 2 ** Math.ceil(Math.log2(length + OVERRUN)));
      this.#at = calls.alloc(this.#size);
    }
    return this.#at;
  }

  /** Puts a text there, with a zero behind it. */
  put(text: string): PlacedText {
    // Three bytes at most for each unit of UTF-16.
    const at = this.reserve(text.length * 3 + 1);
    const { bytes } = this.#reader;
    const { written } = this.#encoder.encodeInto(text, bytes.subarray(at, at + this.#size));
    bytes[at + written] = 0;
    return { at, length: written };
  }
}
