/** Bytes of memory that the values of one file may take, by a rough estimate. */
const MEMORY_BYTES_MAX = 1e9;

/**
 * Bounds what is made of a file's bytes. A few of them can claim any number of values: a block its
 * records, an array its items, and a record of fields without bytes can stand within others any
 * number of times.
 */
export class DecodeBudget {
  #left = MEMORY_BYTES_MAX;

  /** Of values that are about to be made, or passed over. */
  take(bytes: number): void {
    this.#left -= bytes;
    // Written so that what is no number is refused, too.
    if (!(this.#left >= 0)) throw new Error("it claims more values than anybody has memory for");
  }
}
