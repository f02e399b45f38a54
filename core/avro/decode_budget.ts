/** Bytes of memory that the values of one file may take, by a rough estimate. */
const MEMORY_BYTES_MAX = 1e9;

/**
 * Bounds the memory that a file's values take. A few bytes can claim any number of values: records
 * of a block, items of an array, or nested records whose fields take no bytes.
 */
export class DecodeBudget {
  #left = MEMORY_BYTES_MAX;

  /** Called before values are created or skipped. */
  take(bytes: number): void {
    this.#left -= bytes;
    // Written so that NaN is refused, too.
    if (!(this.#left >= 0)) throw new Error("it claims more values than fit into memory");
  }
}
