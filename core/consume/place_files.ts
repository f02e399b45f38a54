import { mapParallel } from "../base/parallel.ts";
import type { Json } from "../base/json.ts";
import type { WrittenFile } from "../engine/copy.ts";
import { schemaToJson } from "../iceberg/spec/schema.ts";
import { type PartitionColumn, partitionColumns } from "../iceberg/spec/partition_spec.ts";
import type { Store } from "../storage/store.ts";
import type { RoutedDataFile, RoutedTable } from "./routed_batch.ts";
import type { PlannedTable } from "./target.ts";

/** Files moved or uploaded at once. */
const PLACED_PARALLEL = 8;
/** Characters of a value in a folder's name, which file systems limit to 255 bytes. */
const FOLDER_VALUE_MAX = 20;

/**
 * Moves data files from scratch to their place in the table's folder, durably, under names that no other attempt has:
 * `data/<partition>/<batch>-<attempt>-<number>.parquet`.
 */
export async function placeFiles(
  store: Store,
  table: PlannedTable,
  written: readonly WrittenFile[],
  stem: string,
): Promise<RoutedTable> {
  const partition = partitionColumns(table.spec, [table.schema]);
  const files = await mapParallel(written, PLACED_PARALLEL, async (file, index): Promise<RoutedDataFile> => {
    const name = `${stem}-${index.toString().padStart(5, "0")}.parquet`;
    const folders = file.partition.map((value, i) => `${partitionFolder(partition[i]!, value)}/`).join("");
    await store.putFile(`${table.dataFolder}/${folders}${name}`, file.path);
    const { path: _scratch, columns, ...rest } = file;
    return {
      ...rest,
      path: `data/${folders}${name}`,
      records: file.records.toString(),
      size: file.size.toString(),
      columns: columns.map((column) => ({
        ...column,
        size: column.size.toString(),
        values: column.values.toString(),
        nulls: column.nulls.toString(),
      })),
    };
  });
  return {
    specId: table.spec.specId,
    schema: schemaToJson(table.schema) as Json,
    lastColumnIdBefore: table.lastColumnIdBefore,
    files,
  };
}

/** `event_timestamp_day=2026-03-01`. Only for people: nothing reads a partition from a path. */
function partitionFolder(part: PartitionColumn, value: string | null): string {
  const text = value === null ? "null" : [...shown(part, value)].slice(0, FOLDER_VALUE_MAX).join("");
  return `${encodeURIComponent(part.field.name)}=${encodeURIComponent(text)}`;
}

function shown(part: PartitionColumn, value: string): string {
  if (part.field.transform.name !== "day") return value;
  return new Date(Number(value) * 86_400_000).toISOString().slice(0, -14);
}
