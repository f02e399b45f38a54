import { ownPlaces } from "../iceberg/own_files.ts";
import { filesFor, type RoutedBatch } from "../lake/routed_batch.ts";
import { TABLE_ROLES } from "../lake/table_names.ts";
import type { TargetTables } from "../lake/target.ts";
import { deleteMade } from "../storage/deletion.ts";

/** Deletes the data files of a routing whose record came second: nothing names them. */
export async function discardRouted(tables: TargetTables, routed: RoutedBatch): Promise<void> {
  await Promise.all(TABLE_ROLES.map((role) => {
    const { location } = tables[role].io;
    const paths = filesFor(role, routed).map(({ path }) => location.pathInStore(path));
    return deleteMade(location.store, paths, ownPlaces(location, {}, ["data"]));
  }));
}
