import type { Meter } from "../../base/meter.ts";
import { StreamlabError } from "../../base/errors.ts";
import { mapParallel } from "../../base/parallel.ts";
import type { Connection, SqlRow } from "../../engine/duckdb.ts";
import { quoteName, quoteText } from "../../engine/duckdb.ts";
import { isOutOfMemory } from "../../engine/sql_error.ts";
import { type Catalog, identifierText, type LoadedTable } from "../../iceberg/catalog/catalog.ts";
import type { Snapshot } from "../../iceberg/format/snapshot.ts";
import { currentSchema, snapshotOfRef } from "../../iceberg/format/table_metadata.ts";
import { dedupeHistory } from "../../lake/dedupe_rule.ts";
import { LEDGER_COLUMNS } from "../../lake/our_columns.ts";
import { type ReplacedRows, replacedRows } from "../../lake/replaced_rows.ts";
import { removedRepeats } from "../../lake/removed_repeats.ts";
import { TOMBSTONES_BRANCH } from "../../lake/table_names.ts";
import { markerOf } from "../../lake/target.ts";
import { targetRecordOf } from "../../lake/target_record.ts";
import type { UpsertRule } from "../../lake/upsert_rule.ts";
import {
  AUDIT_TABLES,
  type BatchRange,
  compareSql,
  foundSql,
  type Kind,
  MISPLACED_SQL,
  NO_PLACES,
  parquetSql,
  placesSql,
  type RemovedEvents,
  TAKE_FILES,
  TAKE_STATES,
  wantedSql,
} from "./audit_sql.ts";
import { type AuditedTables, checkTables, lastUnderWay } from "./audited_tables.ts";
import {
  askedSql,
  countedSql,
  droppedSql,
  keptSql,
  type Keying,
  keyingsOf,
  removedSql,
  REPEAT_TABLES,
  type RepeatRules,
  repeatViewsSql,
} from "./repeats_sql.ts";
import { comingSql, newestFindingsSql, standingSql } from "./newest_sql.ts";
import { type Damage, TableRows } from "../table_rows.ts";
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

/** One that a batch has ingested. */
export interface BatchFile extends LedgerFile {
  /** Decimal. */
  batchId: string;
  /** Decimal; the one by whose rules, where it is a replay that has judged dead letters again. */
  replay: string | undefined;
}

/** What became of raw files that were judged again; it is there until the next ones are. */
export interface JudgedFiles {
  /** Local Parquet files, by the rules that they were judged by; `replay` as in `BatchFile`. */
  parts: { replay: string | undefined; events: string[]; deadLetters: string[] }[];
  /** Names of those that changed meanwhile. */
  missing: string[];
  /** Batches whose own rules are not remembered. */
  guessed: string[];
}

export interface AuditOptions extends Omit<WorkshopOptions, "leavesLake"> {
  tables: AuditedTables;
  /** The etag of a raw file as it is now, wherever it was moved to; undefined where it is gone. */
  etagOf(file: LedgerFile): Promise<string | undefined>;
  /** What must be in the tables of these files. */
  judge(files: readonly BatchFile[]): Promise<JudgedFiles>;
  signal: AbortSignal;
  /** Counts the raw files that are judged, of `filesMax`. */
  meter: Meter;
}

export interface Discrepancy {
  file: string;
  batchId: bigint;
  /** Of the record in its file, from 0; null where it is the whole file. */
  position: bigint | null;
  /** Continues after the name of the file or record: `is in the tables 2 times`. */
  problem: string;
}

export interface AuditReport {
  /** The ledger's last batch; later ones were not checked. */
  batchId: bigint;
  /**
   * Ingested files, and those of them that are gone: for these, rows were compared with the
   * ledger's counts.
   */
  files: number;
  filesGone: number;
  /** Rows that were found. */
  events: number;
  deadLetters: number;
  /** Events that `maintain --dedupe-by` has removed. */
  repeatsRemoved: number;
  /** Rows that newer records of their keys have taken the place of. */
  rowsReplaced: number;
  /** Records that today's contract would send to the other table. */
  misplaced: number;
  discrepancies: number;
  /** The first of them, by file and position. */
  shown: Discrepancy[];
  /** Files of the tables that are missing, cut or unreadable, with the rows that were in them. */
  damages: Damage[];
}

