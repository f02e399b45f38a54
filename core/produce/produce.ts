import type { Clock } from "../base/clock.ts";
import { StreamlabError } from "../base/errors.ts";
import type { Random } from "../base/random.ts";
import { type EventFile, FileMaker } from "./file_maker.ts";
import type { ProduceOptions } from "./options.ts";
import { Pacer } from "./pacer.ts";
import { type FileTruth, truthLine } from "./truth.ts";

/** Where files go: a lake's store (`storeSink`), or standard output. */
export interface EventFileSink {
  /** For messages. */
  readonly name: string;
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
  /** Once aborted, the file under way is finished and no other is begun. */
  signal?: AbortSignal;
  /** Called after each file that has appeared. */
  onFile?: (truth: FileTruth) => Promise<void>;
}

/** True when all files were produced; false when the signal came first. */
export async function produce(options: ProduceOptions, parts: ProduceParts): Promise<boolean> {
  const maker = await FileMaker.create(options, parts.clock, parts.random);
  const pacer = new Pacer(options.pace, options.batchSize, parts.clock);
  for (let batch = 0; batch < (options.batches ?? Infinity); batch++) {
    await pacer.turn(parts.signal);
    if (parts.signal?.aborted) return false;
    const file = await maker.next();
    await deliver(file, options, parts);
    await parts.onFile?.(file.truth);
  }
  return true;
}

/**
 * Truth first, then the file: a run cut short may leave a line of truth whose file never appeared, but no file of which truth
 * says nothing.
 */
async function deliver(file: EventFile, options: ProduceOptions, parts: ProduceParts): Promise<void> {
  // Only seeded names can be there already; they are looked for before truth is told about them.
  if (options.seed !== undefined && await parts.sink.has(file.path)) throw nameTaken(file, parts.sink);
  await parts.truth?.append(truthLine(file.truth));
  if (!await parts.sink.create(file.path, file.bytes)) throw nameTaken(file, parts.sink);
}

function nameTaken(file: EventFile, sink: EventFileSink): StreamlabError {
  return new StreamlabError("conflict", `Cannot write ${file.path} to ${sink.name}: there is a file of that name`, {
    hint: "The same --seed and --start give the same names: use another seed, start or lake",
  });
}
