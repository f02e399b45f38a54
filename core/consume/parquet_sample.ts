import type { Clock } from "../base/clock.ts";
import type { Random } from "../base/random.ts";
import { Scratch } from "../disk/scratch.ts";
import { takeTemporaryFolder, type TemporaryFolder } from "../disk/temporary_folder.ts";
import { DuckDb } from "../engine/duckdb.ts";
import { streamRows } from "../engine/duckdb_stream.ts";
import { isFileFault, parquetRowsSql } from "../routing/parquet_json_sql.ts";
import { plainParquet } from "../routing/plain_parquet.ts";
import type { LocalRawFile } from "../routing/raw_file.ts";
import type { Store } from "../storage/store.ts";

/** Of each file. */
const ROWS_MAX = 2_000;
/** Larger files of another machine are not fetched for their first rows. */
const FETCHED_BYTES_MAX = 64e6;
const MEMORY = "512MB";

export interface ParquetSampleOptions {
  store: Store;
  clock: Clock;
  random: Random;
  /** For copies of distant files; they are removed at the end. */
  temporaryFolder: string;
}

/** The first rows of Parquet files, as routing has them. DuckDB is loaded for the first. */
export class ParquetSample {
  readonly #options: ParquetSampleOptions;
  #database: DuckDb | undefined;
  #folder: TemporaryFolder | undefined;
  #files = 0;

  constructor(options: ParquetSampleOptions) {
    this.#options = options;
  }

  /** None of a file that cannot be read, or is too large to be fetched. */
  async recordsOf(path: string, size: number): Promise<string[]> {
    const { store, temporaryFolder } = this.#options;
    const local = store.localPath(path);
    if (local === undefined && size > FETCHED_BYTES_MAX) return [];
    this.#folder ??= await takeTemporaryFolder(temporaryFolder, "sample", this.#options);
    const scratch = Scratch.create(`${this.#folder.path}/${this.#files++}`);
    try {
      // A link of ours has a name that is no pattern.
      const copy = local === undefined ? scratch.path("copy.parquet") : scratch.link("link.parquet", local);
      if (local === undefined) await store.getFile(path, copy);
      return await this.#rowsOf({ number: 0, name: path, path: copy, size, format: "parquet" }, scratch);
    } finally {
      scratch.remove();
    }
  }

  close(): void {
    this.#database?.close();
    this.#folder?.release();
  }

  async #rowsOf(file: LocalRawFile, scratch: Scratch): Promise<string[]> {
    const { plain, detail } = await plainParquet(file, scratch);
    if (detail !== undefined) return [];
    const tempDirectory = `${this.#folder!.path}/spill`;
    this.#database ??= await DuckDb.open({ threads: 1, memory: MEMORY, tempDirectory });
    const connection = await this.#database.connect();
    try {
      const sql = await parquetRowsSql(connection, plain === undefined ? file : { ...file, plain });
      const { chunks } = await streamRows(connection, `${sql} LIMIT ${ROWS_MAX}`);
      const records: string[] = [];
      for await (const rows of chunks) for (const [, record] of rows) records.push(record as string);
      return records;
    } catch (error) {
      if (isFileFault(error)) return [];
      throw error;
    } finally {
      connection.close();
    }
  }
}
