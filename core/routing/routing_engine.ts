import { type Connection, DuckDb } from "../engine/duckdb.ts";
import { registerBucketFunction } from "../tables/write/partition_sql.ts";
import { ReaderPool } from "./reader/reader_pool.ts";

export interface RoutingEngineOptions {
  threads: number;
  /** DuckDB's memory limit, as it writes it. */
  memory: string;
  /** Local, for what DuckDB has no memory for. */
  spillFolder: string;
  /** See `RouteOptions`. */
  judgesAll?: boolean;
}

/** The reader's threads, and DuckDB with the functions that routing needs; for many tasks. */
export class RoutingEngine {
  readonly threads: number;
  readonly database: DuckDb;
  readonly connection: Connection;
  readonly readers: ReaderPool;
  readonly judgesAll: boolean;

  private constructor(
    { threads, judgesAll = false }: RoutingEngineOptions,
    readers: ReaderPool,
    database: DuckDb,
    connection: Connection,
  ) {
    this.threads = threads;
    this.judgesAll = judgesAll;
    this.readers = readers;
    this.database = database;
    this.connection = connection;
  }

  static async open(options: RoutingEngineOptions): Promise<RoutingEngine> {
    const { threads, memory, spillFolder } = options;
    const readers = ReaderPool.start(threads);
    const database = await DuckDb.open({ threads, memory, tempDirectory: spillFolder });
    const connection = await database.connect();
    await registerBucketFunction(connection);
    return new RoutingEngine(options, readers, database, connection);
  }

  close(): void {
    this.readers.close();
    this.connection.close();
    this.database.close();
  }
}
