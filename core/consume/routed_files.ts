import { isAllocationFailure } from "../base/allocation.ts";
import { StreamlabError } from "../base/errors.ts";
import type { Random } from "../base/random.ts";
import { identifierText, type LoadedTable } from "../iceberg/catalog/catalog.ts";
import type { DataFile } from "../iceberg/format/data_file.ts";
import { partitionColumns } from "../iceberg/format/partition_spec.ts";
import type { Schema } from "../iceberg/format/schema.ts";
import { specById } from "../iceberg/format/table_metadata.ts";
import { batchStem, dataFileName, newAttempt } from "../lake/data_file_name.ts";
import type { RoutedDataFile, RoutedTable } from "../lake/routed_batch.ts";
import { writtenFileOf } from "../lake/routed_data_file.ts";
import { dataFileOf } from "../tables/write/data_file.ts";
import type { SchemaFit } from "./schema_fit.ts";

/** Of a data file; see `renumberedFile`. */
export type RenumberFile = (file: Uint8Array, ids: ReadonlyMap<number, number>) => Uint8Array;

export interface RoutedFilesOptions {
  batchId: number;
  random: Random;
  renumber: RenumberFile;
}

/** The data files of a routed batch in one table, for its manifests. */
export class RoutedFiles {
  readonly #table: LoadedTable;
  readonly #part: RoutedTable;
  readonly #options: RoutedFilesOptions;
  /** Of the last try, and by which ids. */
  #last: { ids: string; files: DataFile[] } | undefined;

  constructor(table: LoadedTable, part: RoutedTable, options: RoutedFilesOptions) {
    this.#table = table;
    this.#part = part;
    this.#options = options;
  }

  /** Where the table knows fields by other ids, copies of the files that have these. */
  async fitting({ ids, schema }: SchemaFit): Promise<DataFile[]> {
    const key = JSON.stringify([...ids]);
    if (this.#last?.ids !== key) {
      const files = ids.size === 0 ? this.#part.files : await this.#copied(ids);
      this.#last = { ids: key, files: files.map((file) => this.#dataFile(file, schema)) };
    }
    return this.#last.files;
  }

  /**
   * The files of the record stay as they are, because others may be about to commit them. Copies
   * that are not committed are found by orphan removal, when the table has the batch.
   */
  async #copied(ids: ReadonlyMap<number, number>): Promise<readonly RoutedDataFile[]> {
    const { batchId, random } = this.#options;
    const stem = batchStem(batchId, newAttempt(random));
    const files: RoutedDataFile[] = [];
    // One after another: a whole file is in memory.
    for (const [number, file] of this.#part.files.entries()) {
      const path = file.path.replace(/[^/]*$/, dataFileName(stem, number));
      files.push({ ...file, path, size: await this.#copy(file, path, ids) });
    }
    return files;
  }

  /** Returns its size. */
  async #copy({ path }: RoutedDataFile, to: string, ids: ReadonlyMap<number, number>): Promise<string> {
    const { location } = this.#table.io;
    const file = await location.store.read(location.pathInStore(path));
    let copy: Uint8Array;
    try {
      copy = this.#options.renumber(file, ids);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      const name = identifierText(this.#table.identifier);
      if (isAllocationFailure(error)) {
        throw new StreamlabError("unavailable", `Cannot commit ${path} to ${name}: it does not fit into memory twice`, {
          hint: "Another program has taken its field ids, so they must be changed. Let it have more memory",
          cause: error,
        });
      }
      throw new StreamlabError("corrupt", `Cannot commit ${path} to ${name}: ${error.message}`, {
        hint: "Another program has taken its field ids, so they must be changed. Restore the file from a backup",
      });
    }
    await location.store.write(location.pathInStore(to), copy);
    return copy.length.toString();
  }

  #dataFile(file: RoutedDataFile, schema: Schema): DataFile {
    const { metadata, io } = this.#table;
    const { specId } = this.#part;
    const partition = partitionColumns(specById(metadata, specId), [...metadata.schemas, schema]);
    return dataFileOf(writtenFileOf(file), { uri: io.location.uriOf(file.path), specId, partition }, schema);
  }
}
