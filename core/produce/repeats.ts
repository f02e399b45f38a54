import type { Random } from "../base/random.ts";
import { oneOf } from "./choice.ts";
import type { ShopEvent } from "./event.ts";

/** Where an event was first written. */
export interface Origin {
  /** Path in the lake. */
  file: string;
  position: number;
}

export interface Written {
  event: ShopEvent;
  origin: Origin;
}

const SAME_FILE_MAX = 256;
const FROM_EACH_FILE_MAX = 32;
const EARLIER_MAX = 1024;

/**
 * Events that may be written again: the last of this file, and some of the files before. Bounded,
 * however long the stream is.
 */
export class Repeats {
  readonly #current: Written[] = [];
  readonly #earlier: Written[] = [];
  #offered = 0;
  #kept = 0;

  /**
   * Only for events that stand in their file as they are: neither broken nor themselves repeats.
   */
  offer(written: Written): void {
    this.#current[this.#offered++ % SAME_FILE_MAX] = written;
  }

  /** Half of the time from this file, half from an earlier one, where there are both. */
  pick(random: Random): Written | undefined {
    const pool = random.next() < 0.5 ? this.#current : this.#earlier;
    const events = pool.length > 0 ? pool : pool === this.#current ? this.#earlier : this.#current;
    return events.length === 0 ? undefined : oneOf(random, events);
  }

  /** Ends a file; what a corrupted one held was never seen by anyone, so it is forgotten. */
  endFile(isReadable: boolean): void {
    if (isReadable) {
      for (const written of this.#current.slice(-FROM_EACH_FILE_MAX)) {
        this.#earlier[this.#kept++ % EARLIER_MAX] = written;
      }
    }
    this.#current.length = 0;
    this.#offered = 0;
  }

  forgetEarlier(): void {
    this.#earlier.length = 0;
    this.#kept = 0;
  }
}
