import { quoteName } from "../engine/duckdb.ts";
import { type Catalog, identifierText } from "../iceberg/catalog/catalog.ts";
import { LEDGER } from "../lake/table_names.ts";
import { sqlTypeOf } from "../tables/sql_type.ts";
import { historyViews } from "./history_view.ts";
import { allTables, type LakeTable } from "./lake_tables.ts";
import { metadataTables } from "./metadata/metadata_table.ts";
import { rowSelect } from "./row_select.ts";

/** The name of a table of a question in DuckDB. */
export function nameOf({ namespace, name }: { namespace: string; name: string }): string {
  return `${quoteName(namespace)}.${quoteName(name)}`;
}

export function isLedger({ namespace, name }: LakeTable): boolean {
  return `${namespace}.${name}` === identifierText(LEDGER);
}

export function createSchemas(tables: readonly { namespace: string }[]): string[] {
  const namespaces = new Set(tables.map(({ namespace }) => quoteName(namespace)));
  return [...namespaces].map((namespace) => `CREATE SCHEMA IF NOT EXISTS ${namespace}`);
}

/** A table's columns, without rows. */
export function createEmpty(table: LakeTable): string {
  const columns = table.schema.fields.map(({ name, type }) => `${quoteName(name)} ${sqlTypeOf(type)}`);
  return `CREATE TABLE ${nameOf(table)} (${columns.join(", ")})`;
}

/** The views of what was done, without rows. */
export function createEmptyViews(except: ReadonlySet<string>): string[] {
  return historyViews().filter(({ name }) => !except.has(name)).map((view) =>
    `CREATE TABLE ${nameOf(view)} AS ${rowSelect(view.columns, [])}`
  );
}

/** Statements that make all that a question can name, empty: tables, metadata tables, views. */
export async function listedStatements(catalog: Catalog): Promise<string[]> {
  const tables = await allTables(catalog, {});
  return [
    ...createSchemas(tables),
    ...tables.map(createEmpty),
    ...tables.flatMap((table) =>
      Object.entries(metadataTables).map(([suffix, kind]) =>
        `CREATE TABLE ${nameOf({ ...table, name: `${table.name}$${suffix}` })} AS ${
          rowSelect(kind.shape(table.loaded.metadata), [])
        }`
      )
    ),
    ...(tables.some(isLedger) ? createEmptyViews(new Set()) : []),
  ];
}
