import { setImmediate } from "node:timers/promises";
import { StreamlabError } from "../../core/base/errors.ts";
import type { Random } from "../../core/base/random.ts";
import { seededRandom } from "../../core/base/random.ts";
import { comparePaths } from "../../core/storage/path.ts";
import type { FileInfo } from "../../core/storage/store.ts";
import { SimulatedStore } from "./simulated_store.ts";

/**
 * One call of a process to its store; `delete` is one for every path, `list` one for every
 * page.
 */
export interface Operation {
  /** Counts the operations of all processes on this disk, from 0. */
  index: number;
  process: string;
  name:
    | "read"
    | "stat"
    | "list"
    | "listUnfinished"
    | "write"
    | "create"
    | "putFile"
    | "copy"
    | "delete"
    | "look"
    | "ask"
    | "tell";
  /**
   * The prefix for `list`; for `ask` and `tell`, what a service beside the disk is asked or told.
   */
  path: string;
}

export type Phase = "before" | "after";

/** What becomes of an operation. Undefined: it goes well. */
export type Decision =
  /** The process dies here: before the operation has happened, or after it. */
  | { do: "crash" }
  /**
   * Every process dies, and writes that were not synced are forgotten, except those that `keep`
   * names.
   */
  | { do: "power-cut"; keep?: (path: string) => boolean }
  /** The caller gets the error; before: it did not happen, after: it did. */
  | { do: "fail"; error: StreamlabError }
  /** It takes that much longer, in simulated time. */
  | { do: "delay"; ms: number }
  /** It stands still until `SimulatedStore.resume`. */
  | { do: "pause" }
  /**
   * Only before. The caller gets a time-out now, and it happens all the same, that much later, even
   * when the caller is dead.
   */
  | { do: "late"; ms: number }
  /**
   * Only before. It is delivered twice: with `ms` 0 at once, and the caller gets the second answer;
   * else again that much later.
   */
  | { do: "twice"; ms: number };

export type Hook = (operation: Operation, phase: Phase) => Decision | undefined;

export interface SimulatedDiskOptions {
  seed?: number;
  root?: string;
  hook?: Hook;
  /**
   * Operations take up to this long, by the seed, so concurrent ones overtake each other. 0: each
   * happens at once, in the order of the calls.
   */
  latencyMsMax?: number;
  /**
   * Listings show the state of this long ago. 0, as every store of ours promises: strong
   * consistency.
   */
  listLagMs?: number;
  /** Names in a page of a listing; files that change between two pages are seen or not. */
  pageSize?: number;
  /** A broken store: `create` overwrites, and says it won. */
  ignoresConditions?: boolean;
}

export interface ConnectOptions {
  process?: string;
  /** How far the process's clock is ahead of the disk's. */
  clockSkewMs?: number;
  /**
   * False: what it writes is lost in a power cut, as with a store that leaves out fsync.
   */
  durable?: boolean;
}

interface Version {
  bytes: Uint8Array;
  info: FileInfo;
}

interface Change {
  atMs: number;
  /** Undefined: deleted. */
  version: Version | undefined;
}

interface Event {
  atMs: number;
  order: number;
  run: () => void;
}

const startMs = Date.UTC(2026, 0, 1);

/**
 * The world of a simulation: files in memory, processes connected to them, and time that moves only
 * when something waits for it. The same seed and the same programs give the same run, as long as
 * they wait for nothing but this disk and its clocks.
 */
export class SimulatedDisk {
  readonly options: Required<Omit<SimulatedDiskOptions, "hook">>;
  /** Every operation so far, in order. */
  readonly log: Operation[] = [];
  readonly random: Random;
  hook: Hook | undefined;
  #nowMs = startMs;
  #changes = new Map<string, Change[]>();
  /** Of all changes, in order. */
  #paths: string[] = [];
  /** What a power cut leaves, where that is not the last change. */
  #unsynced = new Map<string, Version | undefined>();
  #processes: SimulatedStore[] = [];
  #events: Event[] = [];
  #order = 0;
  #isMoving = false;

  constructor(options: SimulatedDiskOptions = {}) {
    this.options = {
      seed: options.seed ?? 0,
      root: options.root ?? "/simulated/lake",
      latencyMsMax: options.latencyMsMax ?? 0,
      listLagMs: options.listLagMs ?? 0,
      pageSize: options.pageSize ?? 1000,
      ignoresConditions: options.ignoresConditions ?? false,
    };
    this.hook = options.hook;
    this.random = seededRandom(this.options.seed);
  }

  /** A process's own view of the disk. After a crash connect anew: the old handle stays dead. */
  connect(options: ConnectOptions = {}): SimulatedStore {
    const process = options.process ?? `process ${this.#processes.length}`;
    const seed = Math.floor(this.random.next() * 2 ** 32);
    const store = new SimulatedStore(this, { process, clockSkewMs: 0, durable: true, ...options, seed });
    this.#processes.push(store);
    return store;
  }