/** More only scrolls by. */
const SHOWN_MAX = 1_000;
/** Raw files that are judged at once. */
const JUDGED_BYTES_MAX = 64e6;
const JUDGED_FILES_MAX = 1_000;
const STATS_PARALLEL = 16;

/**
 * Whether every record of every ingested file is in exactly one of the two tables, once, as the
 * file has it. Raw files are judged again. DuckDB compares them with the tables and the ledger, and
 * spills to disk. Nothing is changed.
 */
export async function auditIngestion(surroundings: Surroundings, options: AuditOptions): Promise<AuditReport> {
  checkTables(options.tables);
  const underWay = await lastUnderWay(surroundings, options.tables);
  const workshop = await Workshop.open(surroundings, { ...options, leavesLake: true });
  try {
    const audit = new Audit(surroundings.catalog, workshop, options);
    await audit.readLedger(underWay);
    await audit.judgeFiles();
    await audit.readTable("event", options.tables.events);
    await audit.readTable("dead letter", options.tables.deadLetters);
    return await audit.report();
  } finally {
    workshop.close();
  }
}

/** Events with the keys that repeats are told by: those of the table, and of the raw files. */
type Keys = "kept" | "asked";

class Audit {
  readonly #connection: Connection;
  readonly #folder: string;
  readonly #target: string;
  readonly #damages: Damage[] = [];
  #kept = 0;
  #batches: BatchRange = { last: 0n, underWay: 0n };
  readonly #workshop: Workshop;
  readonly #options: AuditOptions;

  readonly #catalog: Catalog;
  readonly #rules: RepeatRules;
  readonly #keyings: readonly Keying[];
  readonly #upsert: UpsertRule | undefined;
  /** Of which there are files. */
  readonly #keptKeys = new Set<Keys>();

