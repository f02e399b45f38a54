import { mapParallel } from "../base/parallel.ts";
import { isKind, StreamlabError } from "../base/errors.ts";
import type { Connection, DuckDb, TextAppender } from "../engine/duckdb.ts";
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
import { FewKnownFiles } from "./few_known_files.ts";
import { readLedgerRows } from "./ledger_rows.ts";
import type { ClassifiedFiles, KnownFile, KnownFiles, LastWithRows } from "./known_files.ts";

/** Files of the ledger fetched at once, where it lies elsewhere. */
const COPIES_PARALLEL = 32;
const COPY_PREFIX = "ledger-";
/**
 * So many files are kept in a map, some megabytes; DuckDB takes longer to start than a small batch.
 */
const FEW_MAX = 20_000;

/**
 * A table in memory, so that SQL computes the listing minus the ledger for any number of files. It
 * is read from the ledger's data files and updated with the batches that this consumer commits.
 * While they are few, they are in a map, and DuckDB is not opened, unless a file of the ledger is
 * one that only DuckDB reads.
 */
export class EmbeddedKnownFiles implements KnownFiles {
  #few: FewKnownFiles | undefined;
  #database: DuckDb | undefined;
  #openConnection: Connection | undefined;
  #metadataLocation: string | undefined;
  /** The current one of that version. */
  #snapshotId: bigint | undefined;
  #lastWithRows: LastWithRows = { events: 0n, deadLetters: 0n };
  /** Adds to the table as it was made last. */
  #appender: TextAppender | undefined;
  readonly #open: () => Promise<DuckDb>;
  readonly #target: string;
  readonly #scratch: Scratch;
  readonly #fewMax: number;

  /** `open` is called at most once, when there is something to ask DuckDB. */
  constructor(open: () => Promise<DuckDb>, target: string, scratch: Scratch, fewMax = FEW_MAX) {
    this.#open = open;
    this.#target = target;
    this.#scratch = scratch;
    this.#fewMax = fewMax;
  }

  close(): void {
    this.#openConnection?.close();
    this.#database?.close();
  }

