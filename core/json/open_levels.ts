/** The objects and arrays that are open at a place of a JSON text: one bit for each level. */
export class OpenLevels {
  depth = 0;
  /** 1 for an object. */
  #bits = new Uint32Array(8);

  open(isObject: boolean): void {
    const level = this.depth++;
    const word = level >>> 5;
    if (word === this.#bits.length) {
      const longer = new Uint32Array(word * 2);
      longer.set(this.#bits);
      this.#bits = longer;
    }
    const bit = 1 << (level & 31);
    if (isObject) this.#bits[word]! |= bit;
    else this.#bits[word]! &= ~bit;
  }

  close(): void {
    this.depth--;
  }

  /** All of them, as before the next value. */
  closeAll(): void {
    this.depth = 0;
  }

  /** Whether the innermost one is an object; false where nothing is open. */
  get inObject(): boolean {
    const level = this.depth - 1;
    return (this.#bits[level >>> 5]! & (1 << (level & 31))) !== 0;
  }
}
