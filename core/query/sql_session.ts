/**
 * From a text to an answer: check it, find its tables, open only the files that can have rows it
 * needs, and run it with everything else locked. One DuckDB for each question: a locked
 * configuration stays locked.
 *
 * No text of the user's is parsed, bound or run before its DuckDB is closed off: functions with
 * constant arguments are computed while a query is bound. Which files it may open has to be said
 * before that, and is known only after planning. So a question that turns out to need files that
 * its DuckDB may not open starts anew in one that may.
 */
import { StreamlabError } from "../base/errors.ts";
import type { Clock } from "../base/clock.ts";
import type { Random } from "../base/random.ts";
import { type Connection, DuckDb, quoteText } from "../engine/duckdb.ts";
import { type RowStream, streamRows } from "../engine/duckdb_stream.ts";
import type { FileRoot } from "../disk/file_root.ts";
import { Scratch } from "../disk/scratch.ts";
import type { Catalog } from "../iceberg/catalog/catalog.ts";
import { takeTemporaryFolder } from "../disk/temporary_folder.ts";
import type { Store } from "../storage/store.ts";
import type { PastReference } from "./lake_tables.ts";
import type { TimeTravel } from "./time_travel.ts";
import { parseQuestion, type Question, type TableReference } from "./question.ts";
import { questionError, stopped } from "./sql_error.ts";
import { travelOf } from "./table_version.ts";
import { keepZeroSigns } from "./zero_signs.ts";
import type { HistoryPlace, HistoryView } from "./history_view.ts";
import type { QuestionTables } from "./table_binding.ts";

export interface SqlSessionOptions {
  /** Called for the first question that is about a table. */
  openCatalog(): Promise<Catalog>;
  /** The store of the lake, where there is one, for the history of batches and upkeep. */
  openLake?(): Promise<Store>;
  clock: Clock;
  random: Random;
  /** A folder on this machine for data that does not fit in memory and for fetched files. */
  temporaryFolder: string;
  /**
   * The file of DuckDB's extension httpfs, where DuckDB has none in its own folder; false: objects
   * are fetched whole.
   */
  httpfs?: string | false;
  threads?: number;
  /** A folder of this machine: questions may read the CSV, JSON and Parquet files below it. */
  fileRoot?: string | undefined;
  /** As DuckDB writes it: "2GB". */
  memory?: string;
  /** How much of the disk a question may take for what does not fit in memory; default: any. */
  tempSizeMax?: string;
}

export interface AskOptions extends TimeTravel {
  /** Answer with the files that would be opened and skipped, instead of the question's rows. */
  explainScan?: boolean;
  /** The IANA name of the time zone in which instants are read and shown; UTC without it. */
  timeZone?: string;
  signal?: AbortSignal;
}

/**
 * Starts of one question. The second has the files that the first asked for; a third comes only
 * where now() has passed the bound of a file meanwhile.
 */
const STARTS_MAX = 5;

export class Session {
  #catalog: Promise<Catalog> | undefined;
  #root: Promise<FileRoot> | undefined;
  readonly #options: SqlSessionOptions;

  constructor(options: SqlSessionOptions) {
    this.#options = options;
  }

  /** One catalog for all questions, so that its caches last. */
  catalog(): Promise<Catalog> {
    return this.#catalog ??= this.#options.openCatalog();
  }

