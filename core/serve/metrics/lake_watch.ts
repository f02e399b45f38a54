import type { StreamlabError } from "../../base/errors.ts";
import { mapParallel } from "../../base/parallel.ts";
import { quoteName } from "../../engine/duckdb.ts";
import { identifierText, type LoadedTable } from "../../iceberg/catalog/catalog.ts";
import { findFieldByPath } from "../../iceberg/format/schema.ts";
import { currentSchema, snapshotOfRef } from "../../iceberg/format/table_metadata.ts";
import { OUR_COLUMNS } from "../../lake/our_columns.ts";
import { holdsDeadLetters } from "../../lake/table_names.ts";
import { loadOrTell, type OnUnreadableTable } from "../../lake/targets.ts";
import { type IngestionStatus, ingestionStatus, type StatusOptions } from "../../maintain/status/ingestion_status.ts";
import type { Surroundings } from "../../maintain/surroundings.ts";
import { TableRows } from "../../maintain/table_rows.ts";
import { type UpkeepStatus, upkeepStatus } from "../../maintain/status/upkeep_status.ts";
import { usualPolicy } from "../../maintain/upkeep/policy.ts";
import { Workshop } from "../../maintain/workshop.ts";

/** A table by its metadata alone; undefined where its writer keeps no such total. */
export interface TableTotals {
  table: string;
  /** Names of those of today. */
  columns: string[];
  rows: number | undefined;
  dataFiles: number | undefined;
  bytes: number | undefined;
  deleteFiles: number | undefined;
  snapshots: number;
  committedAtMs: number | undefined;
}

export interface LakeState {
  /** When the look began. */
  lookedAtMs: number;
  ingestion: IngestionStatus[];
  tables: TableTotals[];
  /** Why the metadata of a table cannot be read, by the table's name. */
  unreadable: ReadonlyMap<string, string>;
  /** By table and reason. */
  deadLetters: ReadonlyMap<string, ReadonlyMap<string, number>>;
  /** Of each table, as it was a minute ago or later. */
  debts: readonly UpkeepStatus[];
}

/** What is known of the lake: the last look that succeeded, and why the newest did not. */
export interface LakeLook {
  state: LakeState | undefined;
  problem: unknown;
}

/** Scrapers come every few seconds, several at once; a look reads the ledger and lists files. */
const LOOK_AGE_MS_MAX = 5_000;
/** A look takes at most one part in so many of the time, however large the lake is. */
const REST_FACTOR = 4;
/** Dead letters are counted in their files, so not at every look. */
const COUNT_AGE_MS_MAX = 60_000;
const TABLES_PARALLEL = 4;
/** A person rather sees what was known a moment ago than nothing for longer than this. */
const PATIENCE_MS = 500;
/** What a page may show that does not wait. It says when it was seen. */
const GLANCE_AGE_MS_MAX = 60_000;

type WatchOptions = Omit<StatusOptions, "onDamage" | "onUnreadable"> & { onFailure(error: unknown): void };

interface Counted {
  location: string;
  countedAtMs: number;
  reasons: ReadonlyMap<string, number>;
}

/** Looks at a lake when asked, not more often than every few seconds, and never twice at once. */
export class LakeWatch {
  readonly #surroundings: Surroundings;
  readonly #options: WatchOptions;
  readonly #loaded = new Map<string, LoadedTable>();
  readonly #counted = new Map<string, Counted>();
  #last: LakeLook & { atMs: number } = { state: undefined, problem: undefined, atMs: -Infinity };
  #debts: { countedAtMs: number; debts: readonly UpkeepStatus[] } = { countedAtMs: -Infinity, debts: [] };
  #unreadable = new Map<string, string>();
  #lastTookMs = 0;
  #looking: Promise<LakeLook> | undefined;

  constructor(surroundings: Surroundings, options: WatchOptions) {
    this.#surroundings = surroundings;
    this.#options = options;
  }

