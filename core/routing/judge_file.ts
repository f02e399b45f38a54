import { counted, formatCount } from "../base/counted.ts";
import type { Connection } from "../engine/duckdb.ts";
import { streamRows } from "../engine/duckdb_stream.ts";
import { isOutOfMemory, type SqlError } from "../engine/sql_error.ts";
import type { Judge } from "../contract/judge.ts";
import { RECORD_BYTES_MAX, type RecordText, scanJsonArray, scanNdjson } from "../json/text.ts";
import { signatureOf } from "../disk/file_signature.ts";
import { readFileBlocks } from "../disk/scratch.ts";
import { headOf, otherKind } from "./file_kind.ts";
import { bytesText, fileText, headText, keptRecordText } from "./corrupted_file.ts";
import { JudgedRows } from "./judged_rows.ts";
import { detailOfRow, parquetRecords, parquetRows, whyNotParquet } from "./parquet_json_sql.ts";
import { RECORD_COLUMNS } from "./sql/record_query.ts";
import { isFileFault, type LocalRawFile } from "./record_sql.ts";
import type { RouteOptions } from "./route_options.ts";

/**
 * The exact path, for files that SQL cannot read, or not at once: record by record, with one in
 * memory at a time.
 */
export class ExactRouting {
  readonly #connection: Connection;
  readonly #options: RouteOptions;
  readonly #judge: Judge;

  constructor(connection: Connection, options: RouteOptions, judge: Judge) {
    this.#connection = connection;
    this.#options = options;
    this.#judge = judge;
  }

  /**
   * An array was validated before; a broken file of another format becomes one dead letter. Returns
   * the number of records (0 for a broken file).
   */
  async route(file: LocalRawFile, rows: JudgedRows): Promise<number> {
    if (file.format === "parquet") return await this.#routeParquet(file, rows);
    if (file.format === "ndjson") {
      const found = signatureOf(headOf(file));
      if (found === undefined) return await routeLines(file, this.#judge, rows);
      // Each of its lines would be a letter, and none would say what the file is.
      await addCorruptedFile(file, `expected lines of JSON, found ${otherKind(found)}`, rows);
      return 0;
    }
    let count = 0;
    for await (const records of scanJsonArray(blocksOf(file))) {
      for (const record of records) judgeInto(file.number, record, this.#judge, rows);
      count += records.length;
    }
    return count;
  }

  /** Judges row by row; the results count only if the whole file could be read. */
  async #routeParquet(file: LocalRawFile, rows: JudgedRows): Promise<number> {
    const { scratch, onExtraFields } = this.#options;
    const own = new JudgedRows(scratch, `parquet-${file.number}`, onExtraFields === "add");
    try {
      const expected = await parquetRows(this.#connection, file);
      const count = await this.#judgeParquet(file, own);
      if (count === expected) {
        await rows.absorb(own);
        return count;
      }
      await addCorruptedFile(
        file,
        `a Parquet file of ${counted(expected, "row")} by its footer, and ${formatCount(count)} in its pages`,
        rows,
      );
    } catch (error) {
      if (isOutOfMemory(error)) await addCorruptedFile(file, tooLargeParquet(error), rows);
      else if (isFileFault(error)) await addCorruptedFile(file, whyNotParquet(file, error), rows);
      else throw error;
    } finally {
      own.remove();
    }
    return 0;
  }

  async #judgeParquet(file: LocalRawFile, rows: JudgedRows): Promise<number> {
    const { sql } = await parquetRecords(this.#connection, file);
    const { position, record } = RECORD_COLUMNS;
    const { chunks } = await streamRows(this.#connection, `SELECT ${position}, ${record} FROM (${sql})`);
    const encoder = new TextEncoder();
    let count = 0;
    for await (const chunk of chunks) {
      for (const [position, record] of chunk) {
        const bytes = encoder.encode(record as string);
        const text = { bytes, position: Number(position), offset: 0 };
        judgeInto(file.number, text, this.#judge, rows, (detail) => detailOfRow(detail, record as string));
      }
      count += chunk.length;
    }
    return count;
  }
}

function tooLargeParquet(error: SqlError): string {
  return `a Parquet file that takes more memory to read than --memory gives: ${error.state}`;
}

/** A dead letter for a whole file. */
export async function addCorruptedFile(
  file: Pick<LocalRawFile, "number" | "path" | "offset" | "size">,
  detail: string,
  rows: JudgedRows,
): Promise<void> {
  const { raw, note } = await fileText(file.path, file.size, file.offset);
  rows.addDeadLetter({
    file: file.number,
    position: null,
    reason: "corrupted_batch",
    detail: detail + note,
    raw,
    values: null,
  });
}

async function routeLines(file: LocalRawFile, judge: Judge, rows: JudgedRows): Promise<number> {
  let count = 0;
  const lines = scanNdjson(blocksOf(file));
  for (;;) {
    const next = await lines.next();
    if (next.done) {
      if (count === 0) {
        await addCorruptedFile(file, next.value.kind === "corrupt" ? next.value.detail : "no lines", rows);
      }
      return count;
    }
    for (const record of next.value) {
      judgeInto(file.number, record, judge, rows);
      count++;
    }
  }
}

function blocksOf({ path, offset = 0, size }: LocalRawFile): AsyncGenerator<Uint8Array> {
  return readFileBlocks(path, offset, offset + size);
}

function judgeInto(
  file: number,
  record: RecordText,
  judge: Judge,
  rows: JudgedRows,
  explain: (detail: string) => string = (detail) => detail,
): void {
  const { bytes, position, oversize } = record;
  if (oversize !== undefined) {
    const { raw, note } = headText(bytes, oversize);
    const detail = `expected a record of at most ${RECORD_BYTES_MAX} bytes, found ${oversize.size}${note}`;
    return rows.addDeadLetter({ file, position, reason: "corrupted_record", detail, raw, values: null });
  }
  const judgement = judge.judgeBytes(bytes);
  if (judgement.kind === "event") return rows.add(file, position, bytesText(bytes).raw, judgement);
  const { raw, note } = keptRecordText(bytes);
  const [reason, values] = judgement.kind === "not_json"
    ? ["corrupted_record", null] as const
    : [judgement.reason, judgement.values] as const;
  rows.addDeadLetter({ file, position, reason, detail: explain(judgement.detail) + note, raw, values });
}
