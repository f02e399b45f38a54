import { StreamlabError } from "../base/errors.ts";
import { mapParallel } from "../base/parallel.ts";
import { identifierText, type LoadedTable } from "../iceberg/catalog/catalog.ts";
import { batchRecordPath } from "../lake/layout.ts";
import { filesFor, type RoutedBatch } from "../lake/routed_batch.ts";
import { TABLE_ROLES, type TableRole } from "../lake/table_names.ts";
import { markerOf, type TargetTables } from "../lake/target.ts";
import { fileDamage } from "../tables/read/file_damage.ts";
import type { CommitContext } from "./commit_batch.ts";

const STATS_PARALLEL = 16;

/**
 * A record of another run may be newer than the tables: restored tables may lack its files, and a
 * commit that names missing files makes a table unreadable. Fails with `conflict` before anything
 * is committed. If a table already has the batch, its files may have been rewritten since, and are
 * not checked.
 */
export async function checkRecordedFiles(
  context: CommitContext,
  tables: TargetTables,
  routed: RoutedBatch,
): Promise<void> {
  const damages = await mapParallel(TABLE_ROLES, TABLE_ROLES.length, async (role) => {
    if (hasBatch(context, tables[role], routed)) return undefined;
    const damage = await damageOf(tables[role], role, routed);
    if (damage === undefined) return undefined;
    // Another consumer may have committed the batch, and upkeep rewritten the files.
    const newest = await context.catalog.loadTable(tables[role].identifier);
    return newest !== undefined && hasBatch(context, newest, routed) ? undefined : damage;
  });
  const damage = damages.find((each) => each !== undefined);
  if (damage === undefined) return;
  const { target } = context;
  const batchId = BigInt(routed.batchId);
  const records = (["plan", "routed"] as const).map((kind) => batchRecordPath(target, batchId, kind)).join(" and ");
  const isBegun = TABLE_ROLES.some((role) => hasBatch(context, tables[role], routed));
  throw new StreamlabError("conflict", `Cannot finish batch ${routed.batchId} of ${target}: ${damage}`, {
    hint: "The tables were restored from an older copy than the checkpoints, or lost files: restore all of the lake " +
      `from one moment${isBegun ? "" : `, or move ${records} away, and its raw files are taken anew`}`,
  });
}

function hasBatch({ target }: CommitContext, { metadata }: LoadedTable, { batchId }: RoutedBatch): boolean {
  return markerOf(metadata, target).batchId >= BigInt(batchId);
}

/** The first file of a record for a table that is not as it was written. */
async function damageOf(table: LoadedTable, role: TableRole, routed: RoutedBatch): Promise<string | undefined> {
  const { location } = table.io;
  const damages = await mapParallel(filesFor(role, routed), STATS_PARALLEL, async ({ path, size }) => {
    const damage = await fileDamage(location, { path: location.uriOf(path), fileSizeBytes: Number(size) });
    return damage && `${path} of ${identifierText(table.identifier)}, which its record names, ${damage}`;
  });
  return damages.find((damage) => damage !== undefined);
}
