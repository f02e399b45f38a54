import type { Json } from "../base/json.ts";
import type { WrittenFile } from "../engine/copy.ts";
import { partitionColumns } from "../iceberg/format/partition_spec.ts";
import { schemaToJson } from "../iceberg/format/schema.ts";
import { dataFileName } from "../lake/data_file_name.ts";
import { partitionFolder, placeFiles } from "../tables/write/place_files.ts";
import type { Store } from "../storage/store.ts";
import type { RoutedTable } from "../lake/routed_batch.ts";
import { routedDataFile } from "../lake/routed_data_file.ts";
import type { PlannedTable } from "../lake/target.ts";

/**
 * Moves a batch's data files to their place in the table's folder, durably, and records them. The
 * stem is unique to the attempt.
 */
export async function placeRoutedFiles(
  store: Store,
  table: PlannedTable,
  written: readonly WrittenFile[],
  stem: string,
  /** The number of the first one's name. */
  firstNumber = 0,
): Promise<RoutedTable> {
  const partition = partitionColumns(table.spec, [table.schema]);
  const folderOf = (file: WrittenFile) => partitionFolder(partition, file.partition);
  const nameOf = (number: number) => dataFileName(stem, firstNumber + number);
  const placed = await placeFiles(store, table.dataFolder, written, folderOf, nameOf);
  return {
    specId: table.spec.specId,
    schema: schemaToJson(table.schema) as Json,
    lastColumnIdBefore: table.lastColumnIdBefore,
    files: placed.map(routedDataFile),
  };
}
