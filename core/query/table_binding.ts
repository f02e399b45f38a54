/**
 * The lake's tables in DuckDB, for one question: first as empty tables that the question is planned
 * on, then, in the same transaction (so that now() means the same instant to plan and run), as
 * views over the files that the plan needs.
 */
import { StreamlabError } from "../base/errors.ts";
import { type Connection, quoteName } from "../engine/duckdb.ts";
import { planScan, type ScanPlan } from "../iceberg/scan/scan.ts";
import type { DataFile } from "../iceberg/format/data_file.ts";
import type { Predicate } from "../iceberg/format/predicate.ts";
import { fieldsById } from "../iceberg/format/schema.ts";
import { ALWAYS } from "./plan/column_filter.ts";
import { type FileLayout, layoutsMatter, readLayouts } from "../tables/read/file_layout.ts";
import { partitionConstants } from "../tables/read/partition_constants.ts";
import { sqlTypeOf } from "../tables/sql_type.ts";
import type { TableScan } from "./explain_scan.ts";
import type { LakeTable } from "./lake_tables.ts";
import { metadataTables } from "./metadata/metadata_table.ts";
import { planFilters, restrictOptimizers } from "./plan/plan_filter.ts";
import type { Question } from "./question.ts";
import type { RemoteFiles, WantedFile } from "../tables/read/remote_files.ts";
import { rowSelect } from "./row_select.ts";
import { scanPredicate } from "./plan/scan_predicate.ts";
import { type LocalFile, tableSelect, type ViewSource } from "../tables/read/scan_sql.ts";

export interface BoundTables {
  /** The only files that the question may open. */
  localPaths: string[];
  scans: TableScan[];
}

export interface BindOptions {
  /** Those that the question names. */
  tables: readonly LakeTable[];
  /** Those that it may only list: they stay empty. */
  listed: readonly LakeTable[];
  files: RemoteFiles;
  /** Every left out file is wanted, with the reason; none is opened. */
  explains: boolean;
}

export async function bindTables(
  connection: Connection,
  question: Question,
  { tables, listed, files, explains }: BindOptions,
): Promise<BoundTables> {
  const known = new Set(tables.map(nameOf));
  const all = [...tables, ...listed.filter((table) => !known.has(nameOf(table)))];
  const namespaces = new Set(all.map(({ namespace }) => quoteName(namespace)));
  await runAll(connection, [...namespaces].map((namespace) => `CREATE SCHEMA IF NOT EXISTS ${namespace}`));
  await runAll(connection, await Promise.all(all.map(planningTable)));
  const dataTables = tables.filter(({ suffix }) => suffix === undefined);
  if (dataTables.length === 0) return { localPaths: [], scans: [] };
  await restrictOptimizers(connection);
  await connection.run("BEGIN");
  const filters = await planFilters(connection, question.select);
  await connection.run("RESET disabled_optimizers");
  const scans = await Promise.all(dataTables.map(async (table): Promise<TableScan> => {
    const predicate = scanPredicate(filters.get(`${table.namespace}.${table.name}`) ?? ALWAYS);
    return { table, plan: await scan(table, predicate, explains) };
  }));
  const places = explains ? new Map<string, string>() : await placeFiles(scans, files);
  for (const { table, plan } of scans) {
    const layouts = explains ? undefined : await layoutsOf(connection, table, plan, places);
    const select = tableSelect(viewSource(table, explains ? [] : plan.files, places, layouts));
    await connection.run(`DROP TABLE ${nameOf(table)}`);
    await connection.run(`CREATE VIEW ${nameOf(table)} AS ${select}`);
  }
  return { localPaths: [...places.values()], scans };
}

async function runAll(connection: Connection, statements: string[]): Promise<void> {
  for (const statement of statements) await connection.run(statement);
}

function nameOf({ namespace, name }: LakeTable): string {
  return `${quoteName(namespace)}.${quoteName(name)}`;
}

/** An empty table for the planner; a metadata table is small and complete at once. */
async function planningTable(table: LakeTable): Promise<string> {
  const { suffix, loaded, snapshot, schema } = table;
  if (suffix !== undefined) {
    const kind = metadataTables[suffix]!;
    return `CREATE TABLE ${nameOf(table)} AS ${
      rowSelect(kind.shape(loaded.metadata), await kind.rows(loaded, snapshot))
    }`;
  }
  const columns = schema.fields.map(({ name, type }) => `${quoteName(name)} ${sqlTypeOf(type)}`);
  return `CREATE TABLE ${nameOf(table)} (${columns.join(", ")})`;
}

async function scan(table: LakeTable, predicate: Predicate, explains: boolean): Promise<ScanPlan> {
  const { loaded, snapshot, schema } = table;
  if (snapshot === undefined) return { files: [], skipped: [], manifestsRead: 0, manifestsSkipped: 0 };
  return await planScan(loaded.io, loaded.metadata, { snapshot, schema, predicate, explains });
}

/** Where DuckDB can read each file of the scans, by URI. */
async function placeFiles(scans: readonly TableScan[], files: RemoteFiles): Promise<Map<string, string>> {
  const wanted = new Map<string, WantedFile>();
  for (const { table, plan } of scans) {
    const { location } = table.loaded.io;
    for (const file of plan.files.flatMap(({ dataFile, deletes }) => [dataFile, ...deletes])) {
      checkFormat(file);
      wanted.set(file.path, { store: location.store, path: location.pathOf(file.path), size: file.fileSizeBytes });
    }
  }
  const places = await files.locate([...wanted.values()]);
  return new Map([...wanted.keys()].map((uri, index) => [uri, places[index]!]));
}

function checkFormat({ path, format }: DataFile): void {
  if (format === "parquet") return;
  throw new StreamlabError("usage", `Cannot read ${path}: its format is ${format}, and only Parquet is read`);
}

/**
 * By the path on this machine; undefined where all files are known to be laid out as the schema is.
 */
async function layoutsOf(
  connection: Connection,
  { loaded: { metadata } }: LakeTable,
  { files }: ScanPlan,
  places: Map<string, string>,
): Promise<Map<string, FileLayout> | undefined> {
  if (!layoutsMatter(metadata)) return undefined;
  return await readLayouts(connection, files.map(({ dataFile }) => places.get(dataFile.path)!), metadata.properties);
}

function viewSource(
  table: LakeTable,
  files: ScanPlan["files"],
  places: Map<string, string>,
  layouts: Map<string, FileLayout> | undefined,
): ViewSource {
  const local = (file: DataFile): LocalFile => ({ file, localPath: places.get(file.path)! });
  const { metadata } = table.loaded;
  const { schemas } = metadata;
  return {
    columns: table.schema.fields,
    fieldById: (id) => [table.schema, ...schemas].map((schema) => fieldsById(schema).get(id)?.field).find(Boolean),
    files: files.map(({ dataFile, deletes }) => {
      const layout = layouts?.get(places.get(dataFile.path)!);
      return {
        ...local(dataFile),
        deletes: deletes.map(local),
        ...(layout !== undefined && { layout, constants: partitionConstants(metadata, dataFile) }),
      };
    }),
  };
}
