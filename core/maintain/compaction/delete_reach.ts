import { type Connection, quotePath } from "../../engine/duckdb.ts";
import type { ScanFile } from "../../iceberg/scan/scan.ts";
import type { DataFile } from "../../iceberg/format/data_file.ts";

/**
 * The scan with position delete files only where they name rows of the data file. By its manifest a
 * delete file may apply to every file of its partition. Its rows say to which, and so which delete
 * files become useless once those are rewritten.
 */
export async function resolvePositionDeletes(
  connection: Connection,
  files: readonly ScanFile[],
  localPathOf: (file: DataFile) => Promise<string>,
): Promise<ScanFile[]> {
  const unclear = new Map<string, DataFile>();
  for (const { deletes } of files) {
    for (const item of deletes) {
      if (item.content === "position-deletes" && item.format === "parquet" && item.referencedDataFile === undefined) {
        unclear.set(item.path, item);
      }
    }
  }
  const named = new Map<string, Set<string>>();
  for (const [path, item] of unclear) named.set(path, await namedFiles(connection, await localPathOf(item)));
  return files.map((file) => ({
    ...file,
    deletes: file.deletes.filter(({ path }) => named.get(path)?.has(file.dataFile.path) ?? true),
  }));
}

/** Field id 2147483546 is that of `file_path` (specification: "Reserved Field IDs"). */
async function namedFiles(connection: Connection, localPath: string): Promise<Set<string>> {
  const rows = await connection.rows(
    `SELECT DISTINCT file_path FROM read_parquet([${quotePath(localPath)}],
  schema = MAP {2147483546: {name: 'file_path', type: 'VARCHAR', default_value: NULL}}, hive_partitioning = false)`,
  );
  return new Set(rows.map((row) => row.file_path as string));
}

/**
 * Which delete files still apply to data files that were not rewritten. The others may be removed.
 */
export class DeleteReach {
  readonly #touched = new Map<string, { file: DataFile; dataFiles: Set<string> }>();

  constructor(files: readonly ScanFile[]) {
    for (const { dataFile, deletes } of files) {
      for (const file of deletes) {
        const known = this.#touched.get(file.path) ?? { file, dataFiles: new Set() };
        known.dataFiles.add(dataFile.path);
        this.#touched.set(file.path, known);
      }
    }
  }

  /** The delete files that would apply to nothing without these data files. */
  doneWithout(rewritten: readonly ScanFile[]): DataFile[] {
    const paths = new Set(rewritten.map(({ dataFile }) => dataFile.path));
    return this.#of(rewritten).filter(({ dataFiles }) => [...dataFiles].every((path) => paths.has(path)))
      .map(({ file }) => file);
  }

  /** Data files that were rewritten for good. */
  forget(rewritten: readonly ScanFile[]): void {
    for (const { dataFiles } of this.#of(rewritten)) {
      for (const { dataFile } of rewritten) dataFiles.delete(dataFile.path);
    }
  }

  #of(files: readonly ScanFile[]) {
    const paths = new Set(files.flatMap(({ deletes }) => deletes.map(({ path }) => path)));
    return [...paths].flatMap((path) => this.#touched.get(path) ?? []);
  }
}
