import type { Clock } from "../base/clock.ts";
import type { Random } from "../base/random.ts";
import { Deliveries } from "./deliveries.ts";
import { FileMaker } from "./file_maker.ts";
import type { ProduceOptions } from "./options.ts";
import { Pacer } from "./pacer.ts";
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
  /** Adds one line, given in pieces, and makes it durable. */
  append(line: Iterable<string>): Promise<void>;
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

/** True when all files were produced; false when the signal came first. */
export async function produce(options: ProduceOptions, parts: ProduceParts): Promise<boolean> {
  const maker = await FileMaker.create(options, parts.clock, parts.random);
  const pacer = new Pacer(options.pace, options.batchSize, parts.clock);
  const deliveries = new Deliveries(parts, options.seed !== undefined);
  for (let batch = 0; batch < (options.batches ?? Infinity); batch++) {
    await pacer.turn(parts.signal);
    if (parts.signal?.aborted) {
      await deliveries.finish();
      return false;
    }
    const file = await maker.next();
    await deliveries.add(file);
  }
  await deliveries.finish();
  return true;
}
