/**
 * The lake's tables in DuckDB, for one question: first as empty tables that the question is planned
 * on, then, in the same transaction (so that now() means the same instant to plan and run), as
 * views over the files that the plan needs. All this happens in a DuckDB that can open only files
 * located before.
 */
import type { Connection, DuckDb } from "../engine/duckdb.ts";
import { planScan, type ScanPlan } from "../iceberg/scan/scan.ts";
import { fieldsById } from "../iceberg/format/schema.ts";
import { ALWAYS } from "./plan/column_filter.ts";
import { requireParquet } from "../tables/read/file_copies.ts";
import { originOf } from "../lake/data_file_name.ts";
import { type FileLayout, layoutsMatter, readLayouts } from "../tables/read/file_layout.ts";
import { partitionConstants } from "../tables/read/partition_constants.ts";
import type { TableScan } from "./explain_scan.ts";
import type { HistoryView } from "./history_view.ts";
import type { LakeTable } from "./lake_tables.ts";
import { createEmpty, createEmptyViews, createSchemas, isLedger, nameOf } from "./listed_tables.ts";
import { metadataTables } from "./metadata/metadata_table.ts";
import { needsOfPlan, planSql, restrictOptimizers, type TableNeed } from "./plan/plan_filter.ts";
import type { Question } from "./question.ts";
import type { RemoteFiles, WantedFile } from "../tables/read/remote_files.ts";
import { rowSelect } from "./row_select.ts";
import { scanPredicate } from "./plan/scan_predicate.ts";
import { standInFor, standInSelect } from "./plan/stand_in.ts";
import { emptySelect, tableSelect, viewFile, type ViewSource } from "../tables/read/scan_sql.ts";

export interface BindOptions {
  /** Those that the question names. */
  tables: readonly LakeTable[];
  /** Those that it names of what was done. */
  history: readonly HistoryView[];
  /** Those that it may only list: they stay empty. */
  listed: readonly LakeTable[];
  files: RemoteFiles;
  /** The session's days are those of UTC. */
  isUtc: boolean;
  /** Report every skipped file with the reason; open none. */
  explainScan: boolean;
}

export class QuestionTables {
  readonly #question: Question;
  readonly #options: BindOptions;
  /** The files that planning has asked for so far, by URI. */
  readonly #wanted = new Map<string, WantedFile>();
  /** Where DuckDB reads them. */
  #places: ReadonlyMap<string, string> = new Map();
  #planningTables: Promise<string[]> | undefined;
  #planned: { plan: string; scans: TableScan[] } | undefined;

  constructor(question: Question, options: BindOptions) {
    this.#question = question;
    this.#options = options;
  }

  /** The paths that a DuckDB must be allowed to open; to be called before it is closed off. */
  async locate(database: DuckDb): Promise<string[]> {
    const places = await this.#options.files.locate(database, [...this.#wanted.values()]);
    this.#places = new Map([...this.#wanted.keys()].map((uri, index) => [uri, places[index]!]));
    return [...places];
  }

