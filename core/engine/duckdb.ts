import type {
  DuckDBAppender,
  DuckDBConnection,
  DuckDBDataChunk,
  DuckDBInstance,
  DuckDBResult,
  DuckDBValue,
} from "@duckdb/node-api";
import { systemClock } from "../base/clock.ts";
import { messageOf, StreamlabError } from "../base/errors.ts";
import { loadNodeApi } from "./duckdb_library.ts";
import { SqlError } from "./sql_error.ts";
import { runOnWorkers } from "./worker_statement.ts";

export interface DuckDbOptions {
  /** Worker threads; all cores unless given. */
  threads?: number;
  /** A size as DuckDB writes it ("1GB"); 80 % of the machine's memory unless given. */
  memory?: string;
  /** Where DuckDB spills; nowhere unless given. */
  tempDirectory?: string;
  /** How much it may spill, as DuckDB writes a size; 90 % of the free disk unless given. */
  tempSizeMax?: string;
  /**
   * Whether rows that nobody sorts stay in the order in which they were read; default: they do. To
   * put them back in order DuckDB holds a block of every column for each row group that it reads.
   */
  keepsOrder?: boolean;
}

/**
 * A value as `rows` returns it: integers beyond 32 bits are `bigint`, the rest DuckDB's own value
 * objects.
 */
export type SqlValue = DuckDBValue;
export type SqlRow = Record<string, SqlValue>;

/** Between two interruptions of a connection that is stopped. */
const INTERRUPTION_MS = 10;

/** One DuckDB database in memory. Several connections share its threads and its memory limit. */
export class DuckDb {
  readonly #instance: DuckDBInstance;
  readonly #open = new Set<Connection>();

  private constructor(instance: DuckDBInstance) {
    this.#instance = instance;
  }

  static async open(options: DuckDbOptions = {}): Promise<DuckDb> {
    const { DuckDBInstance } = await loadNodeApi();
    const config: Record<string, string> = {
      autoinstall_known_extensions: "false",
      autoload_known_extensions: "false",
      // DuckDB counts the caller's thread among its own, but a statement may have to do without it
      // (worker_statement.ts).
      threads: String((options.threads ?? navigator.hardwareConcurrency) + 1),
      ...(options.memory === undefined ? {} : { memory_limit: options.memory }),
      temp_directory: options.tempDirectory ?? "",
      ...(options.tempSizeMax === undefined ? {} : { max_temp_directory_size: options.tempSizeMax }),
      preserve_insertion_order: String(options.keepsOrder ?? true),
      // By default the allocator keeps what was freed until 128 and 512 MB have come together, on
      // top of the memory limit: 2,000 hostile files at a limit of 300 MB took 900 MB, now 630.
      allocator_flush_threshold: "8MB",
      allocator_bulk_deallocation_flush_threshold: "16MB",
      allocator_background_threads: "true",
    };
    try {
      return new DuckDb(await DuckDBInstance.create(":memory:", config));
    } catch (cause) {
      throw new StreamlabError("unavailable", `Cannot start DuckDB: ${firstLine(cause)}`, { cause });
    }
  }

