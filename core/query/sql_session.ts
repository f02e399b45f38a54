/**
 * From a text to an answer: judge it, find its tables, open only the files that can hold rows it
 * needs, and run it with everything else locked away. One DuckDB for each question: a locked
 * configuration stays locked.
 */
import { StreamlabError } from "../base/errors.ts";
import type { Clock } from "../base/clock.ts";
import type { Random } from "../base/random.ts";
import { type Connection, DuckDb, quoteText } from "../engine/duckdb.ts";
import { type RowStream, streamRows } from "../engine/duckdb_stream.ts";
import { Scratch } from "../disk/scratch.ts";
import type { Catalog } from "../iceberg/catalog/catalog.ts";
import { takeTemporaryFolder } from "../disk/temporary_folder.ts";
import type { TimeTravel } from "./lake_tables.ts";
import { parseQuestion, type Question } from "./question.ts";
import { questionError, stopped } from "./sql_error.ts";

export interface SessionOptions {
  /** Called for the first question that is about a table. */
  openCatalog(): Promise<Catalog>;
  clock: Clock;
  random: Random;
  /** A folder on this machine for what does not fit in memory and for files fetched from afar. */
  temporaryFolder: string;
  /**
   * The file of DuckDB's extension httpfs, where DuckDB has none in its own folder; false: objects
   * are fetched whole.
   */
  httpfs?: string | false;
  threads?: number;
  /** As DuckDB writes it: "2GB". */
  memory?: string;
}

export interface AskOptions extends TimeTravel {
  /** Answer with the files that would be opened and left out, instead of the question's rows. */
  explainsScan?: boolean;
  signal?: AbortSignal;
}

export class Session {
  #catalog: Promise<Catalog> | undefined;
  readonly #options: SessionOptions;

  constructor(options: SessionOptions) {
    this.#options = options;
  }

  /** One catalog for all questions, so that its caches last. */
  catalog(): Promise<Catalog> {
    return this.#catalog ??= this.#options.openCatalog();
  }

  /**
   * Hands the answer to `use`, row by row; what `use` has not walked when it returns is lost. Fails
   * with `usage` for what is no question or does not fit the tables, `not-found` for unknown tables
   * and snapshots, `interrupted` by the signal.
   */
  async ask<T>(text: string, options: AskOptions, use: (rows: RowStream) => Promise<T>): Promise<T> {
    return await this.#run(text, options, [], async (connection, sql) => {
      const rows = await streamRows(connection, sql);
      return await use({ ...rows, chunks: checked(rows.chunks, options.signal) });
    });
  }

  /** Writes the answer over a file of this machine, as Parquet. */
  async writeParquet(text: string, options: AskOptions, localPath: string): Promise<void> {
    await this.#run(text, options, [localPath], async (connection, sql, question) => {
      if (question.isExplain) {
        throw new StreamlabError("usage", "An EXPLAIN has no rows to write to Parquet", {
          hint: "Choose another --format",
        });
      }
      // The statement stands on lines of its own: it may end with a comment.
      await connection.run(
        `COPY (\n${sql}\n) TO ${quoteText(localPath)} (FORMAT parquet, COMPRESSION zstd, USE_TMP_FILE false)`,
      );
    });
  }

  async #run<T>(
    text: string,
    options: AskOptions,
    writablePaths: string[],
    use: (connection: Connection, sql: string, question: Question) => Promise<T>,
  ): Promise<T> {
    const { threads, memory, temporaryFolder } = this.#options;
    const folder = await takeTemporaryFolder(temporaryFolder, "query", this.#options);
    const scratch = Scratch.create(folder.path);
    let database: DuckDb | undefined;
    try {
      database = await DuckDb.open({
        tempDirectory: scratch.folder,
        ...(threads !== undefined && { threads }),
        ...(memory !== undefined && { memory }),
      });
      const connection = await database.connect();
      if (options.signal?.aborted) throw stopped();
      options.signal?.addEventListener("abort", () => connection.interrupt());
      const question = await parseQuestion(connection, text);
      const { sql, localPaths } = await this.#bind(connection, question, options, { database, scratch });
      await lock(connection, [...localPaths, ...writablePaths]);
      // An interruption between two statements reaches neither.
      if (options.signal?.aborted) throw stopped();
      return await use(connection, sql, question);
    } catch (error) {
      throw questionError(error);
    } finally {
      database?.close();
      folder.release();
    }
  }

  /** Makes the question's tables; returns the SQL to run and the only files that it may touch. */
  async #bind(
    connection: Connection,
    question: Question,
    options: AskOptions,
    { database, scratch }: { database: DuckDb; scratch: Scratch },
  ) {
    const explains = options.explainsScan ?? false;
    if (question.tables.length === 0 && !question.asksForTables && !explains) {
      return { sql: question.sql, localPaths: [] };
    }
    const catalog = await this.catalog();
    // What reads tables is loaded where there is one to read: `select 1` does without.
    const [{ allTables, findTables }, { RemoteFiles }, { bindTables }] = await Promise.all([
      import("./lake_tables.ts"),
      import("../tables/read/remote_files.ts"),
      import("./table_binding.ts"),
    ]);
    const tables = await findTables(catalog, question.tables, options);
    const listed = question.asksForTables ? await allTables(catalog, {}) : [];
    const files = new RemoteFiles(database, connection, scratch, this.#options.httpfs);
    const { scans, localPaths } = await bindTables(connection, question, { tables, listed, files, explains });
    if (explains) return { sql: (await import("./explain_scan.ts")).scanSelect(scans), localPaths: [] };
    return { sql: /^\s*show\s+tables\s*$/i.test(question.sql) ? TABLE_LIST_SQL : question.sql, localPaths };
  }
}

/** DuckDB's own list knows only the tables that need no namespace. */
const TABLE_LIST_SQL =
  "SELECT table_schema AS namespace, table_name AS name FROM information_schema.tables ORDER BY ALL";

/** From here on DuckDB opens these files and no others, and nothing can be set any more. */
export async function lock(connection: Connection, paths: string[]): Promise<void> {
  await connection.run(`SET allowed_paths = [${paths.map(quoteText).join(", ")}]`);
  await connection.run("SET enable_external_access = false");
  await connection.run("SET lock_configuration = true");
}

/** A stream that is interrupted merely ends: what was walked so far must not pass for the whole. */
async function* checked<T>(chunks: AsyncIterable<T>, signal: AbortSignal | undefined): AsyncIterable<T> {
  try {
    for await (const chunk of chunks) {
      if (signal?.aborted) throw stopped();
      yield chunk;
    }
  } catch (error) {
    throw questionError(error);
  }
  if (signal?.aborted) throw stopped();
}
