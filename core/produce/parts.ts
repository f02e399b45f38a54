import type { Clock } from "../base/clock.ts";
import type { Random } from "../base/random.ts";
import type { FileTruth } from "./truth.ts";

/** Where files go: a lake's store (`storeSink`), or standard output. */
export interface EventFileSink {
  /** For messages. */
  readonly name: string;
  /** Files that it takes at once; default 1. */
  readonly parallelMax?: number;
  has(path: string): Promise<boolean>;
  /** The file appears whole; false, and nothing is written, when there is one of that name. */
  create(path: string, bytes: Uint8Array): Promise<boolean>;
}

/** Where truth is written down. */
export interface TruthLog {
  /** Adds one line, given in pieces that are valid until the next one, and makes it durable. */
  append(line: Iterable<Uint8Array>): Promise<void>;
}

export interface ProduceParts {
  clock: Clock;
  /** Used only where the options hold no seed, and for the names then. */
  random: Random;
  sink: EventFileSink;
  truth?: TruthLog;
  /** Once aborted, the files under way are finished and no other is begun. */
  signal?: AbortSignal;
  /** Called after each file that has appeared. */
  onFile?: (truth: FileTruth) => Promise<void>;
}
