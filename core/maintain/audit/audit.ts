import type { Meter } from "../../base/meter.ts";
import { mapParallel } from "../../base/parallel.ts";
import type { Connection, SqlRow } from "../../engine/duckdb.ts";
import { quoteName, quoteText } from "../../engine/duckdb.ts";
import type { LoadedTable } from "../../iceberg/catalog/catalog.ts";
import { identifierText } from "../../iceberg/catalog/catalog.ts";
import { planScan, type ScanFile } from "../../iceberg/scan/scan.ts";
import { findField } from "../../iceberg/format/schema.ts";
import { currentSchema } from "../../iceberg/format/table_metadata.ts";
import { LEDGER_COLUMNS } from "../../lake/our_columns.ts";
import { tableSelect } from "../../tables/read/scan_sql.ts";
import {
  AUDIT_TABLES,
  COMPARE,
  foundSql,
  type Kind,
  MISPLACED_SQL,
  parquetSql,
  placesSql,
  TAKE_STATES,
  wantedSql,
} from "./audit_sql.ts";
import { LocalFiles } from "../../tables/read/local_files.ts";
import type { Surroundings } from "../surroundings.ts";
import { Workshop, type WorkshopOptions } from "../workshop.ts";

/** A raw file as the ledger knows it. */
export interface LedgerFile {
  /** As the ledger calls it. */
  name: string;
  etag: string;
  /** Bytes. */
  size: number;
}

export interface AuditOptions extends Omit<WorkshopOptions, "leavesLake"> {
  /** Of one sequence of batches. */
  tables: { events: LoadedTable; deadLetters: LoadedTable; ledger: LoadedTable };
  /** The etag of a raw file as it is now; undefined where it is gone. */
  etagOf(name: string): Promise<string | undefined>;
  /**
   * What must be in the tables of these files: local Parquet files, until the next call. `missing`:
   * those that changed meanwhile.
   */
  judge(files: readonly LedgerFile[]): Promise<{ events: string[]; deadLetters: string[]; missing: string[] }>;
  signal: AbortSignal;
  /** Counts the raw files that are judged, of `filesMax`. */
  meter: Meter;
}

export interface Discrepancy {
  file: string;
  batchId: bigint;
  /** Of the record in its file, from 0; null where it is the whole file. */
  position: bigint | null;
  /** Goes on where the name of the file or record ends: `is in the tables 2 times`. */
  problem: string;
}

export interface AuditReport {
  /** The ledger's last batch; what came later was not looked at. */
  batchId: bigint;
  /**
   * Files that were ingested, and of these, those that are not there any more: for them, rows were
   * compared with the ledger's counts.
   */
  files: number;
  filesGone: number;
  /** Rows that were found. */
  events: number;
  deadLetters: number;
  /** Records that by the contract of today would be in the other table. */
  misplaced: number;
  discrepancies: number;
  /** The first of them, by file and position. */
  shown: Discrepancy[];
}

/** More only scrolls by. */
const SHOWN_MAX = 1_000;
/** Raw files that are judged at once. */
const JUDGED_BYTES_MAX = 64e6;
const JUDGED_FILES_MAX = 1_000;
/** Data files that are read by one statement. */
const READ_FILES_MAX = 200;
const STATS_PARALLEL = 16;

/**
 * Whether every record of every ingested file is in exactly one of the two tables, once, as the
 * file has it. Raw files are judged anew, and compared with the tables and the ledger by DuckDB,
 * which spills to disk what memory has no room for; nothing is changed.
 */
export async function auditIngestion(surroundings: Surroundings, options: AuditOptions): Promise<AuditReport> {
  const workshop = await Workshop.open(surroundings, { ...options, leavesLake: true });
  try {
    const audit = new Audit(workshop, options);
    await audit.readLedger();
    await audit.judgeFiles();
    await audit.readTable("event", options.tables.events);
    await audit.readTable("dead letter", options.tables.deadLetters);
    return await audit.report();
  } finally {
    workshop.close();
  }
}

class Audit {
  readonly #connection: Connection;
  readonly #folder: string;
  #kept = 0;
  #lastBatchId = 0n;
  readonly #workshop: Workshop;
  readonly #options: AuditOptions;

  constructor(workshop: Workshop, options: AuditOptions) {
    this.#workshop = workshop;
    this.#options = options;

    this.#connection = workshop.connection;
    this.#folder = workshop.scratch.subfolder("places");
  }

