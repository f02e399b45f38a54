import { isKind } from "../../base/errors.ts";
import { SqlError } from "../../engine/sql_error.ts";
import { type Catalog, type LoadedTable, requireTable, type TableIdentifier } from "../../iceberg/catalog/catalog.ts";

const ATTEMPTS_MAX = 10;

/**
 * Reads from a table's newest version. If files are gone because another process committed and
 * expired this version, it repeats with the newest one. `first` saves the first load.
 */
export async function withNewest<T>(
  catalog: Catalog,
  identifier: TableIdentifier,
  action: (table: LoadedTable) => Promise<T>,
  first?: LoadedTable,
): Promise<T> {
  let table = first ?? await requireTable(catalog, identifier);
  for (let attempt = 1;; attempt++) {
    try {
      return await action(table);
    } catch (error) {
      if (!mayBeMissing(error) || attempt === ATTEMPTS_MAX) throw error;
      const newest = await requireTable(catalog, identifier);
      if (newest.metadataLocation === table.metadataLocation) throw error;
      table = newest;
    }
  }
}

/** DuckDB reports a missing file in many ways. */
export function mayBeMissing(error: unknown): boolean {
  return error instanceof SqlError || isKind(error, "not-found");
}
