const encoder = new TextEncoder();
const PIECE_LENGTH = 1 << 15;

/**
 * UTF-8 text that grows: one buffer, kept from file to file, instead of a string as long as the
 * file and its copy in bytes.
 */
export class ByteText {
  #bytes = new Uint8Array(1 << 20);
  #length = 0;
  #pending = "";

  clear(): void {
    this.#length = 0;
    this.#pending = "";
  }

  add(text: string): void {
    this.#pending += text;
    if (this.#pending.length > PIECE_LENGTH) this.#flush();
  }

  addBytes(bytes: Uint8Array): void {
    this.#flush();
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** What was added since `clear`; a view, valid until the next call. */
  bytes(): Uint8Array {
    this.#flush();
    return this.#bytes.subarray(0, this.#length);
  }

  #flush(): void {
    if (this.#pending === "") return;
    this.#reserve(this.#pending.length * 3);
    this.#length += encoder.encodeInto(this.#pending, this.#bytes.subarray(this.#length)).written;
    this.#pending = "";
  }

  #reserve(length: number): void {
    if (this.#length + length <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(this.#length + length, this.#bytes.length * 2));
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = larger;
  }
}
