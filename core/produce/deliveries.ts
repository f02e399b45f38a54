import { StreamlabError } from "../base/errors.ts";
import type { ProducedFile } from "./file_maker.ts";
import type { EventFileSink, ProduceParts } from "./parts.ts";
import { truthLine } from "./truth.ts";

/** How far the file before is: its truth is written; it has appeared and was reported. */
interface Stages {
  told: Promise<void>;
  done: Promise<void>;
}

/**
 * Writes files to the sink, several at once if the sink allows, each truth before its file. An
 * interrupted run may leave lines of truth without files, but no file without its line. Truth and
 * reports keep the order of the files.
 */
export class Deliveries {
  readonly #underWay = new Set<Promise<void>>();
  #last: Stages = { told: Promise.resolve(), done: Promise.resolve() };
  #failure: { error: unknown } | undefined;
  readonly #parts: ProduceParts;
  readonly #mayBeTaken: boolean;

  /** `mayBeTaken`: only seeded names can be there already. */
  constructor(parts: ProduceParts, mayBeTaken: boolean) {
    this.#parts = parts;
    this.#mayBeTaken = mayBeTaken;
  }

  /**
   * Returns when there is room for another; the file's bytes may then be overwritten. Throws what
   * an earlier delivery has thrown.
   */
  async add(file: ProducedFile): Promise<void> {
    const parallelMax = this.#parts.sink.parallelMax ?? 1;
    const own = parallelMax === 1 ? file : { ...file, bytes: file.bytes.slice() };
    const told = Promise.withResolvers<void>();
    const done = this.#deliver(own, this.#last, told.resolve);
    this.#last = { told: Promise.race([told.promise, done]), done };
    const ended = done.catch((error) => void (this.#failure ??= { error })).finally(() => this.#underWay.delete(ended));
    this.#underWay.add(ended);
    this.#last.told.catch(() => undefined);
    while (this.#underWay.size >= parallelMax) await Promise.race(this.#underWay);
    if (this.#failure !== undefined) await this.finish();
  }

  /** Waits for all that is under way. */
  async finish(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.race(this.#underWay);
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  async #deliver(file: ProducedFile, before: Stages, tell: () => void): Promise<void> {
    const { sink, truth, onFile } = this.#parts;
    // Looked for before truth is told; without truth the sink's own word comes early enough.
    const isTaken = truth !== undefined && this.#mayBeTaken && await sink.has(file.path);
    await before.told;
    if (isTaken) throw nameTaken(file, sink);
    await truth?.append(truthLine(file.truth));
    tell();
    if (!await sink.create(file.path, file.bytes)) throw nameTaken(file, sink);
    await before.done;
    await onFile?.(file.truth);
  }
}

function nameTaken(file: ProducedFile, sink: EventFileSink): StreamlabError {
  return new StreamlabError("conflict", `Cannot write ${file.path} to ${sink.name}: there is a file of that name`, {
    hint: "The same --seed and --start give the same names: use another seed, start or lake",
  });
}
