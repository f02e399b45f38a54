import { type ErrorKind, StreamlabError } from "../../base/errors.ts";
import { early } from "../../base/parallel.ts";
import { systemRandom } from "../../base/random.ts";
import type { EventReader, ReaderStart } from "./event_reader.ts";
import type { Failure, Work } from "./reading.ts";
import { compiledReader, HASH_KEY_BYTES, ReaderInstance } from "./reader_instance.ts";
import type { Answer, Order } from "./reader_worker.ts";

const WORKER = new URL("./reader_worker.ts", import.meta.url);

/**
 * A thread takes about 70 ms of processor to start, in which another reads so much. More threads
 * than that pays for are not started.
 */
const BYTES_PER_THREAD = 8 << 20;
/** So much the thread that asks reads itself, in a few milliseconds, while there is no other. */
const OWN_BYTES = 256 << 10;

export interface ReaderPoolOptions {
  /** At most. */
  threads: number;
  /** For tests: less has several threads read small files. */
  bytesPerThread?: number;
  /** For tests: where its threads come from, and go to when it is closed; else they end with it. */
  idleThreads?: IdleThreads;
}

/**
 * Threads that read event files, all of them at one batch; they live as long as the pool does, and
 * start as soon as there is enough to read. The thread that asks stays free, except for what is
 * not worth a thread.
 */
export class ReaderPool {
  readonly #workers: ReaderThread[] = [];
  readonly #threads: number;
  readonly #bytesPerThread: number;
  readonly #idleThreads: IdleThreads | undefined;
  readonly #module = compiledReader();
  /** A secret: who knows it can write texts that are slow to tell apart. */
  readonly #hashKey = systemRandom.bytes(HASH_KEY_BYTES);
  #own: ReaderInstance | undefined;
  #hand: Promise<EventReader> | undefined;
  /** How many threads had the last work. */
  #threadsBusy = 0;

  constructor({ threads, bytesPerThread = BYTES_PER_THREAD, idleThreads }: ReaderPoolOptions) {
    this.#threads = threads;
    this.#bytesPerThread = bytesPerThread;
    this.#idleThreads = idleThreads;
  }

  /**
   * Starts what so many bytes are worth; returns how many threads that is. They are ready when they
   * first answer: this does not wait for it.
   */
  prepare(bytes: number): number {
    if (bytes <= Math.min(OWN_BYTES, this.#bytesPerThread) && this.#workers.length === 0) {
      this.#hand ??= early(this.#startHand());
      return 0;
    }
    const wanted = Math.max(1, Math.min(this.#threads, Math.ceil(bytes / this.#bytesPerThread)));
    while (this.#workers.length < wanted) {
      const number = this.#workers.length;
      const thread = this.#idleThreads?.take() ?? new ReaderThread(`reader ${number}`);
      thread.start({ number, module: this.#module, hashKey: this.#hashKey });
      this.#workers.push(thread);
    }
    return wanted;
  }

  /** One for the thread that asks, made when it is first asked for. */
  get own(): ReaderInstance {
    return this.#own ??= new ReaderInstance(this.#module, this.#hashKey);
  }

  /**
   * Gives as many of them as `bytes` are worth the same work, which they deal among themselves; one
   * answer for each.
   */
  async run<T>(work: Work, bytes: number, onRecords: (count: number) => void = () => {}): Promise<T[]> {
    this.#threadsBusy = this.prepare(bytes);
    return await this.runAgain(work, onRecords);
  }

  /** The same of those that had the last work. */
  async runAgain<T>(work: Work, onRecords: (count: number) => void = () => {}): Promise<T[]> {
    const threads = this.#threadsBusy;
    if (threads === 0) return [await (await this.#hand!).run(work, onRecords) as T];
    const workers = this.#workers.slice(0, threads);
    const answers = await Promise.allSettled(workers.map((worker) => worker.ask(work, onRecords)));
    const failed = answers.find((answer) => answer.status === "rejected");
    if (failed !== undefined) throw failed.reason;
    return answers.map((answer) => (answer as PromiseFulfilledResult<T>).value);
  }

  close(): void {
    for (const worker of this.#workers) {
      if (this.#idleThreads === undefined) worker.close();
      else this.#idleThreads.leave(worker);
    }
  }

  /** Loaded when it is needed: most batches are read by threads. */
  async #startHand(): Promise<EventReader> {
    const { EventReader } = await import("./event_reader.ts");
    return new EventReader({ number: 0, module: this.#module, hashKey: this.#hashKey });
  }
}

/**
 * Threads that one pool leaves to the next, where many pools follow each other that live shorter
 * than a thread takes to start.
 */
export class IdleThreads {
  readonly #threads: ReaderThread[] = [];

  take(): ReaderThread | undefined {
    return this.#threads.pop();
  }

  /** One that is still at work, or has failed, ends. */
  leave(thread: ReaderThread): void {
    if (thread.isIdle) this.#threads.push(thread);
    else thread.close();
  }

  close(): void {
    for (const thread of this.#threads.splice(0)) thread.close();
  }
}

class ReaderThread {
  readonly #worker: Worker;
  #settle: { resolve: (value: unknown) => void; reject: (error: unknown) => void } | undefined;
  #onRecords: (count: number) => void = () => {};
  #failure: unknown;

  constructor(name: string) {
    this.#worker = new Worker(WORKER, { type: "module", name });
    this.#worker.onmessage = ({ data }: MessageEvent<Answer>) => this.#take(data);
    this.#worker.onerror = (event) => {
      event.preventDefault();
      this.#failure = new StreamlabError("internal", `Cannot read event files: a worker stopped: ${event.message}`);
      this.#settle?.reject(this.#failure);
    };
  }

  get isIdle(): boolean {
    return this.#settle === undefined && this.#failure === undefined;
  }

  /** From here on it reads for the pool that says this; whatever it knew of another is gone. */
  start(start: ReaderStart): void {
    this.#worker.postMessage({ kind: "start", start } satisfies Order);
  }

  ask(work: Work, onRecords: (count: number) => void): Promise<unknown> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    this.#onRecords = onRecords;
    return new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
      this.#worker.postMessage(work satisfies Order);
    });
  }

  close(): void {
    this.#worker.terminate();
  }

  #take(answer: Answer): void {
    if (answer.kind === "records") return this.#onRecords(answer.count);
    const settle = this.#settle;
    this.#settle = undefined;
    if (answer.kind === "done") settle?.resolve(answer.result);
    else settle?.reject(errorOf(answer.failure));
  }
}

/** The error as it was in the worker: classes are lost on the way between threads. */
function errorOf({ name, message, kind, hint, stack }: Failure): Error {
  if (kind !== undefined) return new StreamlabError(kind as ErrorKind, message, { hint });
  const error = name === "NotFound" ? new Deno.errors.NotFound(message) : new Error(message);
  error.stack = stack;
  return error;
}
