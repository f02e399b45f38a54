import { isKind, StreamlabError } from "../base/errors.ts";
import { mapParallel } from "../base/parallel.ts";
import {
  type Catalog,
  identifierText,
  type LoadedTable,
  parseIdentifier,
  type TableIdentifier,
} from "../iceberg/catalog/catalog.ts";
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

/** Told of a table whose metadata cannot be read, by its name: the others are looked at. */
export type OnUnreadableTable = (table: string, error: StreamlabError) => void;

/**
 * A table; where its metadata cannot be read, `onUnreadable` is told of it, or it is an error.
 * `expected`: as it was, which is not read again where it still is.
 */
export async function loadOrTell(
  catalog: Catalog,
  identifier: TableIdentifier,
  onUnreadable: OnUnreadableTable | undefined,
  expected?: LoadedTable,
): Promise<LoadedTable | undefined> {
  try {
    return await catalog.loadTable(identifier, expected);
  } catch (error) {
    if (onUnreadable === undefined || !isKind(error, "corrupt")) throw error;
    onUnreadable(identifierText(identifier), error);
    return undefined;
  }
}

/** Every table that `consume` has written to, or was to, by name. */
export async function targetsOfCatalog(catalog: Catalog, onUnreadable?: OnUnreadableTable): Promise<KnownTarget[]> {
  const namespaces = (await catalog.listNamespaces()).filter((namespace) => !ownsNamespace(namespace));
  const identifiers = (await mapParallel(namespaces, LISTED_PARALLEL, (each) => catalog.listTables(each))).flat();
  const found = await mapParallel(identifiers, LISTED_PARALLEL, async (identifier): Promise<KnownTarget[]> => {
    const table = await loadOrTell(catalog, identifier, onUnreadable);
    const name = identifierText(identifier);
    if (table?.metadata.properties[streamlabKey.sequenceId(name)] === undefined) return [];
    return [{ name, table, record: () => targetRecordOf(table.metadata.properties, name) }];
  });
  return found.flat().sort((a, b) => a.name < b.name ? -1 : 1);
}

/** A target whose table is not there, or cannot be read, though the ledger has its batches. */
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
    const unreadable: StreamlabError[] = [];
    const table = await loadOrTell(catalog, parseIdentifier(name), (_name, error) => void unreadable.push(error));
    if (unreadable.length > 0) return unreadable.map((error) => ({ name, error }));
    if (table !== undefined) return [];
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
