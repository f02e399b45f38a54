import { mapParallel } from "../../base/parallel.ts";
import type { Random } from "../../base/random.ts";
import { Scratch } from "../../disk/scratch.ts";
import { copyToParquet, type WrittenFile } from "../../engine/copy.ts";
import { type Connection, quotePath, quoteText } from "../../engine/duckdb.ts";
import type { LoadedTable } from "../../iceberg/catalog/catalog.ts";
import { buildDataFile } from "../../iceberg/data_file_builder.ts";
import type { DataFile } from "../../iceberg/format/data_file.ts";
import { partitionColumns, partitionKey } from "../../iceberg/format/partition_spec.ts";
import { currentSchema, specById } from "../../iceberg/format/table_metadata.ts";
import { batchStem, dataFileName, newAttempt } from "../../lake/data_file_name.ts";
import { keyNumberSql } from "../../lake/dedupe_sql.ts";
import type { RoutedBatch } from "../../lake/routed_batch.ts";
import type { UpsertRule } from "../../lake/upsert_rule.ts";
import { newestSql } from "../../lake/upsert_sql.ts";
import { LocalFiles } from "../../tables/read/local_files.ts";
import { partitionText } from "../../tables/write/partition_text.ts";
import { partitionFolder, placeFiles } from "../../tables/write/place_files.ts";
import { findNewest, type NewestRecords } from "./newest_records.ts";
import { STANDING, StandingRows } from "./standing_rows.ts";

/** Of the secret that keys are numbered with: with 39 bytes of a UUID it fits one block of MD5. */
const SECRET_BYTES = 8;
/** Files that are fetched at once. */
const FETCHED_PARALLEL = 16;
/** Of the columns of delete files (specification: "Reserved Field IDs"). */
const POSITION_IDS = { file_path: 2147483546, pos: 2147483545 };

export interface UpsertsOptions {
  /** A session of DuckDB. */
  connect: () => Promise<Connection>;
  scratch: Scratch;
  random: Random;
}

/** A rule, and what a column of its records is, by the contract. */
export interface UpsertedBy {
  rule: UpsertRule;
  kindOf: (column: string) => string | undefined;
}

/** Rows that the records of a batch take the place of. */
export interface Replaced {
  /** Files that delete them by position: durable, and nothing names them yet. */
  deleteFiles: DataFile[];
  /** Those of them that batches have brought. */
  events: number;
}

/**
 * The newest of each key, twice: before the files of a batch are placed, for what of it becomes
 * rows; and when it is committed, for the rows whose place these take, wherever they are by then.
 */
export class Upserts {
  readonly #options: UpsertsOptions;
  readonly #secret: string;
  #connection: Connection | undefined;
  #standing: { rule: string; rows: StandingRows } | undefined;

  constructor(options: UpsertsOptions) {
    this.#options = options;
    this.#secret = options.random.bytes(SECRET_BYTES).toHex();
  }

  close(): void {
    this.#connection?.close();
  }

