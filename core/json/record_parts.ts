import { joinBytes } from "../base/join_bytes.ts";
import { type Sha256, sha256 } from "../base/sha256.ts";

/**
 * What is known about a record that is too large for memory; only its first bytes are passed on.
 */
export interface Oversize {
  /** Bytes. */
  size: number;
  /** Of all of them, lower-case hexadecimal. */
  sha256: string;
}

/** The head that is kept of a record that is too large, in bytes. */
export const HEAD_BYTES = 64 << 10;

/** Joins one record from its chunks. Of a record beyond the limit it keeps only the head. */
export class RecordParts {
  readonly #bytesMax: number;
  #parts: Uint8Array[] = [];
  #length = 0;
  /** Set once the record is too large. */
  #hash: Sha256 | undefined;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get isEmpty(): boolean {
    return this.#length === 0;
  }

  /** Adds a copy: the caller may use its chunk again. */
  add(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    if (this.#hash !== undefined) this.#hash.update(bytes);
    if (this.#hash === undefined || this.#length < HEAD_BYTES) this.#parts.push(new Uint8Array(bytes));
    this.#length += bytes.length;
    if (this.#hash !== undefined || this.#length <= this.#bytesMax) return;
    this.#hash = sha256();
    for (const part of this.#parts) this.#hash.update(part);
    this.#parts = [headOf(this.#parts)];
  }

  /** The record that ends with `rest`. Its bytes may be a view of `rest`. Forgets all parts. */
  end(rest: Uint8Array): { bytes: Uint8Array; oversize?: Oversize } {
    if (this.#length + rest.length > this.#bytesMax) this.add(rest);
    else if (this.#length > 0) this.#parts.push(rest);
    const [parts, size, hash] = [this.#parts, this.#length, this.#hash];
    this.#parts = [];
    this.#length = 0;
    this.#hash = undefined;
    if (hash !== undefined) return { bytes: headOf(parts), oversize: { size, sha256: hash.hex() } };
    return { bytes: parts.length === 0 ? rest : joinBytes(parts) };
  }
}

function headOf(parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  const enough = parts.findIndex((part) => (length += part.length) >= HEAD_BYTES);
  return joinBytes(enough < 0 ? parts : parts.slice(0, enough + 1)).slice(0, HEAD_BYTES);
}
