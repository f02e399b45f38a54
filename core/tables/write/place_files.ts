import { mapParallel } from "../../base/parallel.ts";
import type { WrittenFile } from "../../engine/copy.ts";
import type { PartitionColumn } from "../../iceberg/format/partition_spec.ts";
import type { Store } from "../../storage/store.ts";

/** Files moved at once, which then share their fsyncs' journal writes; and uploaded at once. */
const PLACED_PARALLEL = { local: 32, s3: 8 } as const;
/**
 * Characters of a field's name, and of its value, in a folder's name, which file systems limit to
 * 255.
 */
const FOLDER_PART_MAX = 100;

export interface PlacedFile {
  /** Path in the table's folder. */
  path: string;
  /** Its own path is that of scratch, where the file is no longer. */
  written: WrittenFile;
}

/**
 * Moves data files from scratch to their place in the table's folder, durably, as
 * `data/<partition>/<name>`; `nameOf` numbers names that no other attempt has.
 */
export function placeFiles(
  store: Store,
  /** The table's folder of data files: its path in the store. */
  dataFolder: string,
  written: readonly WrittenFile[],
  /** The partition folder of a file, without slashes around it; empty for none. */
  folderOf: (file: WrittenFile) => string,
  nameOf: (number: number) => string,
): Promise<PlacedFile[]> {
  return mapParallel(written, PLACED_PARALLEL[store.kind], async (file, index) => {
    const folder = folderOf(file);
    const path = `${folder}${folder === "" ? "" : "/"}${nameOf(index)}`;
    await store.putFile(`${dataFolder}/${path}`, file.path);
    return { path: `data/${path}`, written: file };
  });
}

/**
 * `event_timestamp_day=2026-03-01/…`, of values as `partitionText` prints them. Only for people:
 * nothing reads a partition from a path.
 */
export function partitionFolder(partition: readonly PartitionColumn[], values: readonly (string | null)[]): string {
  return partition.map((part, index) => {
    const value = values[index] ?? null;
    return `${encoded(part.field.name)}=${encoded(value === null ? "null" : shown(part, value))}`;
  }).join("/");
}

/** Percent-encoded, as much of the text's start as fits. */
function encoded(text: string): string {
  let result = "";
  for (const character of text) {
    const next = result + encodeURIComponent(character);
    if (next.length > FOLDER_PART_MAX) return result;
    result = next;
  }
  return result;
}

function shown(part: PartitionColumn, value: string): string {
  if (part.field.transform.name !== "day") return value;
  return new Date(Number(value) * 86_400_000).toISOString().slice(0, -14);
}
