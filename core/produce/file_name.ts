import { type Random, uuidV7 } from "../base/random.ts";
import { eventFileEnding } from "../lake/event_file.ts";
import { EVENTS_FOLDER } from "../lake/layout.ts";
import type { Compression } from "../disk/decompress.ts";
import type { EventFileFormat } from "./options.ts";

/**
 * Names that sort by time, and by the order of their making: a millisecond is used once, the next
 * one is taken instead.
 */
export class FileNames {
  readonly #random: Random;
  readonly #ending: string;
  #lastMs = -1;

  constructor(format: EventFileFormat, compression: Compression, random: Random) {
    this.#random = random;
    this.#ending = eventFileEnding({ format, compression });
  }

  /** Path in the lake of a file written at `atMs`. */
  next(atMs: number): string {
    this.#lastMs = Math.max(Math.floor(atMs), this.#lastMs + 1);
    return `${EVENTS_FOLDER}/${uuidV7(this.#random, this.#lastMs)}${this.#ending}`;
  }
}
