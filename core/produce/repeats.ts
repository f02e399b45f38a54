import type { Random } from "../base/random.ts";
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
  /** Two lists, of one length, instead of an object an event. */
  readonly #current: ShopEvent[] = [];
  readonly #positions: number[] = [];
  #file = "";
  readonly #earlier: Written[] = [];
  #offered = 0;
  #kept = 0;

  /**
   * Only for events that stand in their file as they are: neither broken nor themselves repeats.
   */
  offer(event: ShopEvent, position: number): void {
    const place = this.#offered++ % SAME_FILE_MAX;
    this.#current[place] = event;
    this.#positions[place] = position;
  }

  /** Half of the time from this file, half from an earlier one, where there are both. */
  pick(random: Random): Written | undefined {
    const current = this.#current.length, earlier = this.#earlier.length;
    const isCurrent = random.next() < 0.5 ? current > 0 : earlier === 0;
    if (current + earlier === 0) return undefined;
    const place = Math.floor(random.next() * (isCurrent ? current : earlier));
    return isCurrent ? this.#currentAt(place) : this.#earlier[place];
  }

  /** What is offered from now on stands in `file`. */
  startFile(file: string): void {
    this.#file = file;
  }

  /** Ends a file; what a corrupted one held was never seen by anyone, so it is forgotten. */
  endFile(isReadable: boolean): void {
    if (isReadable) {
      for (let place = Math.max(0, this.#current.length - FROM_EACH_FILE_MAX); place < this.#current.length; place++) {
        this.#earlier[this.#kept++ % EARLIER_MAX] = this.#currentAt(place);
      }
    }
    this.#current.length = 0;
    this.#positions.length = 0;
    this.#offered = 0;
  }

  forgetEarlier(): void {
    this.#earlier.length = 0;
    this.#kept = 0;
  }

  #currentAt(place: number): Written {
    return { event: this.#current[place]!, origin: { file: this.#file, position: this.#positions[place]! } };
  }
}