  /**
   * Makes the question's tables in a DuckDB that is closed off; returns the SQL to run there.
   * Undefined where it needs files that were not located: it must be asked in another.
   */
  async bind(connection: Connection): Promise<string | undefined> {
    const { tables, history, explainScan } = this.#options;
    const { sql } = this.#question;
    await runAll(connection, await (this.#planningTables ??= this.#planningStatements()));
    for (const view of history) await view.create(connection);
    const dataTables = tables.filter(({ suffix }) => suffix === undefined);
    const scans = dataTables.length === 0 ? [] : await this.#scans(connection, dataTables);
    if (explainScan) {
      for (const { table } of scans) await showRows(connection, table, emptySelect(table.schema.fields));
      return (await import("./explain_scan.ts")).scanSelect(scans);
    }
    if (!this.#hasPlaces(scans)) return undefined;
    for (const each of scans) await showRows(connection, each.table, await this.#rowsSelect(connection, each));
    return /^\s*show\s+tables\s*$/i.test(sql) ? TABLE_LIST_SQL : sql;
  }

  async #planningStatements(): Promise<string[]> {
    const { tables, listed, history } = this.#options;
    const known = new Set(tables.map(nameOf));
    const all = [...tables, ...listed.filter((table) => !known.has(nameOf(table)))];
    const listsViews = this.#question.asksForTables && listed.some(isLedger);
    return [
      ...createSchemas(all),
      ...await Promise.all(all.map(planningTable)),
      // What is offered besides the catalog's tables, as far as the question does not name it.
      ...(listsViews ? createEmptyViews(new Set(history.map(({ name }) => name))) : []),
    ];
  }

  /** A plan that is the same as the one before needs the same files. */
  async #scans(connection: Connection, tables: readonly LakeTable[]): Promise<TableScan[]> {
    await restrictOptimizers(connection);
    await connection.run("BEGIN");
    const plan = await planSql(connection, this.#question.select);
    await connection.run("RESET disabled_optimizers");
    if (this.#planned === undefined || this.#planned.plan !== plan) {
      const needs = needsOfPlan(plan, this.#question.written, this.#options.isUtc);
      const scans = await Promise.all(tables.map((table): Promise<TableScan> => {
        const need = needs.get(`${table.namespace}.${table.name}`) ?? { filter: ALWAYS, aggregates: undefined };
        return scan(table, need, this.#options.explainScan);
      }));
      this.#planned = { plan, scans };
    }
    return this.#planned.scans;
  }

  /** Whether all files of the scans have been located; the others are wanted from now on. */
  #hasPlaces(scans: readonly TableScan[]): boolean {
    for (const { table, plan } of scans) {
      const { location } = table.loaded.io;
      for (const file of plan.files.flatMap(({ dataFile, deletes }) => [dataFile, ...deletes])) {
        requireParquet(file);
        const wanted = { store: location.store, path: location.pathOf(file.path), size: file.fileSizeBytes };
        this.#wanted.set(file.path, wanted);
      }
    }
    return this.#wanted.size === this.#places.size;
  }

  async #rowsSelect(connection: Connection, { table, plan, standIn }: TableScan): Promise<string> {
    const { fields } = table.schema;
    const layouts = await layoutsOf(connection, table, plan, this.#places);
    const parts = standIn === undefined ? [] : [standInSelect(standIn, fields)];
    if (standIn === undefined || plan.files.length > 0) {
      parts.push(tableSelect(viewSource(table, plan.files, this.#places, layouts)));
    }
    return parts.join("\nUNION ALL\n");
  }
}

/** DuckDB's own list knows only the tables that need no namespace. */
const TABLE_LIST_SQL =
  "SELECT table_schema AS namespace, table_name AS name FROM information_schema.tables ORDER BY ALL";

/** Puts a view of the rows into the place of the planning table. */
async function showRows(connection: Connection, table: LakeTable, select: string): Promise<void> {
  await connection.run(`DROP TABLE ${nameOf(table)}`);
  await connection.run(`CREATE VIEW ${nameOf(table)} AS ${select}`);
}

async function runAll(connection: Connection, statements: string[]): Promise<void> {
  for (const statement of statements) await connection.run(statement);
}

/** An empty table for the planner; a metadata table is small and complete at once. */
async function planningTable(table: LakeTable): Promise<string> {
  const { suffix, loaded, snapshot } = table;
  if (suffix !== undefined) {
    const kind = metadataTables[suffix]!;
    return `CREATE TABLE ${nameOf(table)} AS ${
      rowSelect(kind.shape(loaded.metadata), await kind.rows(loaded, snapshot))
    }`;
  }
  return createEmpty(table);
}

async function scan(table: LakeTable, need: TableNeed, explainScan: boolean): Promise<TableScan> {
  const { loaded: { io, metadata }, snapshot, schema } = table;
  if (snapshot === undefined) {
    return { table, plan: { files: [], skipped: [], manifestsRead: 0, manifestsSkipped: 0 }, standIn: undefined };
  }
  const { predicate } = scanPredicate(need.filter);
  const plan = await planScan(io, metadata, { snapshot, schema, predicate, explainScan });
  const standIn = standInFor(plan.files, need, schema, metadata);
  const answered = new Set(standIn?.files);
  return { table, plan: { ...plan, files: plan.files.filter(({ dataFile }) => !answered.has(dataFile)) }, standIn };
}

/**
 * By the path on this machine; undefined where all files are known to be laid out as the schema is.
 * Fails with `corrupt` for a file whose columns cannot be told: each would read as null.
 */
async function layoutsOf(
  connection: Connection,
  { loaded: { metadata } }: LakeTable,
  { files }: ScanPlan,
  places: ReadonlyMap<string, string>,
): Promise<Map<string, FileLayout> | undefined> {
  const matter = layoutsMatter(metadata);
  // Files of our own have field ids.
  const doubtful = matter ? files : files.filter(({ dataFile }) => originOf(dataFile.path) === undefined);
  const paths = doubtful.map(({ dataFile }) => places.get(dataFile.path)!);
  const layouts = await readLayouts(connection, paths, metadata.properties);
  return matter ? layouts : undefined;
}

function viewSource(
  table: LakeTable,
  files: ScanPlan["files"],
  places: ReadonlyMap<string, string>,
  layouts: Map<string, FileLayout> | undefined,
): ViewSource {
  const { metadata } = table.loaded;
  const { schemas } = metadata;
  return {
    columns: table.schema.fields,
    fieldById: (id) => [table.schema, ...schemas].map((schema) => fieldsById(schema).get(id)?.field).find(Boolean),
    files: files.map((scanFile) => {
      const file = viewFile(scanFile, places);
      const layout = layouts?.get(file.localPath);
      return { ...file, layout, constants: layout && partitionConstants(metadata, file.file) };
    }),
  };
}