  async follow(ledger: LoadedTable): Promise<void> {
    if (this.#metadataLocation === ledger.metadataLocation) return;
    const added = this.#metadataLocation === undefined ? undefined : await this.#added(ledger);
    this.#metadataLocation = undefined;
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

  /** False where a file is gone: it was rewritten long ago. */
  async #tryRead(ledger: LoadedTable, files: readonly DataFile[]): Promise<boolean> {
    if (files.length === 0) return true;
    try {
      if (this.#few !== undefined && await this.#readFew(ledger, files, this.#few)) return true;
      await this.#moveToTable();
      await this.#read(ledger, files);
      return true;
    } catch (error) {
      if (isKind(error, "not-found")) return false;
      throw error;
    }
  }

  async #readAll(ledger: LoadedTable): Promise<void> {
    this.#lastWithRows = { events: 0n, deadLetters: 0n };
    const predicate = { op: "=", column: LEDGER_COLUMNS.table, value: this.#target } as const;
    const { files } = await planScan(ledger.io, ledger.metadata, { predicate });
    const dataFiles = files.map(({ dataFile }) => dataFile);
    const few = new FewKnownFiles();
    this.#few = await this.#readFew(ledger, dataFiles, few) ? few : undefined;
    if (this.#few !== undefined) return;
    await this.#emptyTable();
    await this.#read(ledger, dataFiles);
  }

  /** False, and nothing has changed, where the rows are not few, or only DuckDB reads the files. */
  async #readFew(ledger: LoadedTable, files: readonly DataFile[], few: FewKnownFiles): Promise<boolean> {
    const rows = files.reduce((sum, { recordCount }) => sum + recordCount, few.files.length);
    if (rows > this.#fewMax) return false;
    const parts = await mapParallel(files, COPIES_PARALLEL, (file) => readLedgerRows(ledger, file, this.#target));
    if (parts.includes(undefined)) return false;
    for (const part of parts) {
      few.add(part!.known);
      this.#noteRows(part!.last);
    }
    return true;
  }

  #noteRows({ events, deadLetters }: LastWithRows): void {
    const before = this.#lastWithRows;
    this.#lastWithRows = {
      events: larger(before.events, events),
      deadLetters: larger(before.deadLetters, deadLetters),
    };
  }

  async #read(ledger: LoadedTable, files: readonly DataFile[]): Promise<void> {
    const paths = await mapParallel(files, COPIES_PARALLEL, ({ path }) => this.#localCopy(ledger, path));
    try {
      await this.#insert(paths);
    } catch (cause) {
      throw cause instanceof SqlError ? await unreadable(ledger, files, cause) : cause;
    }
    for (const path of paths) if (path.startsWith(this.#scratch.path(COPY_PREFIX))) this.#scratch.removeFile(path);
  }

  async #connect(): Promise<Connection> {
    if (this.#openConnection !== undefined) return this.#openConnection;
    this.#database = await this.#open();
    return this.#openConnection = await this.#database.connect();
  }

  async #emptyTable(): Promise<void> {
    this.#appender?.close();
    this.#appender = undefined;
    const connection = await this.#connect();
    await connection.run(
      "CREATE OR REPLACE TEMP TABLE known (name VARCHAR, etag VARCHAR, status VARCHAR, batch_id BIGINT)",
    );
  }

  async #append(files: readonly KnownFile[]): Promise<void> {
    this.#appender ??= await (await this.#connect()).textAppender("known");
    this.#appender.append(files.map(({ name, etag, status, batchId }) => [name, etag, status, String(batchId)]));
  }

  lastWithRows(): LastWithRows {
    return this.#lastWithRows;
  }

  async #insert(paths: readonly string[]): Promise<void> {
    // What an appender holds back it would add behind these.
    this.#appender?.close();
    this.#appender = undefined;
    const { table, sourceFile, etag, status, batchId, events, deadLetters } = LEDGER_COLUMNS;
    const rows = `FROM read_parquet([${paths.map(quotePath).join(", ")}], hive_partitioning = false)
WHERE ${quoteName(table)} = ${quoteText(this.#target)}`;
    const connection = await this.#connect();
    await connection.run(`INSERT INTO known SELECT ${sourceFile}, ${etag}, ${status}, ${batchId} ${rows}`);
    const [last] = await connection.rows(`SELECT
  coalesce(max(${batchId}) FILTER (${events} > 0), 0)::BIGINT AS events,
  coalesce(max(${batchId}) FILTER (${deadLetters} > 0), 0)::BIGINT AS letters ${rows}`);
    this.#noteRows({ events: last!.events as bigint, deadLetters: last!.letters as bigint });
  }

  async add(outcomes: readonly KnownFile[], before: LoadedTable, after: LoadedTable): Promise<void> {
    if (this.#metadataLocation !== before.metadataLocation) return;
    if (this.#few === undefined) await this.#append(outcomes);
    else {
      this.#few.add(outcomes);
      if (this.#few.files.length > this.#fewMax) await this.#moveToTable();
    }
    this.#metadataLocation = after.metadataLocation;
    this.#snapshotId = after.metadata.currentSnapshotId;
  }

  async #moveToTable(): Promise<void> {
    if (this.#few === undefined) return;
    const { files } = this.#few;
    await this.#emptyTable();
    await this.#append(files);
    this.#few = undefined;
  }

  async unknownNames(names: readonly string[]): Promise<Set<string>> {
    if (this.#few !== undefined) return this.#few.unknownNames(names);
    const connection = await this.#connect();
    await connection.run("CREATE OR REPLACE TEMP TABLE listed (name VARCHAR)");
    await connection.appendText("listed", names.map((name) => [name]));
    const rows = await connection.rows(
      `WITH near AS MATERIALIZED (SELECT * FROM known SEMI JOIN listed USING (name))
SELECT name FROM listed ANTI JOIN (${notedSql("ingested")}) USING (name)`,
    );
    return new Set(rows.map((row) => row.name as string));
  }

  async classify(files: readonly EventFile[], asNew: boolean): Promise<ClassifiedFiles> {
    if (this.#few !== undefined) return this.#few.classify(files, asNew);
    const connection = await this.#connect();
    await connection.run("CREATE OR REPLACE TEMP TABLE listed (name VARCHAR, etag VARCHAR)");
    await connection.appendText("listed", files.map(({ name, etag }) => [name, etag]));
    // Each IN makes a hash table of its own: of the few known names that are listed, not of all.
    const rows = await connection.rows(`WITH near AS MATERIALIZED (SELECT * FROM known SEMI JOIN listed USING (name))
SELECT name,
  name IN (SELECT name FROM (${notedSql("ingested")})) AS known_name,
  (name, etag) IN (SELECT (name, etag) FROM (${notedSql("ingested")})) AS ingested,
  (name, etag) IN (SELECT (name, etag) FROM (${notedSql("changed")})) AS recorded FROM listed`);
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

/**
 * What a reingest has replaced has no rows any more: put back, it is another version to ingest, and
 * one to be told of again.
 */
function notedSql(status: "ingested" | "changed"): string {
  return `SELECT name, etag FROM near
LEFT JOIN (SELECT name, max(batch_id) AS last FROM near WHERE status = 'reingested' GROUP BY name) USING (name)
WHERE status = '${status}' AND (last IS NULL OR batch_id >= last)`;
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
