import type { Catalog } from "../iceberg/catalog/catalog.ts";
import { allTables } from "./lake_tables.ts";
import { metadataTables } from "./metadata/metadata_table.ts";

/** Names of tables, metadata tables and columns, for completion. */
export async function completionNames(catalog: Catalog): Promise<string[]> {
  const tables = await allTables(catalog, {});
  return tables.flatMap(({ namespace, name, schema }) => [
    `${namespace}.${name}`,
    ...Object.keys(metadataTables).map((suffix) => `${namespace}."${name}$${suffix}"`),
    ...schema.fields.map((field) => field.name),
  ]);
}
