import { uuidV4 } from "../../core/base/random.ts";
import { identifierText, type LoadedTable } from "../../core/iceberg/catalog.ts";
import { buildDataFile } from "../../core/iceberg/data_file_builder.ts";
import { planScan } from "../../core/iceberg/scan.ts";
import { currentSchema } from "../../core/iceberg/spec/table_metadata.ts";
import { planGroups } from "../../core/maintain/compaction_plan.ts";
import { DeleteReach } from "../../core/maintain/delete_reach.ts";
import { type Intent, removeIntent, writeIntent } from "../../core/maintain/intent.ts";
import { commitRewrites } from "../../core/maintain/rewrite_commit.ts";
import type { Surroundings } from "../../core/maintain/surroundings.ts";
import { type DataRows, lightFile } from "./data_rows.ts";

/** Compaction by its own protocol of intents and commits; only the rows are copied here, as no Parquet is involved. */
export async function compactLight(surroundings: Surroundings, table: LoadedTable, rows: DataRows): Promise<void> {
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
    for (const { dataFile } of group.files) {
      copied.push(...rows.of(await store.read(io.location.pathOf(dataFile.path))));
    }
    const bytes = lightFile(copied);
    const path = `data/${id}-00000.parquet`;
    await store.write(io.location.pathInStore(path), bytes);
    const output = buildDataFile({
      path: io.location.uriOf(path),
      specId: group.specId,
      partition: group.partition,
      recordCount: copied.length,
      fileSizeBytes: bytes.length,
      columns: [],
    }, currentSchema(metadata));
    const { dropped } = await commitRewrites(surroundings, table, [{ group, outputs: [output], intent }], reach);
    if (dropped.length > 0) await store.delete([io.location.pathInStore(path)]);
    await removeIntent(store, intent);
  }
}