  async connect(): Promise<Connection> {
    const connection = new Connection(await this.#instance.connect(), (closed) => void this.#open.delete(closed));
    this.#open.add(connection);
    // Instants are shown and partitioned in UTC, wherever the machine stands.
    await connection.run("SET TimeZone = 'UTC'");
    return connection;
  }

  /**
   * With its connections: the database lives as long as one of them is open, with its threads and
   * some 5 MB, until the garbage collector happens to come by.
   */
  close(): void {
    for (const connection of this.#open) connection.close();
    this.#instance.closeSync();
  }
}

/** One session: statements run one after another; temporary tables are its own. */
export class Connection {
  readonly inner: DuckDBConnection;
  readonly #onClose: (connection: Connection) => void;
  readonly #closed = new AbortController();
  #running = 0;

  constructor(inner: DuckDBConnection, onClose: (connection: Connection) => void) {
    this.inner = inner;
    this.#onClose = onClose;
  }

  /** Runs statements whose rows do not matter. */
  async run(sql: string): Promise<void> {
    await this.#guarded(() => this.inner.run(sql));
  }

  /** All rows of one query, as objects by column name. */
  async rows(sql: string): Promise<SqlRow[]> {
    return await this.#guarded(async () => (await runOnWorkers(this.inner, sql)).getRowObjects());
  }

  /** Adds rows of text to a table whose columns are all text. */
  async appendText(table: string, rows: Iterable<readonly (string | null)[]>): Promise<void> {
    const appender = await this.textAppender(table);
    try {
      appender.append(rows);
    } finally {
      appender.close();
    }
  }

  /**
   * For who adds to the same table again and again: what an appender holds outside of our heap
   * (some 30 KB) is only freed when that happens to be cleaned.
   */
  async textAppender(table: string): Promise<TextAppender> {
    return new TextAppender(await this.inner.createAppender(table));
  }

  /** A result that is fetched chunk by chunk, for what does not fit in memory. */
  async stream(sql: string): Promise<DuckDBResult> {
    return await this.#guarded(() => this.inner.stream(sql));
  }

  /**
   * The next piece of a stream; undefined after the last. Fails where the connection is closed:
   * DuckDB would call that the end.
   */
  async fetch(result: DuckDBResult): Promise<DuckDBDataChunk | undefined> {
    return await this.#guarded(async () => {
      const chunk = await result.fetchChunk();
      if (this.#isClosed) throw new Error("INTERRUPT Error: the connection is closed");
      return chunk === null || chunk.rowCount === 0 ? undefined : chunk;
    });
  }

  /** Stops what runs on this connection; that statement fails. */
  interrupt(): void {
    if (!this.#isClosed) this.inner.interrupt();
  }

  /**
   * Stops what runs on this connection and what begins later, until it is closed. DuckDB forgets an
   * interruption that comes before a statement, or while one is only prepared: it is repeated.
   */
  async stop(): Promise<void> {
    while (!this.#isClosed) {
      this.inner.interrupt();
      await systemClock.sleep(INTERRUPTION_MS, this.#closed.signal);
    }
  }

  /** A second time does nothing. A statement that still runs on another thread ends first. */
  close(): void {
    if (this.#isClosed) return;
    this.#closed.abort();
    this.#onClose(this);
    if (this.#running === 0) this.#end();
  }

  /** An answer that was not read to its end stops: nobody could stop it any more. */
  #end(): void {
    this.inner.interrupt();
    this.inner.closeSync();
  }

  get #isClosed(): boolean {
    return this.#closed.signal.aborted;
  }

  async #guarded<T>(action: () => Promise<T>): Promise<T> {
    this.#running++;
    try {
      return await action();
    } catch (error) {
      throw new SqlError(error);
    } finally {
      if (--this.#running === 0 && this.#isClosed) this.#end();
    }
  }
}

/** Adds rows to one table, for as long as that is not replaced. */
export class TextAppender {
  readonly #inner: DuckDBAppender;

  constructor(inner: DuckDBAppender) {
    this.#inner = inner;
  }

  /** The rows are in the table when it returns. */
  append(rows: Iterable<readonly (string | null)[]>): void {
    for (const row of rows) {
      for (const value of row) {
        if (value === null) this.#inner.appendNull();
        else this.#inner.appendVarchar(value);
      }
      this.#inner.endRow();
    }
    this.#inner.flushSync();
  }

  close(): void {
    this.#inner.closeSync();
  }
}

function firstLine(error: unknown): string {
  return messageOf(error).split("\n", 1)[0]!;
}

/** Text as a SQL string literal. */
export function quoteText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/**
 * The path of a file of this disk as a SQL literal that means this file alone: DuckDB takes paths
 * for patterns. A pattern cannot hold a backslash, as DuckDB takes that for the end of a folder:
 * where one stands beside other signs, `?` stands for it, which also matches any other character.
 */
export function quotePath(path: string): string {
  if (!/[*?[]/.test(path)) return quoteText(path);
  return quoteText(path.replace(/[*?[\\]/g, (character) => character === "\\" ? "?" : `[${character}]`));
}

/** A name as a SQL identifier. */
export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/**
 * A member of a struct. With a dot the first name would mean a table, or a column, of that name
 * before it means the variable of a lambda.
 */
export function memberSql(struct: string, name: string): string {
  return `struct_extract(${struct}, ${quoteText(name)})`;
}
