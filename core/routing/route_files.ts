import type { Meter } from "../base/meter.ts";
import { StreamlabError } from "../base/errors.ts";
import type { Contract, OnExtraFields } from "../contract/contract.ts";
import { type ColumnRoom, type LeftOut, widenContract } from "../contract/extra_columns.ts";
import { OUR_COLUMNS } from "../lake/our_columns.ts";
import { Judge } from "../contract/judge.ts";
import { type Connection, type DuckDb, isOutOfMemory, SqlError } from "../engine/duckdb.ts";
import type { WrittenFile } from "../engine/copy.ts";
import { readFileLines, type Scratch } from "../disk/scratch.ts";
import { type BrokenFile, countRecords, recountRecords } from "./triage.ts";
import { addCorruptedFile, routeExactly } from "./judge_file.ts";
import { type FileTally, JudgedRows, type PendingRecord } from "./judged_rows.ts";
import { deadLettersSql, judgedEventsSql } from "./judged_sql.ts";
import type { JudgingFunction } from "./judging_function.ts";
import { runLanes } from "./lanes.ts";
import { unspool } from "./packed_files.ts";
import { type CountedFile, isDataError, type LocalFile } from "./record_sql.ts";
import type { SqlColumn, TargetTable } from "../tables/write/target_table.ts";
import { writeRows, writeRowsInTurns } from "../tables/write/table_writer.ts";

export interface RouteOptions {
  database: DuckDb;
  judging: JudgingFunction;
  /** Counts records. */
  meter: Meter;
  threads: number;
  scratch: Scratch;
  contract: Contract;
  onExtraFields: OnExtraFields;
  /** What the tables can still take of fields that the contract does not name. */
  room: ColumnRoom;
  batchId: bigint;
  /** The pinned `_ingested_at`, microseconds since 1970. */
  ingestedAtMicros: bigint;
  /**
   * The tables as they must be for a contract, which is this one or one with more columns (`add`).
   */
  tablesFor(contract: Contract): { events: TargetTable; deadLetters: TargetTable };
}

export interface RoutedFiles {
  /** The contract, perhaps with columns that `add` found. */
  contract: Contract;
  events: { table: TargetTable; written: WrittenFile[] };
  deadLetters: { table: TargetTable; written: WrittenFile[] };
  /** Fields that `add` left in `_rescued`. */
  leftOut: LeftOut;
  /** By the files' numbers. */
  tallies: Map<number, FileTally & { records: number }>;
}

/**
 * Sends every record of the files to one of the two tables, and proves by count that none was lost
 * or doubled. The data files lie in scratch; nothing of any table has changed.
 */
export async function routeFiles(
  files: readonly LocalFile[],
  broken: readonly BrokenFile[],
  options: RouteOptions,
): Promise<RoutedFiles> {
  const connection = await options.database.connect();
  try {
    const run = new RouteRun(connection, options);
    return await run.route(files, broken);
  } finally {
    connection.close();
  }
}

class RouteRun {
  readonly #metadata: SqlColumn[];
  /** A batch may hold more partitions than memory has room for; that shows when it has run out. */
  #inTurns = false;
  readonly #connection: Connection;
  readonly #options: RouteOptions;

