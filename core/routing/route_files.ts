import { StreamlabError } from "../base/errors.ts";
import type { Contract } from "../contract/contract.ts";
import { type LeftOut, widenContract } from "../contract/extra_columns.ts";
import { OUR_COLUMNS } from "../lake/our_columns.ts";
import { Judge } from "../contract/judge.ts";
import type { Connection } from "../engine/duckdb.ts";
import type { WrittenFile } from "../engine/copy.ts";
import { SqlError } from "../engine/sql_error.ts";
import { readFileLines } from "../disk/scratch.ts";
import { type BrokenFile, countRecords } from "./triage.ts";
import { addCorruptedFile, ExactRouting } from "./judge_file.ts";
import type { FileTally, JudgedRows, PendingRecord } from "./judged_rows.ts";
import { JudgedWriter } from "./judged_writer.ts";
import type { LocalRawFile } from "./record_sql.ts";
import type { RouteOptions } from "./route_options.ts";
import { PlainRouting } from "./route_plain.ts";
import type { ColumnExpression, TargetTable } from "../tables/write/target_table.ts";

export interface RoutedFiles {
  /** The contract, perhaps with columns that `add` found. */
  contract: Contract;
  events: { table: TargetTable; written: WrittenFile[] };
  deadLetters: { table: TargetTable; written: WrittenFile[] };
  /** Fields that `add` left in `_rescued`. */
  leftOut: LeftOut;
  /** Dead letters by reason. */
  reasons: ReadonlyMap<string, number>;
  /** By the files' numbers. */
  tallies: Map<number, FileTally & { records: number }>;
}

/**
 * Sends every record of the files to one of the two tables, and checks by count that none was lost
 * or doubled. The data files are in scratch; no table has changed.
 */
export async function routeFiles(
  files: readonly LocalRawFile[],
  broken: readonly BrokenFile[],
  options: RouteOptions,
): Promise<RoutedFiles> {
  const connection = await options.database.connect();
  try {
    const run = new RouteRun(connection, options);
    return await run.route(files, broken);
  } catch (error) {
    throw error instanceof SqlError ? error.during(`Cannot route batch ${options.batchId}`) : error;
  } finally {
    connection.close();
  }
}

class RouteRun {
  readonly #metadata: ColumnExpression[];
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

  async route(files: readonly LocalRawFile[], broken: readonly BrokenFile[]): Promise<RoutedFiles> {
    const { contract, onExtraFields, tablesFor } = this.#options;
    const judge = new Judge(contract, onExtraFields);
    const counted = await countRecords(this.#connection, files);
    this.#options.meter.count("records", counted.readable.reduce((sum, { records }) => sum + records, 0));
    const routing = new PlainRouting(this.#options, judge, this.#metadata);
    const plain = await routing.route(counted.readable);
    const { rows } = plain;
    try {
      const records = new Map(plain.files.map((file) => [file.number, file.records]));
      const exact = new ExactRouting(this.#connection, this.#options, judge);
      for (const file of [...counted.doubtful, ...plain.doubtful]) {
        records.set(file.number, await exact.route(file, rows));
      }
      for (const file of [...broken, ...counted.broken]) {
        await addCorruptedFile(file, file.detail, rows);
        records.set(file.number, 0);
      }
      const { contract: widened, leftOut } = await this.#judgePending(rows);
      const tables = tablesFor(widened);
      const names = new Map([...files, ...broken].map(({ number, name }) => [number, name]));
      const writer = new JudgedWriter(this.#connection, {
        ...this.#options,
        contract: widened,
        names,
        metadata: this.#metadata,
        inTurns: routing.inTurns,
      });
      const events = await writer.writeEvents(rows, tables.events);
      const letters = await writer.writeLetters(rows, tables.deadLetters);
      return {
        contract: widened,
        leftOut,
        events: { table: tables.events, written: [...plain.written, ...events] },
        deadLetters: { table: tables.deadLetters, written: letters },
        reasons: rows.reasons,
        tallies: new Map([...records].map(([file, count]) => [file, tallyFile(count, rows.tallyOf(file))])),
      };
    } finally {
      rows.close();
    }
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
      rows.addEvent(file, position, raw, judgement);
    }
    return { contract: widened, leftOut };
  }
}

/**
 * Events are all records that are no dead letters; a corrupted file has one letter and no records.
 */
function tallyFile(records: number, judged: Readonly<FileTally>): FileTally & { records: number } {
  return { records, events: records === 0 ? 0 : records - judged.deadLetters, deadLetters: judged.deadLetters };
}
