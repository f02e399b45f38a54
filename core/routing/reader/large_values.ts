import { collectGarbage } from "../../base/garbage.ts";

/** Smaller ones are not worth a thought: so much every thread may hold. */
const LARGE_BYTES = 1 << 20;
/**
 * What is held for each byte of a value while it is judged or becomes a dead letter: its text in
 * UTF-16, its parts, and copies on its way into a column.
 */
const HELD_PER_BYTE = 16;
const KILOBYTE = 1 << 10;

/** Of what all may hold: so much a thread may leave behind. */
const LEFT_SHARE_MAX = 1 / 4;

export interface LargeValuesOptions {
  /** Bytes that all threads may hold together. */
  bytesMax: number;
  /** What they hold, in kilobytes: one number for all of them. */
  held: SharedArrayBuffer;
}

/**
 * Large records and texts of files, which one batch may have in every thread at once: a thread
 * waits until there is room for its own, or nobody else holds any. What they leave behind is
 * collected soon: V8 would wait for limits of its own, which know nothing of other threads or of
 * `--memory`.
 */
export class LargeValues {
  readonly #kilobytesMax: number;
  readonly #held: Int32Array;
  /** Kilobytes that were held since something was collected. */
  #left = 0;

  constructor({ bytesMax, held }: LargeValuesOptions) {
    this.#kilobytesMax = Math.floor(bytesMax / KILOBYTE);
    this.#held = new Int32Array(held);
  }

  /** Does what is to be done with a value of so many bytes; it must not keep the value. */
  hold<T>(bytes: number, work: () => T): T {
    if (bytes < LARGE_BYTES) return work();
    const kilobytes = Math.ceil(bytes / KILOBYTE) * HELD_PER_BYTE;
    this.#enter(kilobytes);
    try {
      return work();
    } finally {
      try {
        this.#collect(kilobytes);
      } finally {
        // Whatever happens: other threads may wait for it.
        this.#leave(kilobytes);
      }
    }
  }

  #collect(kilobytes: number): void {
    this.#left += kilobytes;
    if (this.#left < this.#kilobytesMax * LEFT_SHARE_MAX) return;
    this.#left = 0;
    collectGarbage();
  }

  #enter(kilobytes: number): void {
    for (;;) {
      const held = Atomics.load(this.#held, 0);
      if (held > 0 && held + kilobytes > this.#kilobytesMax) Atomics.wait(this.#held, 0, held);
      else if (Atomics.compareExchange(this.#held, 0, held, held + kilobytes) === held) return;
    }
  }

  #leave(kilobytes: number): void {
    Atomics.sub(this.#held, 0, kilobytes);
    Atomics.notify(this.#held, 0);
  }
}
