import { type Connection, DuckDb, type DuckDbOptions } from "../engine/duckdb.ts";
import { type MemoryShares, shareMemory } from "./memory_shares.ts";
import { type IdleThreads, ReaderPool } from "./reader/reader_pool.ts";
import type { ReaderLimits } from "./reader/reading.ts";

export interface RoutingEngineOptions {
  /** Fewer are used where memory does not suffice for so many. */
  threads: number;
  /** For all of it, as DuckDB writes sizes. */
  memory: string;
  /** Local, for what DuckDB has no memory for. */
  spillFolder: string;
  /** See `RouteOptions`. */
  judgesAll?: boolean;
  /** See `ReaderPoolOptions`. */
  bytesPerThread?: number;
  /** See `ReaderPoolOptions`. */
  idleThreads?: IdleThreads;
}

/** The reader's threads, and DuckDB for what only it reads; for many tasks. */
export class RoutingEngine {
  readonly readers: ReaderPool;
  readonly limits: ReaderLimits;
  readonly judgesAll: boolean;
  readonly #withKeys: MemoryShares["withKeys"];
  #databaseOptions: DuckDbOptions;
  #opening: Promise<void> | undefined;
  #database: DuckDb | undefined;

  constructor(options: RoutingEngineOptions) {
    const { threads, limits, database, withKeys } = shareMemory(options.memory, options.threads);
    this.#databaseOptions = { threads, memory: database, tempDirectory: options.spillFolder };
    this.limits = limits;
    this.#withKeys = withKeys;
    this.judgesAll = options.judgesAll ?? false;
    const { bytesPerThread, idleThreads } = options;
    this.readers = new ReaderPool({ threads, bytesPerThread, idleThreads });
  }

  /** A session of DuckDB, which is loaded for the first: most tasks need none. */
  async connect(): Promise<Connection> {
    if (this.#database === undefined) await (this.#opening ??= this.#open());
    return await this.#database!.connect();
  }

  /** From now on DuckDB, where it is not loaded yet, leaves memory to keys: `keyBytes`. */
  makeRoomForKeys(): void {
    this.#databaseOptions = { ...this.#databaseOptions, memory: this.#withKeys.database };
  }

  get keyBytes(): number {
    return this.#withKeys.keyBytes;
  }

  close(): void {
    this.readers.close();
    this.#database?.close();
  }

  async #open(): Promise<void> {
    try {
      this.#database = await DuckDb.open(this.#databaseOptions);
    } finally {
      // Where it failed, the next batch tries again.
      this.#opening = undefined;
    }
  }
}
