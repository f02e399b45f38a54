import { mapParallel } from "../base/parallel.ts";
import { type Catalog, identifierText, type LoadedTable } from "../iceberg/catalog/catalog.ts";
import { streamlabKey } from "./keys.ts";
import { LISTED_PARALLEL, ownsNamespace } from "./table_names.ts";
import { type TargetRecord, targetRecordOf } from "./target_record.ts";

/** A table of events, with all that feeds it. */
export interface KnownTarget {
  /** `bronze.events` */
  name: string;
  table: LoadedTable;
  /** Undefined where an older streamlab last wrote to it. */
  record: TargetRecord | undefined;
}

/** Every table that `consume` has written to, or was to, by name. */
export async function targetsOfCatalog(catalog: Catalog): Promise<KnownTarget[]> {
  const namespaces = (await catalog.listNamespaces()).filter((namespace) => !ownsNamespace(namespace));
  const identifiers = (await mapParallel(namespaces, LISTED_PARALLEL, (each) => catalog.listTables(each))).flat();
  const found = await mapParallel(identifiers, LISTED_PARALLEL, async (identifier): Promise<KnownTarget[]> => {
    const table = await catalog.loadTable(identifier);
    const name = identifierText(identifier);
    if (table?.metadata.properties[streamlabKey.sequenceId(name)] === undefined) return [];
    return [{ name, table, record: targetRecordOf(table.metadata.properties, name) }];
  });
  return found.flat().sort((a, b) => a.name < b.name ? -1 : 1);
}
