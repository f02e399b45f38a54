import { mapParallel } from "../../base/parallel.ts";
import { type Connection, quoteName } from "../../engine/duckdb.ts";
import { type Catalog, identifierText, type LoadedTable, parseIdentifier } from "../../iceberg/catalog/catalog.ts";
import { isKind, type StreamlabError } from "../../base/errors.ts";
import { plannedLetters } from "../../lake/batch_plan.ts";
import { plannedTargets, readFailures, readPlan, readRouted } from "../../lake/checkpoint.ts";
import { lastBatchOf } from "../../lake/keys.ts";
import { LEDGER_COLUMNS, ledgerFields } from "../../lake/our_columns.ts";
import { DEFAULT_TARGET, identifiersOf, LEDGER } from "../../lake/table_names.ts";
import { sqlTypeOf } from "../../tables/sql_type.ts";
import { loadOrTell, lostTargets, type OnUnreadableTable, targetsOfCatalog } from "../../lake/targets.ts";
import type { Store } from "../../storage/store.ts";
import type { Surroundings } from "../surroundings.ts";
import { withNewest } from "../../tables/read/newest.ts";
import { type Damage, TableRows } from "../table_rows.ts";
import { unknownFeed, type Waiting, WaitingFiles } from "./waiting_files.ts";
import { Workshop, type WorkshopOptions } from "../workshop.ts";

/** How far ingestion into a table is. */
export interface IngestionStatus extends Waiting {
  table: string;
  /** `dead_letters.events` */
  deadLetterTable: string;
  lastBatch: BatchTotals | undefined;
  /** Whether the ledger could be read, which alone says what came. */
  isLedgerRead: boolean;
  /** The plan that stands, of a batch that the ledger does not have yet. */
  plan: StandingPlan | undefined;
}

export interface StandingPlan {
  batchId: bigint;
  /** Whether it only has to be committed. */
  isRouted: boolean;
  /** Undefined where the plan cannot be read. */
  files: number | undefined;
  bytes: number | undefined;
  /** Dead letters to judge again, where it is a replay. */
  letters: number | undefined;
  /** Whether the tables have rows of its files, which stay where it is set aside. */
  isReingest: boolean;
  plannedAtMs: number | undefined;
  /** How often it could not be routed, and why it could not the last time or cannot be read. */
  failures: number;
  lastError: string | undefined;
}

export interface BatchTotals {
  batchId: bigint;
  ingestedAtMs: number;
  files: bigint;
  /** Files whose dead letters it judged again, where it was a replay. */
  replayedFiles: bigint;
  /** Of `files`, those that were ingested again. */
  reingestedFiles: bigint;
  records: bigint;
  events: bigint;
  deadLetters: bigint;
}

export interface StatusOptions extends Omit<WorkshopOptions, "leavesLake"> {
  /** The store of raw files that are not the lake's. */
  openRaw(root: string): Promise<Store>;
  /** Told of each file of the ledger that cannot be read. */
  onDamage(damage: Damage): void;
  /** Undefined: that a table's metadata cannot be read is an error. */
  onUnreadable?: OnUnreadableTable;
}

const TABLE = quoteName(LEDGER_COLUMNS.table);
const ALL_COLUMNS = ledgerFields().map(({ name }) => name);
const { table: TARGET, sourceFile: FILE, status: STATUS, batchId: BATCH } = LEDGER_COLUMNS;
const NAMED_COLUMNS: readonly string[] = [TARGET, FILE, STATUS, BATCH];

/**
 * What waits for each target of the lake, and its last batch. Reads the ledger and lists the raw
 * zones; changes nothing.
 */
export async function ingestionStatus(surroundings: Surroundings, options: StatusOptions): Promise<IngestionStatus[]> {
  // To keep the order would take a block of every column for each row group.
  const workshop = await Workshop.open(surroundings, { ...options, leavesLake: true, keepsOrder: false });
  try {
    const { connection } = workshop;
    const { catalog, store } = surroundings;
    const { onUnreadable } = options;
    let ledgerProblem: string | undefined;
    const tellLedger = onUnreadable && ((table: string, error: StreamlabError) => {
      ledgerProblem = error.message;
      onUnreadable(table, error);
    });
    const known = await loadOrTell(catalog, LEDGER, tellLedger);
    if (known === undefined) await emptyLedger(connection);
    else {
      const damages = await withNewest(catalog, LEDGER, (newest) => readLedger(catalog, newest, workshop), known);
      damages.forEach(options.onDamage);
    }
    const batches = await lastBatches(connection);
    const found = await targetsOfCatalog(catalog, onUnreadable);
    const remembered = new Map(found.map((target) => [target.name, target]));
    const lost = ledgerProblem === undefined ? await lostTargets(catalog, found) : [];
    const problems = new Map(lost.map(({ name, error }) => [name, error.message]));
    const targets = new Set([...remembered.keys(), ...batches.keys(), ...await plannedTargets(store)]);
    const tables = targets.size === 0 ? [identifierText(DEFAULT_TARGET)] : [...targets].sort();
    const properties = known?.metadata.properties ?? {};
    const zones = new WaitingFiles(connection, store, options.openRaw);
    return await mapParallel(tables, 1, async (table) => {
      const target = remembered.get(table);
      const { deadLetters } = identifiersOf(parseIdentifier(table), target?.table.metadata.properties);
      const problem = ledgerProblem ?? problems.get(table);
      const isLedgerRead = ledgerProblem === undefined;
      const batchId = lastBatchOf(properties, table) + 1n;
      return {
        table,
        deadLetterTable: identifierText(deadLetters),
        ...(problem === undefined ? await zones.of(table, target?.record ?? (() => undefined)) : unknownFeed(problem)),
        lastBatch: batches.get(table),
        isLedgerRead,
        plan: isLedgerRead ? await standingPlan(surroundings, table, batchId) : undefined,
      };
    });
  } finally {
    workshop.close();
  }
}

