import type { Meter } from "../../base/meter.ts";
import { StreamlabError } from "../../base/errors.ts";
import { Gate } from "../../base/gate.ts";
import { eachParallel, mapParallel } from "../../base/parallel.ts";
import type { Connection, SqlRow } from "../../engine/duckdb.ts";
import { quoteName, quoteText } from "../../engine/duckdb.ts";
import { type Catalog, identifierText, type LoadedTable } from "../../iceberg/catalog/catalog.ts";
import type { Snapshot } from "../../iceberg/format/snapshot.ts";
import { currentSchema, snapshotOfRef } from "../../iceberg/format/table_metadata.ts";
import { dedupeHistory } from "../../lake/dedupe_rule.ts";
import { LEDGER_COLUMNS } from "../../lake/our_columns.ts";
import { type ReplacedRows, replacedRows } from "../../lake/replaced_rows.ts";
import { taskTable } from "../../lake/routing_task.ts";
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
  placesSql,
  type RemovedEvents,
  TAKE_FILES,
  TAKE_STATES,
} from "./audit_sql.ts";
import type { AuditRules } from "./audit_rules.ts";
import { type AuditedTables, checkTables, lastUnderWay } from "./audited_tables.ts";
import type { Judging, JudgingPace } from "./judging.ts";
import { type Keys, PlaceFiles } from "./place_files.ts";
import { type BatchFile, type FoundFile, type PlannedPortion, portionOf } from "./portion.ts";
import {
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
import { newestFindingsSql, standingSql } from "./newest_sql.ts";
import { WantedPlaces } from "./wanted_places.ts";
import { type Damage, TableRows } from "../table_rows.ts";
import type { Surroundings } from "../surroundings.ts";
import { Workshop, type WorkshopOptions } from "../workshop.ts";

export interface AuditOptions extends Omit<WorkshopOptions, "leavesLake"> {
  tables: AuditedTables;
  /** Where a raw file is now, or its version in the archive; undefined where both are gone. */
  find(file: BatchFile): Promise<FoundFile | undefined>;
  rules: AuditRules;
  judging: Judging;
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

/** Raw files that were looked for, and what is to be judged of them. */
interface FoundPortion extends PlannedPortion {
  states: (readonly [file: BatchFile, state: "same" | "changed" | "gone"])[];
}

class Audit {
  readonly #connection: Connection;
  readonly #places: PlaceFiles;
  readonly #target: string;
  readonly #damages: Damage[] = [];
  #batches: BatchRange = { last: 0n, underWay: 0n };
  readonly #workshop: Workshop;
  readonly #options: AuditOptions;

  readonly #catalog: Catalog;
  readonly #rules: RepeatRules;
  readonly #keyings: readonly Keying[];
  readonly #upsert: UpsertRule | undefined;
  /** For statements of portions that are under way at once. */
  readonly #turns = new Gate(1);

  constructor(catalog: Catalog, workshop: Workshop, options: AuditOptions) {
    this.#catalog = catalog;
    this.#workshop = workshop;
    this.#options = options;

    this.#connection = workshop.connection;
    this.#target = identifierText(options.tables.events.identifier);
    this.#places = new PlaceFiles(workshop.scratch);
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
    const { meter, judging, signal, tables: { events, deadLetters } } = this.#options;
    meter.count("filesMax", await this.#count("files"));
    const rows = {
      events: taskTable(events),
      deadLetters: taskTable(deadLetters),
      keyings: [...this.#keyings],
      upsert: this.#upsert,
    };
    const wanted = await WantedPlaces.open(this.#connection, this.#places, rows);
    const pace = await judging.pace(await this.#bytesJudged());
    await eachParallel(this.#portions(pace), pace.atOnce, async (portion, failed) => {
      const stops = AbortSignal.any([signal, failed]);
      const missing = portion.groups.length === 0 ? [] : await judging.judge(portion, wanted, stops);
      await this.#turns.pass(1, () => this.#take(portion, missing));
    });
  }

  /** In the ledger's order, until the audit is stopped. */
  async *#portions(pace: JudgingPace): AsyncIterable<FoundPortion> {
    const { signal, find, rules } = this.#options;
    let number = 0;
    for await (const files of this.#ledgerFiles(pace)) {
      if (signal.aborted) return;
      const found = await mapParallel(files, STATS_PARALLEL, find);
      const same = files.flatMap((file, index) => found[index]?.isSame ? [{ ...file, at: found[index] }] : []);
      yield {
        ...await portionOf(number++, same, rules),
        states: files.map((file, index) => {
          const isSame = found[index]?.isSame;
          return [file, isSame === undefined ? "gone" : isSame ? "same" : "changed"] as const;
        }),
      };
    }
  }

  async #take({ states, guessed }: FoundPortion, missing: readonly string[]): Promise<void> {
    const moved = new Set(missing);
    await this.#connection.appendText(
      "states",
      states.map(([{ name, batchId }, state]) => [name, batchId, moved.has(name) ? "changed" : state]),
    );
    await this.#connection.run(TAKE_STATES);
    await this.#connection.appendText("guessed", guessed.map((batchId) => [batchId]));
    this.#options.meter.count("files", states.filter(([{ replay }]) => replay === undefined).length);
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
    const kept = this.#places.glob("kept"), asked = this.#places.glob("asked");
    if (kept === undefined) return;
    if (this.#upsert !== undefined) return await this.#connection.run(newestFindingsSql(kept, asked));
    await this.#connection.run(repeatViewsSql(kept, asked));
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
    await this.#connection.run(placesSql(this.#places.glob()!));
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

  async #keep(places: string, keys?: Keys): Promise<void> {
    await this.#places.keep(this.#connection, places, keys);
  }

  /** The ledger's files in portions, each within the limits of one judgement. */
  async *#ledgerFiles(pace: JudgingPace): AsyncIterable<BatchFile[]> {
    let after = 0;
    for (;;) {
      const rows = await this.#turns.pass(1, () =>
        this.#connection.rows(
          `SELECT name, etag, size, batch_id::VARCHAR AS batch_id, nullif(judged_as, batch_id)::VARCHAR AS replay,
  judged_as = max(judged_as) OVER (PARTITION BY name, batch_id) AS is_last
FROM judged_files ORDER BY judged_files.batch_id, name, etag, judged_as LIMIT ${pace.files} OFFSET ${after}`,
        ));
      if (rows.length === 0) return;
      let portion: BatchFile[] = [];
      let bytes = 0;
      for (const row of rows) {
        const file = batchFileOf(row);
        if (portion.length > 0 && bytes + file.size > pace.bytes) {
          yield portion;
          [portion, bytes] = [[], 0];
        }
        portion.push(file);
        bytes += file.size;
      }
      yield portion;
      after += rows.length;
    }
  }

  /** Of raw files, each as often as it is judged. */
  async #bytesJudged(): Promise<number> {
    const [row] = await this.#connection.rows("SELECT coalesce(sum(size), 0)::BIGINT AS bytes FROM judged_files");
    return Number(row!.bytes);
  }

  async #count(what: string): Promise<number> {
    const [row] = await this.#connection.rows(`SELECT count(*) AS count FROM ${what}`);
    return Number(row!.count);
  }
}

function batchFileOf({ name, etag, size, batch_id: batchId, replay, is_last: isLast }: SqlRow): BatchFile {
  return {
    name: name as string,
    etag: etag as string,
    size: Number(size),
    batchId: batchId as string,
    replay: replay as string | null ?? undefined,
    isLast: isLast as boolean,
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