  constructor(catalog: Catalog, workshop: Workshop, options: AuditOptions) {
    this.#catalog = catalog;
    this.#workshop = workshop;
    this.#options = options;

    this.#connection = workshop.connection;
    this.#target = identifierText(options.tables.events.identifier);
    this.#folder = workshop.scratch.subfolder("places");
    this.#rules = {
      dropped: dedupeHistory(options.tables.ledger.metadata.properties, this.#target),
      removed: removedRepeats(options.tables.events.metadata.properties, this.#target),
    };
    this.#keyings = keyingsOf(this.#rules);
    this.#upsert = targetRecordOf(options.tables.events.metadata.properties, this.#target)?.options.upsert;
  }

  async readLedger(underWay: bigint): Promise<void> {
    const { ledger } = this.#options.tables;
    await this.#connection.run(AUDIT_TABLES);
    await this.#keep(NO_PLACES);
    const { table, sourceFile, batchId, status, deadLetters, superseded, ...same } = LEDGER_COLUMNS;
    const hasSuperseded = currentSchema(ledger.metadata).fields.some(({ name }) => name === superseded);
    const dropped = hasSuperseded ? `${same.duplicates} + coalesce(${superseded}, 0)` : same.duplicates;
    const columns = [sourceFile, same.etag, same.size, batchId, same.events, deadLetters, dropped, status];
    await this.#readRows(ledger, async (select) => {
      await this.#connection.run(`INSERT INTO ledger_lines SELECT ${columns.join(", ")}
FROM (${select}) WHERE ${quoteName(table)} = ${quoteText(this.#target)}`);
    });
    await this.#connection.run(TAKE_FILES);
    const [row] = await this.#connection.rows("SELECT coalesce(max(batch_id), 0)::BIGINT AS last FROM ledger_lines");
    // The unreadable part may be a line of the last batch.
    const marker = markerOf(ledger.metadata, this.#target).batchId;
    const last = row!.last as bigint;
    this.#batches = { last: last > marker ? last : marker, underWay };
  }

  /** Checks every raw file, and the records of those that are unchanged. */
  async judgeFiles(): Promise<void> {
    const { meter } = this.#options;
    meter.count("filesMax", await this.#count("files"));
    for await (const files of this.#ledgerFiles()) {
      if (this.#options.signal.aborted) return;
      const states = await mapParallel(files, STATS_PARALLEL, async (file) => {
        const found = await this.#options.etagOf(file);
        return found === undefined ? "gone" : found === file.etag ? "same" : "changed";
      });
      const same = [
        ...new Map(
          files.filter((_file, index) => states[index] === "same").map((file) => [`${file.name} ${file.replay}`, file]),
        ).values(),
      ];
      const judged = same.length === 0 ? undefined : await this.#options.judge(same);
      const moved = new Set(judged?.missing);
      await this.#connection.appendText(
        "states",
        files.map(({ name, batchId }, index) => [name, batchId, moved.has(name) ? "changed" : states[index]!]),
      );
      await this.#connection.run(TAKE_STATES);
      await this.#connection.appendText("guessed", judged?.guessed.map((batchId) => [batchId]) ?? []);
      for (const { events, deadLetters, replay } of judged?.parts ?? []) {
        await this.#want("event", this.#options.tables.events, events, replay);
        await this.#want("dead letter", this.#options.tables.deadLetters, deadLetters, replay);
      }
      meter.count("files", files.filter(({ replay }) => replay === undefined).length);
    }
  }

  async readTable(kind: Kind, table: LoadedTable): Promise<void> {
    const { fields } = currentSchema(table.metadata);
    await this.#readRows(table, async (select) => {
      // First: where it is repeated in parts, a key may be there twice.
      if (kind === "event" && this.#keyings.length > 0) {
        await this.#keep(keptSql(this.#keyings, fields, select, this.#batches.last), "kept");
      }
      if (kind === "event" && this.#upsert !== undefined) await this.#stand(this.#upsert, table, select, false);
      await this.#keep(foundSql(kind, fields, select, this.#batches));
    });
    const branch = snapshotOfRef(table.metadata, TOMBSTONES_BRANCH);
    const rule = this.#upsert;
    if (kind !== "event" || rule === undefined || branch === undefined) return;
    await this.#readRows(table, (select) => this.#stand(rule, table, select, true), branch);
  }

  async #stand(rule: UpsertRule, { metadata }: LoadedTable, select: string, removes: boolean): Promise<void> {
    await this.#keep(standingSql(rule, currentSchema(metadata).fields, select, removes), "kept");
  }

  async #findRepeats(): Promise<void> {
    await this.#connection.run(REPEAT_TABLES);
    const isThere = (kind: Keys) => this.#keptKeys.has(kind);
    if (!isThere("kept")) return;
    const glob = (kind: Keys) => `${this.#folder}/${kind}/*.parquet`;
    if (this.#upsert !== undefined) {
      await this.#connection.run(newestFindingsSql(glob("kept"), isThere("asked") ? glob("asked") : undefined));
      return;
    }
    await this.#connection.run(repeatViewsSql(glob("kept"), isThere("asked") ? glob("asked") : undefined));
    if (this.#rules.removed.length > 0) {
      // What was removed by one key may have stood for what was removed before by another one.
      for (let before = -1; before < await this.#count("removed_rightly");) {
        before = await this.#count("removed_rightly");
        await this.#connection.run(removedSql(this.#rules));
      }
    }
    if (this.#rules.dropped.length > 0) await this.#connection.run(droppedSql(this.#rules));
    const isOfSeveral = this.#rules.removed.length > 0 && this.#keyings.length > 1;
    if (isOfSeveral) await this.#connection.run(countedSql(this.#rules));
  }

  async report(): Promise<AuditReport> {
    await this.#connection.run(placesSql(`${this.#folder}/*.parquet`));
    await this.#findRepeats();
    await this.#connection.run(compareSql(this.#target, this.#removed()));
    const rows = await this.#connection.rows(
      `SELECT name, batch_id, position, problem FROM discrepancies ORDER BY name, batch_id, position LIMIT ${SHOWN_MAX}`,
    );
    const [misplaced] = await this.#connection.rows(MISPLACED_SQL);
    const report: AuditReport = {
      batchId: this.#batches.last,
      files: await this.#count("files"),
      filesGone: await this.#count("files WHERE state = 'gone'"),
      events: await this.#count("places WHERE NOT wanted AND kind = 'event'"),
      deadLetters: await this.#count("places WHERE NOT wanted AND kind = 'dead letter'"),
      repeatsRemoved: this.#rules.removed.reduce((sum, { events }) => sum + events, 0),
      rowsReplaced: this.#replaced().events,
      misplaced: Number(misplaced!.records),
      discrepancies: await this.#count("discrepancies"),
      shown: rows.map(discrepancyOf),
      damages: this.#damages,
    };
    const found = report.events + report.deadLetters + report.damages.length;
    if (report.batchId > 0n || found > 0) return report;
    throw new StreamlabError("not-found", `There is nothing to audit: nothing was ingested for ${this.#target}`, {
      hint: "Run streamlab consume first, or name another table with --table",
    });
  }

