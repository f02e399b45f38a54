/** A placed data file as records and results of tasks have it: its figures in decimal. */
import type { WrittenFile } from "../engine/copy.ts";
import type { PlacedFile } from "../tables/write/place_files.ts";
import type { RoutedDataFile } from "./routed_batch.ts";

export function routedDataFile({ path, written: { path: _scratch, columns, ...rest } }: PlacedFile): RoutedDataFile {
  return {
    ...rest,
    path,
    records: rest.records.toString(),
    size: rest.size.toString(),
    columns: columns.map((column) => ({
      ...column,
      size: column.size.toString(),
      values: column.values.toString(),
      nulls: column.nulls.toString(),
    })),
  };
}

/** What was written, wherever it lies now. */
export function writtenFileOf({ path: _path, records, size, ...rest }: RoutedDataFile): Omit<WrittenFile, "path"> {
  return {
    ...rest,
    records: BigInt(records),
    size: BigInt(size),
    columns: rest.columns.map(({ size, values, nulls, ...facts }) => ({
      ...facts,
      size: BigInt(size),
      values: BigInt(values),
      nulls: BigInt(nulls),
    })),
  };
}
