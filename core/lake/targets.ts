import { StreamlabError } from "../base/errors.ts";
import { mapParallel } from "../base/parallel.ts";
import { type Catalog, identifierText, type LoadedTable, parseIdentifier } from "../iceberg/catalog/catalog.ts";
import { lastBatchOf, streamlabKey, targetsOf } from "./keys.ts";
import { LEDGER, LISTED_PARALLEL, ownsNamespace } from "./table_names.ts";
import { type TargetRecord, targetRecordOf } from "./target_record.ts";

/** A table of events, with all that feeds it. */
export interface KnownTarget {
  /** `bronze.events` */
  name: string;
  table: LoadedTable;
  /**
   * Undefined where an older streamlab last wrote to it. Fails with `corrupt` or `newer` by itself,
   * so that one target costs no look at the others.
   */
  record: () => TargetRecord | undefined;
}

/** Every table that `consume` has written to, or was to, by name. */
export async function targetsOfCatalog(catalog: Catalog): Promise<KnownTarget[]> {
  const namespaces = (await catalog.listNamespaces()).filter((namespace) => !ownsNamespace(namespace));
  const identifiers = (await mapParallel(namespaces, LISTED_PARALLEL, (each) => catalog.listTables(each))).flat();
  const found = await mapParallel(identifiers, LISTED_PARALLEL, async (identifier): Promise<KnownTarget[]> => {
    const table = await catalog.loadTable(identifier);
    const name = identifierText(identifier);
    if (table?.metadata.properties[streamlabKey.sequenceId(name)] === undefined) return [];
    return [{ name, table, record: () => targetRecordOf(table.metadata.properties, name) }];
  });
  return found.flat().sort((a, b) => a.name < b.name ? -1 : 1);
}

/** A target whose table is not there, though the ledger has its batches. */
export interface LostTarget {
  name: string;
  /** Says so, with the way out. */
  error: StreamlabError;
}

/** `known` as of the same catalog. */
export async function lostTargets(catalog: Catalog, known: readonly KnownTarget[]): Promise<LostTarget[]> {
  const ledger = await catalog.loadTable(LEDGER);
  if (ledger === undefined) return [];
  const { properties } = ledger.metadata;
  const there = new Set(known.map(({ name }) => name));
  const names = targetsOf(properties).filter((name) => !there.has(name)).sort();
  const found = await mapParallel(names, LISTED_PARALLEL, async (name): Promise<LostTarget[]> => {
    if (await catalog.loadTable(parseIdentifier(name)) !== undefined) return [];
    const batch = lastBatchOf(properties, name);
    return [{
      name,
      error: new StreamlabError(
        "conflict",
        `Cannot continue with ${name}: there is no table ${name}, but ${identifierText(LEDGER)} has batch ${batch}`,
        { hint: "Restore the whole lake from one backup, or start a new lake" },
      ),
    }];
  });
  return found.flat();
}
