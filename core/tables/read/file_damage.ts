import { counted, formatCount } from "../../base/counted.ts";
import type { TableLocation } from "../../iceberg/table_location.ts";
import type { DataFile } from "../../iceberg/format/data_file.ts";

/**
 * What is wrong with a table's file, judged by its size, in words like "is gone"; undefined if
 * nothing.
 */
export async function fileDamage(
  location: TableLocation,
  { path: uri, fileSizeBytes }: Pick<DataFile, "path" | "fileSizeBytes">,
): Promise<string | undefined> {
  const path = location.findPath(uri);
  if (path === undefined) return "is outside the table's place";
  const found = await location.store.stat(path);
  if (found === undefined) return "is gone";
  if (found.size === fileSizeBytes) return undefined;
  return `has ${counted(found.size, "byte")}, and its metadata says ${formatCount(fileSizeBytes)}`;
}