async function standingPlan(
  { store }: Surroundings,
  target: string,
  batchId: bigint,
): Promise<StandingPlan | undefined> {
  const failed = await readFailures(store, target, batchId);
  const found = { batchId, isRouted: false, failures: failed?.failures ?? 0, lastError: failed?.lastError };
  try {
    const plan = await readPlan(store, target, batchId);
    if (plan === undefined) return undefined;
    return {
      ...found,
      isRouted: await readRouted(store, target, batchId) !== undefined,
      files: plan.files.length,
      bytes: plan.files.reduce((sum, { size }) => sum + size, 0),
      letters: plannedLetters(plan),
      isReingest: plan.reingest !== undefined,
      plannedAtMs: Date.parse(plan.plannedAt),
    };
  } catch (error) {
    if (!isKind(error, "corrupt", "newer")) throw error;
    const unknown = {
      files: undefined,
      bytes: undefined,
      letters: undefined,
      isReingest: false,
      plannedAtMs: undefined,
    };
    return { ...found, ...unknown, lastError: error.message };
  }
}

/** As empty as they are without a ledger. */
async function emptyLedger(connection: Connection): Promise<void> {
  for (const [table, names] of [["ledger", NAMED_COLUMNS], ["last_lines", ALL_COLUMNS]] as const) {
    const columns = ledgerFields().filter(({ name }) => names.includes(name))
      .map(({ name, type }) => `${quoteName(name)} ${sqlTypeOf(type)}`);
    await connection.run(`CREATE OR REPLACE TEMP TABLE ${table} (${columns.join(", ")})`);
  }
}

/**
 * Of most lines only which file they are about, and in `last_lines` those of the last batches
 * whole: a ledger of small batches has a row group for each, and each column of it takes time and
 * memory.
 */
async function readLedger(catalog: Catalog, ledger: LoadedTable, { connection, scratch }: Workshop): Promise<Damage[]> {
  await emptyLedger(connection);
  const rows = new TableRows(catalog, ledger, scratch);
  const insert = async (table: string, names: readonly string[], select: string, where = "") => {
    const columns = names.map(quoteName).join(", ");
    await connection.run(`INSERT INTO ${table} (${columns}) SELECT ${columns} FROM (${select}) ${where}`);
  };
  await rows.read((select) => insert("ledger", NAMED_COLUMNS, select));
  const { batchId } = LEDGER_COLUMNS;
  const last = await connection.rows(`SELECT DISTINCT max(${batchId}) AS id FROM ledger GROUP BY ${TABLE}`);
  if (last.length === 0) return rows.damages;
  const where = `WHERE ${batchId} IN (${last.map(({ id }) => id).join(", ")})`;
  // What is damaged has been told.
  await new TableRows(catalog, ledger, scratch).read((select) => insert("last_lines", ALL_COLUMNS, select, where));
  return rows.damages;
}

async function lastBatches(connection: Connection): Promise<Map<string, BatchTotals>> {
  const { sourceFile, batchId, status, records, events, deadLetters, ingestedAt } = LEDGER_COLUMNS;
  // What a reingest has taken away was of earlier batches.
  const sum = (column: string) => `coalesce(sum(${column}) FILTER (${status} <> 'reingested'), 0)::BIGINT`;
  const rows = await connection.rows(
    `SELECT ${TABLE} AS target, max(${batchId}) AS batch, epoch_ms(max(${ingestedAt})) AS ingested_ms,
  count(*) FILTER (${status} = 'ingested') AS files, count(*) FILTER (${status} = 'replayed') AS replayed,
  count(DISTINCT ${sourceFile}) FILTER (${status} = 'reingested') AS reingested,
  ${sum(records)} AS records, ${sum(events)} AS events, greatest(${sum(deadLetters)}, 0)::BIGINT AS letters
FROM last_lines WHERE (${TABLE}, ${batchId}) IN (SELECT (${TABLE}, max(${batchId})) FROM ledger GROUP BY ${TABLE})
GROUP BY ALL ORDER BY target`,
  );
  return new Map(rows.map((row) => [row.target as string, {
    batchId: row.batch as bigint,
    ingestedAtMs: Number(row.ingested_ms),
    files: row.files as bigint,
    replayedFiles: row.replayed as bigint,
    reingestedFiles: row.reingested as bigint,
    records: row.records as bigint,
    events: row.events as bigint,
    deadLetters: row.letters as bigint,
  }]));
}
