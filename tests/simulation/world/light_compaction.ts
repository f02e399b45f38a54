import { uuidV4 } from "../../../core/base/random.ts";
import { identifierText, type LoadedTable } from "../../../core/iceberg/catalog/catalog.ts";
import { buildDataFile } from "../../../core/iceberg/data_file_builder.ts";
import { planScan, type ScanFile } from "../../../core/iceberg/scan/scan.ts";
import { currentSchema } from "../../../core/iceberg/format/table_metadata.ts";
import { planGroups, type RewriteGroup } from "../../../core/maintain/compaction/compaction_plan.ts";
import { DeleteReach } from "../../../core/maintain/compaction/delete_reach.ts";
import { type Intent, removeIntent, writeIntent } from "../../../core/lake/intent.ts";
import { commitRewrites } from "../../../core/maintain/compaction/rewrite_commit.ts";
import type { Surroundings } from "../../../core/maintain/surroundings.ts";
import type { Store } from "../../../core/storage/store.ts";
import type { TableIo } from "../../../core/iceberg/table_io.ts";
import { type DataRow, type DataRows, lightFile } from "./data_rows.ts";

/**
 * Compaction by its own protocol of intents and commits; only the rows are copied here, as no
 * Parquet is involved. `plannedAs` is what the commit takes for the version that the work was
 * planned from.
 */
export async function compactLight(
  surroundings: Surroundings,
  table: LoadedTable,
  rows: DataRows,
  plannedAs: (table: LoadedTable) => Promise<LoadedTable> = (table) => Promise.resolve(table),
): Promise<void> {
  const { store, random, clock } = surroundings;
  const { io, metadata } = table;
  const { files } = await planScan(io, metadata);
  const reach = new DeleteReach(files);
  for (const group of planGroups(files, { targetBytes: 1e6, inputsMin: 2, sorts: false })) {
    const id = `compact-${uuidV4(random)}`;
    const intent: Intent = {
      format: 1,
      kind: "compaction",
      id,
      table: identifierText(table.identifier),
      tableUuid: metadata.tableUuid,
      startedAt: new Date(clock.nowMs()).toISOString(),
      stem: io.location.pathInStore(`data/${id}-`),
      inputs: group.files.map(({ dataFile }) => dataFile.path),
      fenced: false,
    };
    await writeIntent(store, intent);
    const copied = [];
    for (const file of group.files) copied.push(...await liveRows(io.location.store, io, file, rows));
    const path = `data/${id}-00000.parquet`;
    // Where every row was deleted there is no new file.
    const outputs = copied.length === 0 ? [] : [await place(table, group, path, copied)];
    const { dropped } = await commitRewrites(surroundings, await plannedAs(table), [{
      group,
      outputs,
      intent,
    }], reach);
    if (dropped.length > 0) await io.location.store.deletePaths([io.location.pathInStore(path)]);
    await removeIntent(store, intent);
  }
}

async function place(
  { io, metadata }: LoadedTable,
  { specId, partition }: RewriteGroup,
  path: string,
  rows: DataRow[],
) {
  const bytes = lightFile(rows);
  await io.location.store.write(io.location.pathInStore(path), bytes);
  const size = { recordCount: rows.length, fileSizeBytes: bytes.length };
  return buildDataFile(
    { path: io.location.uriOf(path), specId, partition, ...size, columns: [] },
    currentSchema(metadata),
  );
}

/** The rows of a data file that no delete file of its names. */
async function liveRows(
  store: Store,
  io: TableIo,
  { dataFile, deletes }: ScanFile,
  rows: DataRows,
): Promise<DataRow[]> {
  const read = async (path: string) => rows.of(await store.read(io.location.pathOf(path)));
  const deleted = new Set<number>();
  for (const { path } of deletes) {
    for (const { file_path, pos } of await read(path)) if (file_path === dataFile.path) deleted.add(pos as number);
  }
  return (await read(dataFile.path)).filter((_row, position) => !deleted.has(position));
}
