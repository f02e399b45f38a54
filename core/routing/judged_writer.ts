import type { Contract, OnExtraFields } from "../contract/contract.ts";
import { readFileText, type Scratch, TextFileWriter } from "../disk/scratch.ts";
import { halveLines, type TextPiece } from "../disk/text_piece.ts";
import type { WrittenFile } from "../engine/copy.ts";
import type { Connection } from "../engine/duckdb.ts";
import { isOutOfMemory, SqlError } from "../engine/sql_error.ts";
import { writeRows, writeRowsInTurns } from "../tables/write/table_writer.ts";
import type { ColumnExpression, TargetTable } from "../tables/write/target_table.ts";
import type { DeadLetter, EventRow, JudgedRows } from "./judged_rows.ts";
import { deadLettersSql, judgedEventsSql, type JudgedSource } from "./judged_sql.ts";

export interface JudgedWriterOptions {
  scratch: Scratch;
  contract: Contract;
  onExtraFields: OnExtraFields;
  /** Names of the batch's files by number. */
  names: ReadonlyMap<number, string>;
  metadata: readonly ColumnExpression[];
  /** Write a few partitions at a time, because memory is too small for all. */
  inTurns: boolean;
}

type RowsSql = (source: JudgedSource) => { query: string; columns: string[] };

/** Called with a row that does not fit into memory; returns the row to write instead, or fails. */
type GiveUp = (line: string, failure: SqlError) => unknown;

/**
 * Writes judged records as data files. If memory is too small for all, it writes some at a time,
 * down to single ones. An event that is too large by itself becomes a dead letter.
 */
export class JudgedWriter {
  readonly #connection: Connection;
  readonly #options: JudgedWriterOptions;
  #inTurns: boolean;
  #hasNegativeZero = false;
  #count = 0;

  constructor(connection: Connection, options: JudgedWriterOptions) {
    this.#connection = connection;
    this.#options = options;
    this.#inTurns = options.inTurns;
  }

  /** To be called before `writeLetters`: it may add some. */
  async writeEvents(rows: JudgedRows, table: TargetTable): Promise<WrittenFile[]> {
    if (rows.events === 0) return [];
    rows.flush();
    const rescued = this.#options.onExtraFields !== "dead-letter";
    this.#hasNegativeZero = rows.hasNegativeZero;
    const piece = { path: rows.eventFile.path, lineBytesMax: rows.lineBytesMax };
    return await this.#write(piece, table, (source) => judgedEventsSql(source, rescued), (line, failure) => {
      const event = JSON.parse(line) as EventRow;
      // A small record fits into any memory, so the record is not at fault.
      if (event.kept === undefined) throw failure;
      rows.addUnwritten(
        event,
        "corrupted_record",
        "expected a record that --memory has room to write, found a larger one",
      );
      return undefined;
    });
  }

  async writeLetters(rows: JudgedRows, table: TargetTable): Promise<WrittenFile[]> {
    if (rows.deadLetters === 0) return [];
    rows.flush();
    this.#hasNegativeZero = rows.hasNegativeZero;
    const piece = { path: rows.letterFile.path, lineBytesMax: rows.lineBytesMax };
    return await this.#write(piece, table, deadLettersSql, (line, failure) => {
      const letter = JSON.parse(line) as DeadLetter;
      // Its text has everything; the columns are only a convenience.
      if (letter.values === null) throw failure;
      return { ...letter, values: null } satisfies DeadLetter;
    });
  }

  async #write(piece: TextPiece, table: TargetTable, sql: RowsSql, giveUp: GiveUp): Promise<WrittenFile[]> {
    const { scratch } = this.#options;
    const written = await this.#tryWrite(piece, table, sql);
    if (!(written instanceof SqlError)) return written;
    const name = scratch.path(`piece-${this.#count++}`);
    const halves = await halveLines(piece.path, [`${name}-a.ndjson`, `${name}-b.ndjson`]);
    if (halves === undefined) {
      const instead = giveUp(await readFileText(piece.path), written);
      if (instead === undefined) return [];
      const line = JSON.stringify(instead) + "\n";
      const file = new TextFileWriter(`${name}.ndjson`);
      file.write(line);
      file.close();
      return await this.#write({ path: file.path, lineBytesMax: line.length * 3 }, table, sql, giveUp);
    }
    const files: WrittenFile[] = [];
    for (const half of halves) {
      files.push(...await this.#write(half, table, sql, giveUp));
      scratch.removeFile(half.path);
    }
    return files;
  }

  /** At once, or else in turns. Returns the error if memory is too small for both. */
  async #tryWrite(
    { path, lineBytesMax }: TextPiece,
    table: TargetTable,
    sql: RowsSql,
  ): Promise<WrittenFile[] | SqlError> {
    const { scratch, contract, names, metadata } = this.#options;
    const { query, columns } = sql({ path, lineBytesMax, contract, names, metadata });
    for (;;) {
      const write = this.#inTurns ? writeRowsInTurns : writeRows;
      try {
        const folder = `judged-rows-${this.#count++}`;
        return await write(this.#connection, scratch, folder, table, query, columns, this.#hasNegativeZero);
      } catch (error) {
        if (!isOutOfMemory(error)) throw error;
        if (this.#inTurns) return error;
        this.#inTurns = true;
      }
    }
  }
}