  #replaced(): ReplacedRows {
    return replacedRows(this.#options.tables.events.metadata.properties, this.#target);
  }

  /** In all, by whatever key. */
  #removed(): RemovedEvents {
    const removed = [...this.#rules.removed, this.#replaced()];
    return {
      through: removed.reduce((last, { through }) => Math.max(last, through), 0),
      events: removed.reduce((sum, { events }) => sum + events, 0),
      areReplaced: this.#upsert !== undefined,
    };
  }

  async #readRows(table: LoadedTable, use: (select: string) => Promise<void>, snapshot?: Snapshot): Promise<void> {
    const rows = new TableRows(this.#catalog, table, this.#workshop.scratch);
    await rows.read(use, snapshot);
    this.#damages.push(...rows.damages);
  }

  /** If memory is too small for all files, they are retried in halves. */
  async #want(kind: Kind, table: LoadedTable, paths: readonly string[], replay: string | undefined): Promise<void> {
    if (paths.length === 0) return;
    const described = await this.#connection.rows(`DESCRIBE FROM ${parquetSql(paths)}`);
    const rows = { paths, columns: new Set(described.map((row) => row.column_name as string)), replay };
    try {
      const { fields } = currentSchema(table.metadata);
      if (kind === "event" && this.#keyings.length > 0) await this.#keep(askedSql(this.#keyings, rows), "asked");
      if (kind === "event" && this.#upsert) await this.#keep(comingSql(this.#upsert, fields, rows), "asked");
      await this.#keep(wantedSql(kind, fields, rows));
    } catch (error) {
      if (!isOutOfMemory(error) || paths.length === 1) throw error;
      const middle = Math.ceil(paths.length / 2);
      await this.#want(kind, table, paths.slice(0, middle), replay);
      await this.#want(kind, table, paths.slice(middle), replay);
    }
  }

  /** On disk, since records may exceed memory. A failed one leaves nothing. */
  async #keep(places: string, keys?: Keys): Promise<void> {
    const folder = keys === undefined ? this.#folder : this.#workshop.scratch.subfolder(`places/${keys}`);
    if (keys !== undefined) this.#keptKeys.add(keys);
    const path = `${folder}/${this.#kept++}.parquet`;
    try {
      await this.#connection.run(`COPY (${places}) TO ${quoteText(path)} (FORMAT parquet, ROW_GROUP_SIZE 20480)`);
    } catch (error) {
      this.#workshop.scratch.removeFile(path);
      throw error;
    }
  }

  /** The ledger's files in portions, each within the limits of one judgement. */
  async *#ledgerFiles(): AsyncIterable<BatchFile[]> {
    let after = 0;
    for (;;) {
      const rows = await this.#connection.rows(
        `SELECT name, etag, size, batch_id::VARCHAR AS batch_id, nullif(judged_as, batch_id)::VARCHAR AS replay
FROM judged_files ORDER BY judged_files.batch_id, name, etag, judged_as LIMIT ${JUDGED_FILES_MAX} OFFSET ${after}`,
      );
      if (rows.length === 0) return;
      let portion: BatchFile[] = [];
      let bytes = 0;
      for (const row of rows) {
        const size = Number(row.size);
        if (portion.length > 0 && bytes + size > JUDGED_BYTES_MAX) {
          yield portion;
          [portion, bytes] = [[], 0];
        }
        const [name, etag, batchId, replay] = [row.name, row.etag, row.batch_id, row.replay] as string[];
        portion.push({ name: name!, etag: etag!, size, batchId: batchId!, replay: replay ?? undefined });
        bytes += size;
      }
      yield portion;
      after += rows.length;
    }
  }

  async #count(what: string): Promise<number> {
    const [row] = await this.#connection.rows(`SELECT count(*) AS count FROM ${what}`);
    return Number(row!.count);
  }
}

function discrepancyOf(row: SqlRow): Discrepancy {
  return {
    file: row.name as string,
    batchId: row.batch_id as bigint,
    position: row.position as bigint | null,
    problem: row.problem as string,
  };
}
