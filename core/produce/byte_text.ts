import { type FixedText, setFixedText } from "./fixed_text.ts";

const encoder = new TextEncoder();
const FIRST_CAPACITY = 1 << 16;
/** A fixed text's last word may reach beyond the text's end by so many bytes. */
const OVERHANG = 7;
/** UTF-8 has at most three bytes for a unit of UTF-16. */
const BYTES_PER_UNIT_MAX = 3;
const ASCII_MAX = 0x7f;

/**
 * UTF-8 text that grows: one buffer, kept from file to file. What comes again and again is written
 * as fixed text, which costs a fraction of joining strings and encoding them.
 */
export class ByteText {
  #bytes = new Uint8Array(FIRST_CAPACITY);
  #view = new DataView(this.#bytes.buffer);
  /** The buffer's length, which takes longer to ask for. */
  #capacity = FIRST_CAPACITY;
  #length = 0;

  /** Bytes. */
  get length(): number {
    return this.#length;
  }

  clear(): void {
    this.#length = 0;
  }

  add(text: string): void {
    const at = this.place(text.length * BYTES_PER_UNIT_MAX);
    const bytes = this.#bytes;
    // The encoder's call alone takes longer than a record of ASCII.
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i);
      if (unit > ASCII_MAX) return this.endAt(at + encoder.encodeInto(text, bytes.subarray(at)).written);
      bytes[at + i] = unit;
    }
    this.endAt(at + text.length);
  }

  addBytes(bytes: Uint8Array): void {
    const at = this.place(bytes.length);
    this.#bytes.set(bytes, at);
    this.endAt(at + bytes.length);
  }

  addFixed(text: FixedText): void {
    const at = this.place(text.length);
    this.endAt(setFixedText(this.#view, at, text));
  }

  /**
   * Where the text ends. There is room for so many bytes behind it, and for the
   * overhang: the caller writes them to `view` and tells `endAt`.
   */
  place(lengthMax: number): number {
    if (this.#length + lengthMax + OVERHANG > this.#capacity) this.#grow(lengthMax + OVERHANG);
    return this.#length;
  }

  /** The buffer; valid until the next call of `place`. */
  get view(): DataView {
    return this.#view;
  }

  endAt(end: number): void {
    this.#length = end;
  }

  /** What was added since `clear`; a view, valid until the next call. */
  bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  #grow(length: number): void {
    const larger = new Uint8Array(Math.max(this.#length + length, this.#capacity * 2));
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = larger;
    this.#capacity = larger.length;
    this.#view = new DataView(larger.buffer);
  }
}
