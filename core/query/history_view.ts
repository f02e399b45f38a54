/**
 * `ingest.batches` and `ingest.upkeep`: what was done in a lake, as tables of a question. Batches
 * are told by the ledger's snapshots and, where these are expired, by the lake's history.
 */
import { StreamlabError } from "../base/errors.ts";
import { type Connection, quoteName } from "../engine/duckdb.ts";
import type { Catalog } from "../iceberg/catalog/catalog.ts";
import { batchOfSummary, type BatchRecord, lagOf } from "../lake/batch_history.ts";
import { BATCHES, History, type HistoryTools, UPKEEP } from "../lake/history.ts";
import { HISTORY_VIEWS, LEDGER } from "../lake/table_names.ts";
import type { UpkeepRecord } from "../lake/upkeep_history.ts";
import type { TimeTravel } from "./time_travel.ts";
import { instant, type MetadataRow, type RowShape } from "./metadata/metadata_table_shape.ts";
import type { TableReference } from "./question.ts";
import { rowSelect } from "./row_select.ts";

/** A view of a question. */
export interface HistoryView {
  namespace: string;
  name: string;
  columns: RowShape;
  /** Makes the table in a DuckDB that is closed off. */
  create(connection: Connection): Promise<void>;
}

export interface HistoryPlace {
  catalog: Catalog;
  /** Undefined where the lake's checkpoints are not at hand. */
  tools: HistoryTools | undefined;
}

interface Definition {
  columns: RowShape;
  rows(place: HistoryPlace, travel: TimeTravel): AsyncIterable<MetadataRow[]>;
}

/** Rows of one statement: an answer of any length takes a bounded text. */
const ROWS_AT_ONCE = 5_000;

const BATCH_COLUMNS: RowShape = {
  table: "VARCHAR",
  batch_id: "BIGINT",
  planned_at: "TIMESTAMPTZ",
  routed_at: "TIMESTAMPTZ",
  committed_at: "TIMESTAMPTZ",
  landed_at: "TIMESTAMPTZ",
  lag_seconds: "DOUBLE",
  seconds: "MAP(VARCHAR, DOUBLE)",
  files: "BIGINT",
  bytes: "BIGINT",
  records: "BIGINT",
  events: "BIGINT",
  dead_letters: "BIGINT",
  dead_letters_by_reason: "MAP(VARCHAR, BIGINT)",
  duplicates: "BIGINT",
  replayed: "BIGINT",
  reingested: "BIGINT",
  superseded: "BIGINT",
  changed: "BIGINT",
  vanished: "BIGINT",
  conflicts: "BIGINT",
  engine: "VARCHAR",
  tasks: "BIGINT",
};

const UPKEEP_COLUMNS: RowShape = {
  id: "VARCHAR",
  table: "VARCHAR",
  by: "VARCHAR",
  action: "VARCHAR",
  started_at: "TIMESTAMPTZ",
  ended_at: "TIMESTAMPTZ",
  outcome: "VARCHAR",
  detail: "VARCHAR",
  done: "MAP(VARCHAR, DOUBLE)",
  debt: "MAP(VARCHAR, DOUBLE)",
};

const DEFINITIONS: Record<string, Definition> = {
  [HISTORY_VIEWS.batches]: { columns: BATCH_COLUMNS, rows: batchRows },
  [HISTORY_VIEWS.upkeep]: { columns: UPKEEP_COLUMNS, rows: upkeepRows },
};

