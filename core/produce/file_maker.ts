import type { Clock } from "../base/clock.ts";
import { type Random, seededRandom } from "../base/random.ts";
import { arrayFile } from "./array_file.ts";
import { ByteText } from "./byte_text.ts";
import { Drafts } from "./drafts.ts";
import type { EventFileContent, FileDrafts } from "./event_file.ts";
import { FileNames } from "./file_name.ts";
import { lineFile } from "./line_file.ts";
import type { ProduceOptions } from "./options.ts";
import { parquetFile } from "./parquet_file.ts";
import { makePools } from "./pools.ts";
import { Shoppers } from "./shoppers.ts";
import { type Timeline, timelineOf } from "./timeline.ts";
import type { FileTruth } from "./truth.ts";

export interface ProducedFile {
  /** Path in the lake. */
  path: string;
  /** Valid until the next file is made. */
  bytes: Uint8Array;
  truth: FileTruth;
}

/** Makes the run's files one after another; no more than one is in memory. */
export class FileMaker {
  readonly #options: ProduceOptions;
  readonly #random: Random;
  readonly #names: FileNames;
  readonly #drafts: Drafts;
  readonly #timeline: Timeline;
  readonly #text = new ByteText();
  #batch = 0;

  private constructor(options: ProduceOptions, drafts: Drafts, random: Random, names: FileNames, timeline: Timeline) {
    this.#options = options;
    this.#drafts = drafts;
    this.#random = random;
    this.#names = names;
    this.#timeline = timeline;
  }

  /** `entropy` is drawn on only where the options hold no seed. */
  static async create(options: ProduceOptions, clock: Clock, entropy: Random): Promise<FileMaker> {
    const seeds = options.seed === undefined ? entropy : seededRandom(options.seed);
    // A generator for each concern: another chance, or another number of pools, leaves the others'
    // draws alone.
    const fork = () => seededRandom(Math.floor(seeds.next() * 0x100000000));
    const pools = await makePools(fork());
    const drafts = new Drafts(options, new Shoppers(options.users, pools, fork()), fork());
    const names = new FileNames(options.format, options.compression, fork());
    return new FileMaker(options, drafts, fork(), names, timelineOf(options, clock));
  }

  async next(): Promise<ProducedFile> {
    const batch = this.#batch++;
    const span = this.#timeline();
    const path = this.#names.next(span.toMs);
    this.#drafts.startFile(path, batch);
    const content = await this.#content({
      size: this.#options.batchSize,
      isEvolved: this.#drafts.evolved(batch),
      next: (position) => this.#drafts.next(batch, position, span),
      written: (draft, position) => this.#drafts.written(draft, position),
    });
    this.#drafts.endFile(content.corrupted === undefined);
    const { format, compression } = this.#options;
    const { bytes, corrupted, records, remarks } = content;
    return {
      path,
      bytes,
      truth: { file: path, batch, format, compression, bytes: bytes.length, corrupted, records, remarks },
    };
  }

  #content(drafts: FileDrafts): Promise<EventFileContent> {
    const { format, compression, chances } = this.#options;
    const options = { compression, corruptionChance: chances.corruption };
    switch (format) {
      case "json":
        return arrayFile(drafts, this.#text, this.#random, options);
      case "ndjson":
        return lineFile(drafts, this.#text, this.#random, options);
      case "parquet":
        return parquetFile(drafts, this.#random, { ...options, extraFieldsChance: chances.extraFields });
    }
  }
}