  /**
   * The same files and time in a world of its own, without its processes; options given here
   * replace the old ones.
   */
  fork(options: SimulatedDiskOptions = {}): SimulatedDisk {
    const copy = new SimulatedDisk({ ...this.options, ...options });
    copy.#nowMs = this.#nowMs;
    copy.#order = this.#order;
    for (const [path, changes] of this.#changes) copy.#changes.set(path, [...changes]);
    copy.#paths = [...this.#paths];
    copy.#unsynced = new Map(this.#unsynced);
    return copy;
  }

  /** Milliseconds since 1970 by the disk's own clock, which stamps the files. */
  nowMs(): number {
    return this.#nowMs;
  }

  /** All files as they are, by path, in order. */
  files(): Map<string, Uint8Array> {
    const files = new Map<string, Uint8Array>();
    for (const path of this.#paths) {
      const version = this.version(path);
      if (version !== undefined) files.set(path, version.bytes);
    }
    return files;
  }

  /** Every process dies and unsynced writes are forgotten. */
  powerCut(keep: (path: string) => boolean = () => false): void {
    for (const process of this.#processes) process.kill();
    for (const [path, version] of this.#unsynced) if (!keep(path)) this.#record(path, version);
    this.#unsynced.clear();
  }

  version(path: string, agoMs = 0): Version | undefined {
    return this.#changes.get(path)?.findLast(({ atMs }) => atMs <= this.#nowMs - agoMs)?.version;
  }

  put(path: string, bytes: Uint8Array, durable: boolean): void {
    this.#tick();
    const etag = `${bytes.length}-${this.#order++}`;
    const info = { path, size: bytes.length, etag, modifiedMs: this.#nowMs };
    this.#replace(path, { bytes: bytes.slice(), info }, durable);
  }

  remove(path: string, durable: boolean): void {
    this.#tick();
    if (this.version(path) !== undefined) this.#replace(path, undefined, durable);
  }

  /** Paths for a listing, as of `listLagMs` ago. */
  page(prefix: string, after: string | undefined): FileInfo[] {
    const { listLagMs, pageSize } = this.options;
    const page: FileInfo[] = [];
    const isAfter = after !== undefined && comparePaths(after, prefix) >= 0;
    for (let at = this.#placeOf(isAfter ? after : prefix); at < this.#paths.length && page.length < pageSize; at++) {
      const path = this.#paths[at]!;
      if (!path.startsWith(prefix)) break;
      const info = this.version(path, listLagMs)?.info;
      if (info !== undefined && path !== after) page.push(info);
    }
    return page;
  }

  /** Where the path is among all, or would be. */
  #placeOf(path: string): number {
    let from = 0, to = this.#paths.length;
    while (from < to) {
      const middle = (from + to) >>> 1;
      if (comparePaths(this.#paths[middle]!, path) < 0) from = middle + 1;
      else to = middle;
    }
    return from;
  }

  begin(process: string, name: Operation["name"], path: string): Operation {
    const operation = { index: this.log.length, process, name, path };
    this.log.push(operation);
    return operation;
  }

  /**
   * Calls `run` when simulated time has got there, unless the returned function was called before.
   */
  schedule(ms: number, run: () => void): () => void {
    const event = { atMs: this.#nowMs + Math.round(ms), order: this.#order++, run };
    this.#events.push(event);
    if (!this.#isMoving) void this.#move();
    return () => {
      const index = this.#events.indexOf(event);
      if (index >= 0) this.#events.splice(index, 1);
    };
  }

  /**
   * Moves time from event to event, each time after the programs have gone as far as they can
   * without one.
   */
  async #move(): Promise<void> {
    this.#isMoving = true;
    while (this.#events.length > 0) {
      await setImmediate();
      this.#events.sort((a, b) => a.atMs - b.atMs || a.order - b.order);
      const event = this.#events.shift();
      if (event === undefined) break;
      this.#nowMs = Math.max(this.#nowMs, event.atMs);
      event.run();
    }
    this.#isMoving = false;
  }

  #replace(path: string, version: Version | undefined, durable: boolean): void {
    if (durable) this.#unsynced.delete(path);
    else if (!this.#unsynced.has(path)) this.#unsynced.set(path, this.version(path));
    this.#record(path, version);
  }

  #record(path: string, version: Version | undefined): void {
    const changes = this.#changes.get(path);
    if (changes === undefined) {
      this.#changes.set(path, [{ atMs: this.#nowMs, version }]);
      this.#paths.splice(this.#placeOf(path), 0, path);
    } else changes.push({ atMs: this.#nowMs, version });
  }

  /** Every change has a time of its own. */
  #tick(): void {
    this.#nowMs += 1;
  }
}