  /**
   * Passes the answer to `use`, row by row; rows that `use` has not read when it returns are lost.
   * Fails with `usage` for what is no question or does not fit the tables, `not-found` for unknown
   * tables and snapshots, `interrupted` by the signal.
   */
  async ask<T>(text: string, options: AskOptions, use: (rows: RowStream) => Promise<T>): Promise<T> {
    return await this.#run(text, options, [], async (connection, sql) => {
      const rows = await streamRows(connection, sql);
      return await use({ ...rows, timeZone: options.timeZone, chunks: checked(rows.chunks, options.signal) });
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
    const folder = await takeTemporaryFolder(this.#options.temporaryFolder, "query", this.#options);
    const scratch = Scratch.create(folder.path);
    let tables: QuestionTables | undefined;
    let files: string[] = [];
    try {
      const root = await this.#fileRoot();
      for (let start = 0; start < STARTS_MAX; start++) {
        const database = await this.#open(scratch);
        let connection: Connection | undefined;
        const stop = () => void connection?.stop();
        options.signal?.addEventListener("abort", stop);
        try {
          connection = await database.connect();
          if (options.signal?.aborted) throw stopped();
          if (options.timeZone !== undefined) await connection.run(`SET TimeZone = ${quoteText(options.timeZone)}`);
          const readablePaths = await tables?.locate(database) ?? [];
          await closeOff(connection, [...readablePaths, ...writablePaths, ...files]);
          const question = await parseQuestion(connection, text, root);
          if (question.files.some((file) => !files.includes(file))) {
            files = question.files;
            continue;
          }
          tables ??= await this.#tables(connection, question, options, scratch);
          const sql = tables === undefined ? question.sql : await tables.bind(connection);
          if (sql === undefined) continue;
          if (options.signal?.aborted) throw stopped();
          const signed = question.isExplain ? sql : await keepZeroSigns(connection, sql);
          return await use(connection, signed, question);
        } finally {
          options.signal?.removeEventListener("abort", stop);
          database.close();
        }
      }
      throw new StreamlabError("unavailable", "Cannot settle which files this SQL needs: they change with its time", {
        hint: "Ask again, with a fixed time in the place of now()",
      });
    } catch (error) {
      throw questionError(error);
    } finally {
      folder.release();
    }
  }

  #fileRoot(): Promise<FileRoot> | undefined {
    const { fileRoot } = this.#options;
    if (fileRoot === undefined) return undefined;
    return this.#root ??= import("../disk/file_root.ts").then(({ FileRoot }) => FileRoot.open(fileRoot));
  }

  async #historyPlace(): Promise<HistoryPlace> {
    const { openLake, clock, random } = this.#options;
    const store = await openLake?.();
    return { catalog: await this.catalog(), tools: store && { store, clock, random } };
  }

  #open(scratch: Scratch): Promise<DuckDb> {
    const { threads, memory, tempSizeMax } = this.#options;
    return DuckDb.open({
      tempDirectory: scratch.folder,
      tempSizeMax,
      threads,
      memory,
    });
  }

  /** Undefined for a question that is about no table. */
  async #tables(
    connection: Connection,
    question: Question,
    options: AskOptions,
    scratch: Scratch,
  ): Promise<QuestionTables | undefined> {
    const { explainScan = false, timeZone = "UTC" } = options;
    if (question.tables.length === 0 && !question.asksForTables && !explainScan) return undefined;
    const catalog = await this.catalog();
    // The code that reads tables is loaded only if there is one: `select 1` does without.
    const [{ allTables, findTables }, { RemoteFiles }, { QuestionTables }, { historyView }] = await Promise.all([
      import("./lake_tables.ts"),
      import("../tables/read/remote_files.ts"),
      import("./table_binding.ts"),
      import("./history_view.ts"),
    ]);
    const history: HistoryView[] = [];
    const references = question.tables.filter((reference) => {
      const view = historyView(reference, () => this.#historyPlace(), options);
      if (view !== undefined) history.push(view);
      return view === undefined;
    });
    return new QuestionTables(question, {
      tables: await findTables(catalog, await pastReferences(connection, references), options),
      history,
      listed: question.asksForTables ? await allTables(catalog, {}) : [],
      files: new RemoteFiles(scratch, this.#options.httpfs),
      isUtc: timeZone === "UTC",
      explainScan,
    });
  }
}

async function pastReferences(connection: Connection, references: TableReference[]): Promise<PastReference[]> {
  const past: PastReference[] = [];
  for (const reference of references) {
    const version = reference.asked?.version;
    past.push(version === undefined ? reference : { ...reference, travel: await travelOf(connection, version) });
  }
  return past;
}

/**
 * From here on DuckDB opens only these files, and no setting can change except the planning rules.
 */
export async function closeOff(connection: Connection, paths: string[]): Promise<void> {
  await connection.run(`SET allowed_paths = [${paths.map(quoteText).join(", ")}]`);
  await connection.run("SET enable_external_access = false");
  await connection.run("SET allowed_configs = ['disabled_optimizers']");
  await connection.run("SET lock_configuration = true");
}

/** An interrupted stream just ends: the rows so far must not pass for the whole answer. */
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
