import { mapParallel } from "../base/parallel.ts";
import { isKind, StreamlabError } from "../base/errors.ts";
import type { Connection, TextAppender } from "../engine/duckdb.ts";
import { quoteName, quotePath, quoteText } from "../engine/duckdb.ts";
import { isOutOfMemory, SqlError } from "../engine/sql_error.ts";
import { identifierText, type LoadedTable } from "../iceberg/catalog/catalog.ts";
import type { DataFile } from "../iceberg/format/data_file.ts";
import { appendedSince } from "../iceberg/scan/appended_files.ts";
import { planScan } from "../iceberg/scan/scan.ts";
import type { Scratch } from "../disk/scratch.ts";
import type { EventFile } from "../lake/event_file.ts";
import { LEDGER_COLUMNS } from "../lake/our_columns.ts";
import { fileDamage } from "../tables/read/file_damage.ts";
import type { FileOutcome } from "../lake/routed_batch.ts";

/** Files of the ledger fetched at once, where it lies elsewhere. */
const COPIES_PARALLEL = 32;
const COPY_PREFIX = "ledger-";

export interface ClassifiedFiles {
  /** Files to ingest. */
  fresh: EventFile[];
  /** Known names with other content that is not yet recorded. */
  changed: EventFile[];
}

/** The last batches that brought rows to a table; 0 for none. */
export interface LastWithRows {
  events: bigint;
  deadLetters: bigint;
}

/** What the ledger knows of a target's files: discovering is a listing minus this. */
export interface KnownFiles {
  /**
   * Reads what the ledger has more than the version that is known already; all of it, if that
   * cannot be told.
   */
  follow(ledger: LoadedTable): Promise<void>;
  /** From the ledger as it was read last, without the batches added since. */
  lastWithRows(): LastWithRows;
  /**
   * Adds a batch whose commit took the ledger from one version to the next. If the first is not the
   * known version, nothing happens, and the next `follow` reads the ledger.
   */
  add(outcomes: readonly FileOutcome[], before: LoadedTable, after: LoadedTable): Promise<void>;
  /** The names under which nothing was ingested yet. */
  unknownNames(names: readonly string[]): Promise<Set<string>>;
  /** What is to be done with each file. `asNew`: a known name with other content is a new file. */
  classify(files: readonly EventFile[], asNew: boolean): Promise<ClassifiedFiles>;
}

/**
 * A table in memory, so that SQL computes the listing minus the ledger for any number of files. It
 * is read from the ledger's data files and updated with the batches that this consumer commits.
 */
export class EmbeddedKnownFiles implements KnownFiles {
  #metadataLocation: string | undefined;
  /** The current one of that version. */
  #snapshotId: bigint | undefined;
  #lastWithRows: LastWithRows = { events: 0n, deadLetters: 0n };
  /** Adds to the table as it was made last. */
  #appender: TextAppender | undefined;
  readonly #connection: Connection;
  readonly #target: string;
  readonly #scratch: Scratch;

  constructor(connection: Connection, target: string, scratch: Scratch) {
    this.#connection = connection;
    this.#target = target;
    this.#scratch = scratch;
  }

