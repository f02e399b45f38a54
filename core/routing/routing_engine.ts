import { type Connection, DuckDb } from "../engine/duckdb.ts";
import { registerBucketFunction } from "../tables/write/partition_sql.ts";
import { type JudgingFunction, registerJudgingFunction } from "./judging_function.ts";

export interface RoutingEngineOptions {
  threads: number;
  /** DuckDB's memory limit, as it writes it. */
  memory: string;
  /** Local, for what DuckDB has no memory for. */
  spillFolder: string;
}

/** DuckDB with the functions that routing needs; for one task after another. */
export class RoutingEngine {
  readonly threads: number;
  readonly database: DuckDb;
  readonly connection: Connection;
  readonly judging: JudgingFunction;

  private constructor(threads: number, database: DuckDb, connection: Connection, judging: JudgingFunction) {
    this.threads = threads;
    this.database = database;
    this.connection = connection;
    this.judging = judging;
  }

  static async open({ threads, memory, spillFolder }: RoutingEngineOptions): Promise<RoutingEngine> {
    const database = await DuckDb.open({ threads, memory, tempDirectory: spillFolder });
    const connection = await database.connect();
    const judging = await registerJudgingFunction(connection);
    await registerBucketFunction(connection);
    return new RoutingEngine(threads, database, connection, judging);
  }

  close(): void {
    this.connection.close();
    this.database.close();
  }
}
