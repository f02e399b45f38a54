import { type Catalog, identifierText } from "../iceberg/catalog/catalog.ts";
import { allTables } from "./lake_tables.ts";
import { LEDGER } from "../lake/table_names.ts";
import { historyViews } from "./history_view.ts";
import { metadataTables } from "./metadata/metadata_table.ts";

/** Names of tables, metadata tables and columns, for completion. */
export async function completionNames(catalog: Catalog): Promise<string[]> {
  const tables = await allTables(catalog, {});
  const isLake = tables.some(({ namespace, name }) => `${namespace}.${name}` === identifierText(LEDGER));
  const views = (isLake ? historyViews() : []).flatMap((
    { namespace, name, columns },
  ) => [`${namespace}.${name}`, ...Object.keys(columns)]);
  return views.concat(tables.flatMap(({ namespace, name, schema }) => [
    `${namespace}.${name}`,
    ...Object.keys(metadataTables).map((suffix) => `${namespace}."${name}$${suffix}"`),
    ...schema.fields.map((field) => field.name),
  ]));
}