  async follow(ledger: LoadedTable): Promise<void> {
    if (this.#metadataLocation === ledger.metadataLocation) return;
    const added = this.#metadataLocation === undefined ? undefined : await this.#added(ledger);
    this.#metadataLocation = undefined;
    this.#appender?.close();
    this.#appender = undefined;
    if (added === undefined || !await this.#tryRead(ledger, added)) await this.#readAll(ledger);
    this.#metadataLocation = ledger.metadataLocation;
    this.#snapshotId = ledger.metadata.currentSnapshotId;
  }

  /** Files with all that is new since the known version; undefined where all has to be read. */
  async #added({ io, metadata }: LoadedTable): Promise<DataFile[] | undefined> {
    try {
      return await appendedSince(io, metadata, this.#snapshotId);
    } catch (error) {
      if (isKind(error, "not-found")) return undefined;
      throw error;
    }
  }

  /** False where a file is gone: it was rewritten long ago. Then nothing was read. */
  async #tryRead(ledger: LoadedTable, files: readonly DataFile[]): Promise<boolean> {
    try {
      await this.#read(ledger, files);
      return true;
    } catch (error) {
      if (isKind(error, "not-found")) return false;
      throw error;
    }
  }

  async #readAll(ledger: LoadedTable): Promise<void> {
    await this.#connection.run("CREATE OR REPLACE TEMP TABLE known (name VARCHAR, etag VARCHAR, status VARCHAR)");
    this.#lastWithRows = { events: 0n, deadLetters: 0n };
    const predicate = { op: "=", column: LEDGER_COLUMNS.table, value: this.#target } as const;
    const { files } = await planScan(ledger.io, ledger.metadata, { predicate });
    await this.#read(ledger, files.map(({ dataFile }) => dataFile));
  }

  lastWithRows(): LastWithRows {
    return this.#lastWithRows;
  }

  async #read(ledger: LoadedTable, files: readonly DataFile[]): Promise<void> {
    if (files.length === 0) return;
    const paths = await mapParallel(files, COPIES_PARALLEL, ({ path }) => this.#localCopy(ledger, path));
    try {
      await this.#insert(paths);
    } catch (cause) {
      throw cause instanceof SqlError ? await unreadable(ledger, files, cause) : cause;
    }
    for (const path of paths) if (path.startsWith(this.#scratch.path(COPY_PREFIX))) this.#scratch.removeFile(path);
  }

  async #insert(paths: readonly string[]): Promise<void> {
    const { table, sourceFile, etag, status, batchId, events, deadLetters } = LEDGER_COLUMNS;
    const rows = `FROM read_parquet([${paths.map(quotePath).join(", ")}], hive_partitioning = false)
WHERE ${quoteName(table)} = ${quoteText(this.#target)}`;
    await this.#connection.run(`INSERT INTO known SELECT ${sourceFile}, ${etag}, ${status} ${rows}`);
    const [last] = await this.#connection.rows(`SELECT
  coalesce(max(${batchId}) FILTER (${events} > 0), 0)::BIGINT AS events,
  coalesce(max(${batchId}) FILTER (${deadLetters} > 0), 0)::BIGINT AS letters ${rows}`);
    const before = this.#lastWithRows;
    this.#lastWithRows = {
      events: larger(before.events, last!.events as bigint),
      deadLetters: larger(before.deadLetters, last!.letters as bigint),
    };
  }

  async add(outcomes: readonly FileOutcome[], before: LoadedTable, after: LoadedTable): Promise<void> {
    if (this.#metadataLocation !== before.metadataLocation) return;
    this.#appender ??= await this.#connection.textAppender("known");
    this.#appender.append(outcomes.map(({ name, etag, status }) => [name, etag, status]));
    this.#metadataLocation = after.metadataLocation;
    this.#snapshotId = after.metadata.currentSnapshotId;
  }

  async unknownNames(names: readonly string[]): Promise<Set<string>> {
    await this.#connection.run("CREATE OR REPLACE TEMP TABLE listed (name VARCHAR)");
    await this.#connection.appendText("listed", names.map((name) => [name]));
    const rows = await this.#connection.rows(
      "SELECT name FROM listed ANTI JOIN (SELECT name FROM known WHERE status = 'ingested') USING (name)",
    );
    return new Set(rows.map((row) => row.name as string));
  }

  async classify(files: readonly EventFile[], asNew: boolean): Promise<ClassifiedFiles> {
    await this.#connection.run("CREATE OR REPLACE TEMP TABLE listed (name VARCHAR, etag VARCHAR)");
    await this.#connection.appendText("listed", files.map(({ name, etag }) => [name, etag]));
    const rows = await this.#connection.rows(`SELECT name,
  name IN (SELECT name FROM known WHERE status = 'ingested') AS known_name,
  (name, etag) IN (SELECT (name, etag) FROM known WHERE status = 'ingested') AS ingested,
  (name, etag) IN (SELECT (name, etag) FROM known WHERE status = 'changed') AS recorded FROM listed`);
    const verdicts = new Map(rows.map((row) => [row.name as string, row]));
    const result: ClassifiedFiles = { fresh: [], changed: [] };
    for (const file of files) {
      const verdict = verdicts.get(file.name)!;
      if (verdict.ingested === true) continue;
      if (verdict.known_name !== true || asNew) result.fresh.push(file);
      else if (verdict.recorded !== true) result.changed.push(file);
    }
    return result;
  }

  /** The ledger's files are small and few; remote ones are fetched whole. */
  async #localCopy(ledger: LoadedTable, uri: string): Promise<string> {
    const { store } = ledger.io.location;
    const path = ledger.io.location.pathOf(uri);
    const local = store.localPath(path);
    if (local !== undefined) return local;
    const copy = this.#scratch.path(`${COPY_PREFIX}${path.slice(path.lastIndexOf("/") + 1)}`);
    await store.getFile(path, copy);
    return copy;
  }
}

function larger(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}

/**
 * `not-found` if a file is gone, which a newer version may no longer name; `corrupt` if one is not
 * as it was written.
 */
async function unreadable(ledger: LoadedTable, files: readonly DataFile[], cause: SqlError): Promise<Error> {
  const name = identifierText(ledger.identifier);
  for (const dataFile of files) {
    const damage = await fileDamage(ledger.io.location, dataFile);
    if (damage === undefined) continue;
    const kind = damage === "is gone" ? "not-found" : "corrupt";
    return new StreamlabError(kind, `Cannot read ${name}: its data file ${dataFile.path} ${damage}`, {
      hint: "Restore the file, or all of the lake from one moment",
      cause,
    });
  }
  const { state } = cause;
  if (isOutOfMemory(cause)) return cause;
  return new StreamlabError("corrupt", `Cannot read ${name}: ${state}`, {
    hint: "Restore its data files, or all of the lake from one moment",
    cause,
  });
}