/** Undefined for the name of a table. */
export function historyView(
  { namespace, name, asked }: TableReference,
  openPlace: () => Promise<HistoryPlace>,
  travel: TimeTravel,
): HistoryView | undefined {
  const full = `${namespace}.${name}`.toLowerCase();
  if (!Object.hasOwn(DEFINITIONS, full)) return undefined;
  if (asked !== undefined) {
    throw new StreamlabError("usage", `Cannot run this SQL: ${full} has no versions`, {
      hint: "--as-of asks for what was done until a time",
    });
  }
  const { columns, rows } = DEFINITIONS[full]!;
  const [ownNamespace, ownName] = full.split(".") as [string, string];
  const create = async (connection: Connection) => {
    const table = `${quoteName(ownNamespace)}.${quoteName(ownName)}`;
    await connection.run(`CREATE SCHEMA IF NOT EXISTS ${quoteName(ownNamespace)}`);
    await connection.run(`CREATE TABLE ${table} AS ${rowSelect(columns, [])}`);
    for await (const portion of rows(await openPlace(), travel)) {
      for (let at = 0; at < portion.length; at += ROWS_AT_ONCE) {
        await connection.run(`INSERT INTO ${table} ${rowSelect(columns, portion.slice(at, at + ROWS_AT_ONCE))}`);
      }
    }
  };
  return { namespace: ownNamespace, name: ownName, columns, create };
}

/** The names of the views, and their columns. */
export function historyViews(): { namespace: string; name: string; columns: RowShape }[] {
  return Object.entries(DEFINITIONS).map(([full, { columns }]) => {
    const [namespace, name] = full.split(".") as [string, string];
    return { namespace, name, columns };
  });
}

/**
 * The snapshots are read before the history: a record that is carried over meanwhile is in both,
 * never in neither.
 */
async function* batchRows({ catalog, tools }: HistoryPlace, { asOfMs }: TimeTravel): AsyncGenerator<MetadataRow[]> {
  const ledger = await catalog.loadTable(LEDGER);
  const keyOf = BATCHES.keyOf;
  const recent = new Map<string, BatchRecord>();
  for (const { snapshotId, summary } of ledger?.metadata.snapshots ?? []) {
    const record = batchOfSummary(summary, `of snapshot ${snapshotId} of the ledger`);
    if (record !== undefined) recent.set(keyOf(record), record);
  }
  const wanted = ({ committedMs }: BatchRecord) => asOfMs === undefined || committedMs <= asOfMs;
  yield [...recent.values()].filter(wanted).map(batchRow);
  if (tools === undefined) return;
  for await (const records of new History(BATCHES, tools).read()) {
    yield records.filter((record) => wanted(record) && !recent.has(keyOf(record))).map(batchRow);
  }
}

function batchRow(record: BatchRecord): MetadataRow {
  const { landedMs, committedMs } = record;
  const lagMs = lagOf(landedMs, committedMs);
  return {
    table: record.table,
    batch_id: record.batchId,
    planned_at: instant(record.plannedMs),
    routed_at: instant(record.routedMs),
    committed_at: instant(committedMs),
    landed_at: landedMs === undefined ? null : instant(landedMs),
    lag_seconds: lagMs === undefined ? null : lagMs / 1_000,
    seconds: Object.fromEntries(Object.entries(record.steps).map(([step, ms]) => [step, ms / 1_000])),
    files: record.files,
    bytes: record.bytes,
    records: record.records,
    events: record.events,
    dead_letters: record.deadLetters,
    dead_letters_by_reason: record.reasons ?? null,
    duplicates: record.duplicates,
    replayed: record.replayed ?? null,
    reingested: record.reingested ?? null,
    superseded: record.superseded ?? null,
    changed: record.changed,
    vanished: record.vanished,
    conflicts: record.conflicts,
    engine: record.engine,
    tasks: record.tasks ?? null,
  };
}

async function* upkeepRows({ tools }: HistoryPlace, { asOfMs }: TimeTravel): AsyncGenerator<MetadataRow[]> {
  if (tools === undefined) return;
  for await (const records of new History(UPKEEP, tools).read()) {
    yield records.filter(({ endedAt }) => asOfMs === undefined || Date.parse(endedAt) <= asOfMs).map(upkeepRow);
  }
}

function upkeepRow(record: UpkeepRecord): MetadataRow {
  return {
    id: record.id,
    table: record.table,
    by: record.by,
    action: record.action,
    started_at: record.startedAt,
    ended_at: record.endedAt,
    outcome: record.outcome,
    detail: record.detail ?? null,
    done: record.done,
    debt: record.debt,
  };
}