  constructor(connection: Connection, options: RouteOptions) {
    this.#connection = connection;
    this.#options = options;

    this.#metadata = [
      [OUR_COLUMNS.ingestedAt, `make_timestamptz(${options.ingestedAtMicros}::BIGINT)`],
      [OUR_COLUMNS.sourceFile, "_name"],
      [OUR_COLUMNS.sourcePosition, "_position"],
      [OUR_COLUMNS.batchId, `${options.batchId}::BIGINT`],
    ];
  }

  async route(files: readonly LocalFile[], broken: readonly BrokenFile[]): Promise<RoutedFiles> {
    const { contract, onExtraFields, tablesFor } = this.#options;
    const judge = new Judge(contract, onExtraFields);
    const counted = await countRecords(this.#connection, files);
    this.#options.meter.count("records", counted.readable.reduce((sum, { records }) => sum + records, 0));
    const plain = await this.#routePlain(counted.readable, judge);
    const { rows } = plain;
    try {
      const records = new Map(plain.files.map((file) => [file.number, file.records]));
      for (const file of [...counted.doubtful, ...plain.doubtful]) {
        records.set(file.number, await routeExactly(file, judge, rows));
      }
      for (const file of [...broken, ...counted.broken]) {
        await addCorruptedFile(file, file.detail, rows);
        records.set(file.number, 0);
      }
      const { contract: widened, leftOut } = await this.#judgePending(rows);
      const tables = tablesFor(widened);
      const names = new Map([...files, ...broken].map(({ number, name }) => [number, name]));
      const judged = await this.#writeJudged(rows, widened, tables, names);
      return {
        contract: widened,
        leftOut,
        events: { table: tables.events, written: [...plain.written, ...judged.events] },
        deadLetters: { table: tables.deadLetters, written: judged.deadLetters },
        tallies: new Map([...records].map(([file, count]) => [file, tallyFile(count, rows.tallyOf(file))])),
      };
    } finally {
      rows.close();
    }
  }

  /** The lanes; without the files that DuckDB stumbles over, which are found when it does. */
  async #routePlain(readable: readonly CountedFile[], judge: Judge): Promise<PlainRun> {
    let files = [...readable];
    const doubtful: LocalFile[] = [];
    for (let attempt = 0;; attempt++) {
      const rows = new JudgedRows(this.#options.scratch, `judged-${attempt}`, this.#options.onExtraFields === "add");
      const written = await this.#tryLanes(files, attempt, judge, rows);
      if (!(written instanceof SqlError)) {
        this.#checkCount(files, written, rows);
        return { files, doubtful, written, rows };
      }
      rows.close();
      if (isOutOfMemory(written) && !this.#inTurns) {
        this.#inTurns = true;
        continue;
      }
      const { scratch } = this.#options;
      const own = files.map((file) => unspool(file, scratch.path(`unspooled-${file.number}`)));
      const recounted = await recountRecords(this.#connection, own);
      // If no single file fails, the data is not at fault.
      if (recounted.doubtful.length === 0) throw written;
      doubtful.push(...recounted.doubtful);
      files = recounted.readable;
    }
  }

  async #tryLanes(
    files: readonly CountedFile[],
    attempt: number,
    judge: Judge,
    rows: JudgedRows,
  ): Promise<WrittenFile[] | SqlError> {
    const { contract, tablesFor } = this.#options;
    const table = tablesFor(contract).events;
    try {
      return await runLanes(files, {
        ...this.#options,
        name: `lanes-${attempt}`,
        table,
        judge,
        rows,
        metadata: this.#metadata,
        inTurns: this.#inTurns,
      });
    } catch (error) {
      if (isDataError(error) || isOutOfMemory(error)) return error;
      throw error;
    }
  }

  /** At once, where memory allows. The query may be repeated. */
  async #writeSomehow(...rows: RowsToWrite): Promise<WrittenFile[]> {
    const [scratch, folder, ...rest] = rows;
    if (!this.#inTurns) {
      try {
        return await writeRows(this.#connection, ...rows);
      } catch (error) {
        if (!isOutOfMemory(error)) throw error;
      }
    }
    return await writeRowsInTurns(this.#connection, scratch, `${folder}-in-turns`, ...rest);
  }

  /** Conservation check: every record that was read was written or judged, by number. */
  #checkCount(files: readonly CountedFile[], written: readonly WrittenFile[], rows: JudgedRows): void {
    const read = files.reduce((sum, file) => sum + file.records, 0);
    const plain = written.reduce((sum, file) => sum + Number(file.records), 0);
    const judged = rows.events + rows.deadLetters + rows.pending;
    if (plain + judged === read) return;
    throw new StreamlabError(
      "internal",
      `Cannot account for every record of batch ${this.#options.batchId}: of ${read} that were read, ${plain} were written and ${judged} judged`,
    );
  }

  /**
   * Judges the events with new columns again, by a contract that has them; returns that contract.
   */
  async #judgePending(rows: JudgedRows): Promise<{ contract: Contract; leftOut: LeftOut }> {
    const { contract, room } = this.#options;
    const { contract: widened, clashing, beyond } = widenContract(contract, rows.extraPaths.values(), room);
    const leftOut = { clashing, beyond };
    if (rows.pending === 0) return { contract, leftOut };
    const judge = new Judge(widened, "rescue");
    rows.flush();
    for await (const line of readFileLines(rows.pendingFile.path)) {
      const { file, position, raw } = JSON.parse(line) as PendingRecord;
      const judgement = judge.judge(raw);
      if (judgement.kind !== "event") {
        throw new StreamlabError("internal", `Cannot judge record ${position} of file ${file} the same way twice`);
      }
      rows.addEvent(file, position, judgement);
    }
    return { contract: widened, leftOut };
  }

  async #writeJudged(
    rows: JudgedRows,
    contract: Contract,
    tables: ReturnType<RouteOptions["tablesFor"]>,
    names: ReadonlyMap<number, string>,
  ): Promise<{ events: WrittenFile[]; deadLetters: WrittenFile[] }> {
    const { scratch, onExtraFields } = this.#options;
    rows.flush();
    const source = { lineBytesMax: rows.lineBytesMax, contract, names, metadata: this.#metadata };
    const write = async (
      table: TargetTable,
      folder: string,
      sql: { query: string; columns: string[] },
      count: number,
    ) => count === 0 ? [] : await this.#writeSomehow(scratch, folder, table, sql.query, sql.columns);
    const events = judgedEventsSql({ ...source, path: rows.eventFile.path }, onExtraFields !== "dead-letter");
    const letters = deadLettersSql({ ...source, path: rows.letterFile.path });
    return {
      events: await write(tables.events, "judged", events, rows.events),
      deadLetters: await write(tables.deadLetters, "letters", letters, rows.deadLetters),
    };
  }
}

/**
 * Events are all records that are no dead letters; a corrupted file has one letter and no records.
 */
function tallyFile(records: number, judged: Readonly<FileTally>): FileTally & { records: number } {
  return { records, events: records === 0 ? 0 : records - judged.deadLetters, deadLetters: judged.deadLetters };
}

type RowsToWrite = Parameters<typeof writeRows> extends [Connection, ...infer Rest] ? Rest : never;

interface PlainRun {
  files: CountedFile[];
  doubtful: LocalFile[];
  written: WrittenFile[];
  rows: JudgedRows;
}
