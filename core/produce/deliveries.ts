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
 * Files up to this size are copied, so that others are made while they are written; it would only
 * cost memory with larger ones, whose making and writing take long anyway.
 */
const COPIED_SIZE_MAX = 16 << 20;

/**
 * Writes files to the sink, several at once if the sink allows, each truth before its file. An
 * interrupted run may leave lines of truth without files, but no file without its line. Truth and
 * reports keep the order of the files.
 */
export class Deliveries {
  readonly #underWay = new Set<Promise<void>>();
  #last: Stages = { told: Promise.resolve(), done: Promise.resolve() };
  #failure: { error: unknown } | undefined;
  /** Room for copies, which is used again and again. */
  readonly #free: Uint8Array<ArrayBuffer>[] = [];
  readonly #parts: ProduceParts;
  readonly #mayBeTaken: boolean;

  /** `mayBeTaken`: only seeded names can be there already. */
  constructor(parts: ProduceParts, mayBeTaken: boolean) {
    this.#parts = parts;
    this.#mayBeTaken = mayBeTaken;
  }

  /**
   * Returns when another may be made; the file's bytes may then be overwritten. Throws what an
   * earlier delivery has thrown.
   */
  async add(file: ProducedFile): Promise<void> {
    const underWayMax = Math.max(1, (this.#parts.sink.parallelMax ?? 1) - 1);
    await this.#untilUnderWay(underWayMax - 1);
    if (file.bytes.length <= COPIED_SIZE_MAX) return this.#start(file, this.#copyOf(file.bytes));
    this.#start(file, undefined);
    await this.#untilUnderWay(0);
  }

  /** Waits for all that is under way. */
  finish(): Promise<void> {
    return this.#untilUnderWay(0);
  }

  /** After a failure nothing may go on: it waits for all, and throws. */
  async #untilUnderWay(max: number): Promise<void> {
    while (this.#underWay.size > (this.#failure === undefined ? max : 0)) await Promise.race(this.#underWay);
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  #copyOf(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
    const free = this.#free.pop();
    const copy = free !== undefined && free.length >= bytes.length ? free : new Uint8Array(bytes.length);
    copy.set(bytes);
    return copy;
  }

  #start(made: ProducedFile, copy: Uint8Array<ArrayBuffer> | undefined): void {
    const file = copy === undefined ? made : { ...made, bytes: copy.subarray(0, made.bytes.length) };
    const told = Promise.withResolvers<void>();
    const done = this.#deliver(file, this.#last, told.resolve);
    this.#last = { told: Promise.race([told.promise, done]), done };
    const ended = done.catch((error) => void (this.#failure ??= { error })).finally(() => {
      this.#underWay.delete(ended);
      if (copy !== undefined) this.#free.push(copy);
    });
    this.#underWay.add(ended);
    this.#last.told.catch(() => undefined);
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