  /** `paths`: local data files that have all events of a batch. */
  async find(by: UpsertedBy, table: LoadedTable, paths: readonly string[]): Promise<NewestRecords> {
    if (paths.length === 0) return { superseded: new Map(), noTombstones: undefined };
    const { connection, rows } = await this.#follow(by.rule, table);
    return await findNewest(connection, rows, { ...by, secret: this.#secret, paths });
  }

  /**
   * Of that version of the table, which lacks the batch, the rows that are no newer than its
   * records of the same key. What another program has put there since, and is newer, stays.
   */
  async replacedBy({ rule, kindOf }: UpsertedBy, table: LoadedTable, routed: RoutedBatch): Promise<Replaced> {
    const { io: { location } } = table;
    const coming = [...routed.events.files, ...routed.tombstones?.files ?? []].map((file): DataFile => ({
      content: "data",
      path: location.uriOf(file.path),
      format: "parquet",
      specId: routed.events.specId,
      partition: [],
      recordCount: Number(file.records),
      fileSizeBytes: Number(file.size),
    }));
    if (coming.length === 0) return { deleteFiles: [], events: 0 };
    const { connection, rows } = await this.#follow(rule, table);
    const local = new LocalFiles(table.io, this.#options.scratch);
    try {
      const paths = await mapParallel(coming, FETCHED_PARALLEL, (file) => local.pathOf(file));
      await connection.run(`CREATE OR REPLACE TEMP TABLE coming AS
SELECT ${keyNumberSql(rule, this.#secret)} AS key, max(${newestSql(rule, kindOf(rule.newest))}) AS newest
FROM read_parquet([${paths.map(quotePath).join(", ")}], hive_partitioning = false) GROUP BY 1`);
    } finally {
      await local.forget(coming);
    }
    await rows.find("coming");
    await connection.run(`CREATE OR REPLACE TEMP TABLE replaced AS SELECT s.file, s.row, s.is_event
FROM ${STANDING} s JOIN coming c ON s.key = c.key WHERE s.is_row AND s.newest <= c.newest;
DROP TABLE coming; DROP TABLE ${STANDING}`);
    return await this.#writeDeletes(connection, rows, table, routed.batchId);
  }

  async #follow(rule: UpsertRule, table: LoadedTable): Promise<{ connection: Connection; rows: StandingRows }> {
    const connection = this.#connection ??= await this.#options.connect();
    const text = JSON.stringify(rule);
    if (this.#standing?.rule !== text) {
      const { scratch } = this.#options;
      this.#standing = { rule: text, rows: new StandingRows({ connection, scratch, rule, secret: this.#secret }) };
    }
    const { rows } = this.#standing;
    await rows.follow(table);
    return { connection, rows };
  }

  /** A file for each partition, as the specification wants it ("Position Delete Files"). */
  async #writeDeletes(
    connection: Connection,
    rows: StandingRows,
    table: LoadedTable,
    batchId: number,
  ): Promise<Replaced> {
    const found = await connection.rows(
      "SELECT file, count(*) FILTER (is_event)::BIGINT AS events FROM replaced GROUP BY file",
    );
    const touched = found.map(({ file }) => ({ number: file as number, dataFile: rows.fileOf(file as number) }));
    const partitions = Map.groupBy(touched, ({ dataFile }) => partitionKey(dataFile.specId, dataFile.partition));
    const scratch = Scratch.create(this.#options.scratch.path("deletes"));
    try {
      const parts = new Map<WrittenFile, TouchedFile[]>();
      for (const [index, files] of [...partitions.values()].entries()) {
        const directory = scratch.subfolder(`${index}`);
        const options = { query: positionsSql(files), directory, fieldIds: POSITION_IDS };
        parts.set((await copyToParquet(connection, options))[0]!, files);
      }
      await connection.run("DROP TABLE replaced");
      const deleteFiles = await this.#place(table, parts, batchStem(batchId, newAttempt(this.#options.random)));
      return { deleteFiles, events: found.reduce((sum, { events }) => sum + Number(events), 0) };
    } finally {
      scratch.remove();
    }
  }

  async #place(
    { io: { location }, metadata }: LoadedTable,
    parts: ReadonlyMap<WrittenFile, readonly TouchedFile[]>,
    stem: string,
  ): Promise<DataFile[]> {
    const folderOf = (written: WrittenFile) => {
      const { specId, partition } = parts.get(written)![0]!.dataFile;
      const columns = partitionColumns(specById(metadata, specId), metadata.schemas);
      return partitionFolder(columns, columns.map((column, at) => partitionText(column, partition[at] ?? null)));
    };
    const nameOf = (number: number) => dataFileName(stem, number);
    const dataFolder = location.pathInStore("data");
    const placed = await placeFiles(location.store, dataFolder, [...parts.keys()], folderOf, nameOf);
    return placed.map(({ path, written }) => {
      const files = parts.get(written)!;
      const { specId, partition } = files[0]!.dataFile;
      return buildDataFile({
        content: "position-deletes",
        path: location.uriOf(path),
        specId,
        partition,
        recordCount: Number(written.records),
        fileSizeBytes: Number(written.size),
        columns: [],
        referencedDataFile: files.length === 1 ? files[0]!.dataFile.path : undefined,
      }, currentSchema(metadata));
    });
  }
}

/** A data file that rows go from, and its number in `STANDING`. */
interface TouchedFile {
  number: number;
  dataFile: DataFile;
}

/** Sorted as the specification wants it ("Position Delete Files"). */
function positionsSql(files: readonly TouchedFile[]): string {
  const numbers = files.map(({ number, dataFile }) => `(${number}, ${quoteText(dataFile.path)})`).join(", ");
  return `SELECT f.path AS file_path, r.row AS pos FROM replaced r JOIN (VALUES ${numbers}) f(number, path)
ON r.file = f.number ORDER BY file_path, pos`;
}
