import { type Random, uuidV7 } from "../base/random.ts";
import type { Compression, EventFileFormat } from "./options.ts";

/** The folder of event files in a lake. */
const RAW_FOLDER = "raw/events";

const COMPRESSION_SUFFIX: Record<Compression, string> = { none: "", gzip: ".gz", zstd: ".zst" };

/**
 * Names that sort by time, and by the order of their making: a millisecond is used once, the next
 * one is taken instead.
 */
export class FileNames {
  readonly #random: Random;
  readonly #suffix: string;
  #lastMs = -1;

  constructor(format: EventFileFormat, compression: Compression, random: Random) {
    this.#random = random;
    // Parquet compresses its own pages, so its files need no other name.
    this.#suffix = format === "parquet" ? ".parquet" : `.${format}${COMPRESSION_SUFFIX[compression]}`;
  }

  /** Path in the lake of a file written at `atMs`. */
  next(atMs: number): string {
    this.#lastMs = Math.max(Math.floor(atMs), this.#lastMs + 1);
    return `${RAW_FOLDER}/${uuidV7(this.#random, this.#lastMs)}${this.#suffix}`;
  }
}