  async readLedger(): Promise<void> {
    const { ledger, events } = this.#options.tables;
    await this.#connection.run(AUDIT_TABLES);
    const { table, sourceFile, batchId, status, deadLetters, ...same } = LEDGER_COLUMNS;
    const isOfTarget = `${quoteName(table)} = ${quoteText(identifierText(events.identifier))}`;
    for await (const select of this.#selects(ledger)) {
      await this.#connection.run(`INSERT INTO files
SELECT ${sourceFile}, ${same.etag}, ${same.size}, ${batchId}, ${same.events}, ${deadLetters}, ${same.duplicates}
FROM (${select}) WHERE ${isOfTarget} AND ${status} = 'ingested'`);
      const [row] = await this.#connection.rows(
        `SELECT coalesce(max(${batchId}), 0)::BIGINT AS last FROM (${select}) WHERE ${isOfTarget}`,
      );
      if ((row!.last as bigint) > this.#lastBatchId) this.#lastBatchId = row!.last as bigint;
    }
    await this.#connection.run(`CREATE OR REPLACE TEMP TABLE files AS
SELECT name, etag, any_value(size) AS size, batch_id, any_value(events) AS events, any_value(dead_letters) AS dead_letters,
  any_value(duplicates) AS duplicates, sum(count(*)) OVER (PARTITION BY name, etag)::BIGINT AS times, 'gone' AS state
FROM files GROUP BY name, etag, batch_id`);
  }

  /** Looks at every raw file, and at the records of those that are as they were. */
  async judgeFiles(): Promise<void> {
    const { meter } = this.#options;
    meter.count("filesMax", await this.#count("files"));
    for await (const files of this.#ledgerFiles()) {
      if (this.#options.signal.aborted) return;
      const states = await mapParallel(files, STATS_PARALLEL, async ({ name, etag }) => {
        const found = await this.#options.etagOf(name);
        return found === undefined ? "gone" : found === etag ? "same" : "changed";
      });
      const same = [
        ...new Map(files.filter((_file, index) => states[index] === "same").map((file) => [file.name, file])).values(),
      ];
      const judged = same.length === 0 ? undefined : await this.#options.judge(same);
      const moved = new Set(judged?.missing);
      await this.#connection.appendText(
        "states",
        files.map(({ name, batchId }, index) => [name, batchId, moved.has(name) ? "changed" : states[index]!]),
      );
      await this.#connection.run(TAKE_STATES);
      if (judged !== undefined) {
        await this.#want("event", this.#options.tables.events, judged.events);
        await this.#want("dead letter", this.#options.tables.deadLetters, judged.deadLetters);
      }
      meter.count("files", files.length);
    }
  }

  async readTable(kind: Kind, table: LoadedTable): Promise<void> {
    const { fields } = currentSchema(table.metadata);
    for await (const select of this.#selects(table)) {
      await this.#keep(foundSql(kind, fields, select, this.#lastBatchId));
    }
  }

  async report(): Promise<AuditReport> {
    await this.#connection.run(placesSql(`${this.#folder}/*.parquet`));
    await this.#connection.run(COMPARE);
    const rows = await this.#connection.rows(
      `SELECT name, batch_id, position, problem FROM discrepancies ORDER BY name, batch_id, position LIMIT ${SHOWN_MAX}`,
    );
    const [misplaced] = await this.#connection.rows(MISPLACED_SQL);
    return {
      batchId: this.#lastBatchId,
      files: await this.#count("files"),
      filesGone: await this.#count("files WHERE state = 'gone'"),
      events: await this.#count("places WHERE NOT wanted AND kind = 'event'"),
      deadLetters: await this.#count("places WHERE NOT wanted AND kind = 'dead letter'"),
      misplaced: Number(misplaced!.records),
      discrepancies: await this.#count("discrepancies"),
      shown: rows.map(discrepancyOf),
    };
  }

  async #want(kind: Kind, table: LoadedTable, paths: readonly string[]): Promise<void> {
    if (paths.length === 0) return;
    const described = await this.#connection.rows(`DESCRIBE FROM ${parquetSql(paths)}`);
    const columns = new Set(described.map((row) => row.column_name as string));
    await this.#keep(wantedSql(kind, currentSchema(table.metadata).fields, paths, columns));
  }

  /** On disk: records may be more than memory holds. */
  async #keep(places: string): Promise<void> {
    const path = `${this.#folder}/${this.#kept++}.parquet`;
    await this.#connection.run(`COPY (${places}) TO ${quoteText(path)} (FORMAT parquet, ROW_GROUP_SIZE 20480)`);
  }

  /** The ledger's files in portions, each within the limits of one judgement. */
  async *#ledgerFiles(): AsyncIterable<(LedgerFile & { batchId: string })[]> {
    let after = 0;
    for (;;) {
      const rows = await this.#connection.rows(
        `SELECT name, etag, size, batch_id FROM files ORDER BY batch_id, name, etag LIMIT ${JUDGED_FILES_MAX} OFFSET ${after}`,
      );
      if (rows.length === 0) return;
      let portion: (LedgerFile & { batchId: string })[] = [];
      let bytes = 0;
      for (const row of rows) {
        const size = Number(row.size);
        if (portion.length > 0 && bytes + size > JUDGED_BYTES_MAX) {
          yield portion;
          [portion, bytes] = [[], 0];
        }
        portion.push({ name: row.name as string, etag: row.etag as string, size, batchId: String(row.batch_id) });
        bytes += size;
      }
      yield portion;
      after += rows.length;
    }
  }

  /** The table's live rows, some files at a time. */
  async *#selects(table: LoadedTable): AsyncIterable<string> {
    const local = new LocalFiles(table.io, this.#workshop.scratch);
    const schema = currentSchema(table.metadata);
    const { files } = await planScan(table.io, table.metadata);
    for (let from = 0; from < files.length; from += READ_FILES_MAX) {
      const portion = files.slice(from, from + READ_FILES_MAX);
      yield tableSelect({
        columns: schema.fields,
        fieldById: (id) => findField(schema, id),
        files: await mapParallel(portion, STATS_PARALLEL, (file) => viewFile(file, local)),
      });
      await local.forget(portion.map(({ dataFile }) => dataFile));
    }
  }

  async #count(what: string): Promise<number> {
    const [row] = await this.#connection.rows(`SELECT count(*) AS count FROM ${what}`);
    return Number(row!.count);
  }
}

async function viewFile({ dataFile, deletes }: ScanFile, local: LocalFiles) {
  return {
    file: dataFile,
    localPath: await local.pathOf(dataFile),
    deletes: await Promise.all(deletes.map(async (file) => ({ file, localPath: await local.pathOf(file) }))),
  };
}

function discrepancyOf(row: SqlRow): Discrepancy {
  return {
    file: row.name as string,
    batchId: row.batch_id as bigint,
    position: row.position as bigint | null,
    problem: row.problem as string,
  };
}