  /** As of at most `ageMs` ago, and older where a look takes long. */
  async look(ageMs = LOOK_AGE_MS_MAX): Promise<LakeLook> {
    const ageMsMax = Math.max(ageMs, this.#lastTookMs * REST_FACTOR);
    if (this.#surroundings.clock.nowMs() - this.#last.atMs < ageMsMax) return this.#last;
    this.#looking ??= this.#lookAnew().finally(() => this.#looking = undefined);
    return await this.#looking;
  }

  /**
   * As `look` for people: where looks take long, that of before, at most a minute old, while a new
   * one is on its way.
   */
  async glance(ageMs = LOOK_AGE_MS_MAX): Promise<LakeLook> {
    const looking = this.look(ageMs);
    const { clock } = this.#surroundings;
    const isEnough = this.#lastTookMs > PATIENCE_MS && clock.nowMs() - this.#last.atMs < GLANCE_AGE_MS_MAX;
    return isEnough ? this.#last : await looking;
  }

  async #lookAnew(): Promise<LakeLook> {
    const { clock } = this.#surroundings;
    const lookedAtMs = clock.nowMs();
    const unreadable = new Map<string, string>();
    const onUnreadable = (table: string, error: StreamlabError) => {
      // Looks follow each other: it is told of once.
      if (!unreadable.has(table) && this.#unreadable.get(table) !== error.message) this.#options.onFailure(error);
      unreadable.set(table, error.message);
    };
    try {
      const ingestion = await ingestionStatus(this.#surroundings, {
        ...this.#options,
        onDamage: () => {},
        onUnreadable,
      });
      const tables = await this.#loadTables(onUnreadable);
      const deadLetters = await this.#countDeadLetters(tables);
      const debts = (await this.#countDebts(tables)).filter(({ table }) => !unreadable.has(table));
      const state = { lookedAtMs, ingestion, tables: tables.map(totalsOf), unreadable, deadLetters, debts };
      this.#unreadable = unreadable;
      this.#last = { state, problem: undefined, atMs: clock.nowMs() };
    } catch (problem) {
      this.#options.onFailure(problem);
      this.#last = { state: this.#last.state, problem, atMs: clock.nowMs() };
    }
    this.#lastTookMs = clock.nowMs() - lookedAtMs;
    return this.#last;
  }

  /** Those that can be read: another one says nothing about them. */
  async #loadTables(onUnreadable: OnUnreadableTable): Promise<LoadedTable[]> {
    const { catalog } = this.#surroundings;
    const namespaces = await catalog.listNamespaces();
    const identifiers = (await mapParallel(namespaces, TABLES_PARALLEL, (each) => catalog.listTables(each))).flat();
    const tables = await mapParallel(identifiers, TABLES_PARALLEL, (identifier) => {
      return loadOrTell(catalog, identifier, onUnreadable, this.#loaded.get(identifierText(identifier)));
    });
    const found = tables.filter((table) => table !== undefined);
    this.#loaded.clear();
    for (const table of found) this.#loaded.set(identifierText(table.identifier), table);
    return found;
  }

  async #countDeadLetters(tables: readonly LoadedTable[]): Promise<LakeState["deadLetters"]> {
    const { clock } = this.#surroundings;
    const found = new Map<string, ReadonlyMap<string, number>>();
    for (const table of tables) {
      const name = identifierText(table.identifier), nowMs = clock.nowMs(), location = table.metadataLocation;
      const hasReasons = findFieldByPath(currentSchema(table.metadata), OUR_COLUMNS.deadLetterReason) !== undefined;
      if (!holdsDeadLetters(table.identifier) || !hasReasons) continue;
      let counted = this.#counted.get(name);
      const isOld = counted === undefined || nowMs - counted.countedAtMs >= COUNT_AGE_MS_MAX;
      if (counted?.location !== location && isOld) {
        counted = { location, countedAtMs: nowMs, reasons: await this.#countReasons(table) };
        this.#counted.set(name, counted);
      }
      found.set(name, counted!.reasons);
    }
    return found;
  }

  /** Reads the manifests of all tables. */
  async #countDebts(tables: readonly LoadedTable[]): Promise<readonly UpkeepStatus[]> {
    const nowMs = this.#surroundings.clock.nowMs();
    if (nowMs - this.#debts.countedAtMs < COUNT_AGE_MS_MAX) return this.#debts.debts;
    const identifiers = tables.map(({ identifier }) => identifier);
    const debts = await upkeepStatus(this.#surroundings, identifiers, usualPolicy());
    this.#debts = { countedAtMs: nowMs, debts };
    return debts;
  }

  async #countReasons(table: LoadedTable): Promise<ReadonlyMap<string, number>> {
    const workshop = await Workshop.open(this.#surroundings, { ...this.#options, leavesLake: true, keepsOrder: false });
    try {
      const counts = new Map<string, number>();
      const reason = quoteName(OUR_COLUMNS.deadLetterReason);
      const rows = new TableRows(this.#surroundings.catalog, table, workshop.scratch);
      await rows.read(async (select) => {
        const found = await workshop.connection.rows(
          `SELECT ${reason} AS reason, count(*)::INT AS n FROM (${select}) GROUP BY ALL`,
        );
        for (const { reason, n } of found) {
          counts.set(String(reason), (counts.get(String(reason)) ?? 0) + Number(n));
        }
      });
      return counts;
    } finally {
      workshop.close();
    }
  }
}

function totalsOf({ identifier, metadata }: LoadedTable): TableTotals {
  const current = snapshotOfRef(metadata);
  const total = (key: string) => {
    const text = current === undefined ? "0" : current.summary[key];
    return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
  };
  return {
    table: identifierText(identifier),
    columns: currentSchema(metadata).fields.map(({ name }) => name),
    rows: total("total-records"),
    dataFiles: total("total-data-files"),
    bytes: total("total-files-size"),
    deleteFiles: total("total-delete-files"),
    snapshots: metadata.snapshots.length,
    committedAtMs: current?.timestampMs,
  };
}
