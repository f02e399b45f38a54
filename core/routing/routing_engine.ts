import { type Connection, DuckDb } from "../engine/duckdb.ts";
import { ReaderPool } from "./reader/reader_pool.ts";

export interface RoutingEngineOptions {
  threads: number;
  /** DuckDB's memory limit, as it writes it. */
  memory: string;
  /** Local, for what DuckDB has no memory for. */
  spillFolder: string;
  /** See `RouteOptions`. */
  judgesAll?: boolean;
  /** See `ReaderPoolOptions`. */
  bytesPerThread?: number;
}

/** The reader's threads, and DuckDB for what only it reads; for many tasks. */
export class RoutingEngine {
  readonly readers: ReaderPool;
  readonly judgesAll: boolean;
  readonly #options: RoutingEngineOptions;
  #opening: Promise<void> | undefined;
  #database: DuckDb | undefined;

  constructor(options: RoutingEngineOptions) {
    this.#options = options;
    this.judgesAll = options.judgesAll ?? false;
    this.readers = new ReaderPool(options);
  }

  /** A session of DuckDB, which is loaded for the first: most tasks need none. */
  async connect(): Promise<Connection> {
    await (this.#opening ??= this.#open());
    return await this.#database!.connect();
  }

  close(): void {
    this.readers.close();
    this.#database?.close();
  }

  async #open(): Promise<void> {
    const { threads, memory, spillFolder } = this.#options;
    this.#database = await DuckDb.open({ threads, memory, tempDirectory: spillFolder });
  }
}
