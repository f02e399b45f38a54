import { stopped } from "../../base/errors.ts";
import { mapParallel } from "../../base/parallel.ts";
import { copyToParquet, type WrittenFile } from "../../engine/copy.ts";
import type { ConnectionPool } from "../../engine/connection_pool.ts";
import { type Connection, quotePath } from "../../engine/duckdb.ts";
import type { Scratch } from "../../disk/scratch.ts";
import type { LoadedTable } from "../../iceberg/catalog/catalog.ts";
import type { DataFile } from "../../iceberg/format/data_file.ts";
import { fieldsById, type Schema } from "../../iceberg/format/schema.ts";
import { currentSchema } from "../../iceberg/format/table_metadata.ts";
import { fieldIdTrees } from "../../tables/write/field_ids.ts";
import { readLayouts } from "../../tables/read/file_layout.ts";
import { partitionConstants } from "../../tables/read/partition_constants.ts";
import { dataFileName } from "../../lake/data_file_name.ts";
import { type PlacedFile, placeFiles } from "../../tables/write/place_files.ts";
import { type LocalFile, tableSelect } from "../../tables/read/scan_sql.ts";
import { paysToKeep } from "./kept_rows.ts";
import { checkCount, checkSame, checkWritable, describeRewritten, type RewrittenRows } from "./rewritten_rows.ts";
import { folderOfGroup, type GroupRewriter } from "./rewriting.ts";
import type { RewriteGroup } from "./compaction_plan.ts";
import type { RowOrder } from "./row_order.ts";
import { summaryOf } from "./rows_summary.ts";
import { sortedSelect } from "./sorted_select.ts";
import type { SoundFiles } from "./sound_files.ts";

/** Files fetched at once from a store that is not on this machine. */
const FETCHED_PARALLEL = 8;

export interface RewriterOptions {
  table: LoadedTable;
  connections: ConnectionPool;
  scratch: Scratch;
  files: Pick<SoundFiles, "pathOf" | "forget">;
  /** Where rows are to be sorted. */
  order: RowOrder | undefined;
  /** Ends a group in the middle, with `interrupted`. */
  stop?: AbortSignal | undefined;
}

/** Files in scratch. */
interface WrittenRows extends RewrittenRows {
  written: WrittenFile[];
}

/**
 * Makes new data files of a table out of groups of old ones, by SQL: no row passes through this
 * program.
 */
export class SqlGroupRewriter implements GroupRewriter {
  readonly #schema: Schema;
  #count = 0;
  #prefetch: Promise<void> = Promise.resolve();
  readonly #options: RewriterOptions;

  constructor(options: RewriterOptions) {
    this.#options = options;

    this.#schema = currentSchema(options.table.metadata);
    checkWritable(this.#schema);
  }

  folderOf(group: RewriteGroup): string {
    return folderOfGroup(this.#options.table.metadata, group);
  }

  prefetch(group: RewriteGroup): void {
    const wanted = group.files.flatMap(({ dataFile, deletes }) => [dataFile, ...deletes]);
    const fetching = mapParallel(wanted, FETCHED_PARALLEL, (file) => this.#options.files.pathOf(file));
    this.#prefetch = Promise.allSettled([this.#prefetch, fetching]).then(() => undefined);
  }

  async settle(): Promise<void> {
    await this.#prefetch;
  }

  async rewrite(group: RewriteGroup, stem: string): Promise<DataFile[]> {
    const { table, order } = this.#options;
    const { placed } = await this.rewriteRows(group, (number) => dataFileName(stem, number));
    return describeRewritten(table, group, placed, order);
  }

  /** As `rewrite`, for whoever describes the files. `nameOf` numbers names of this try. */
  async rewriteRows(
    group: RewriteGroup,
    nameOf: (number: number) => string,
  ): Promise<RewrittenRows & { placed: PlacedFile[] }> {
    const { connections, table: { io: { location } }, files } = this.#options;
    const { written, ...rows } = await connections.use((connection) => this.#readAndWrite(connection, group));
    this.#checkWanted();
    const partitions = this.folderOf(group);
    const placed = await placeFiles(location.store, location.pathInStore("data"), written, () => partitions, nameOf);
    await files.forget(group.files.map(({ dataFile }) => dataFile));
    return { placed, ...rows };
  }

  async #readAndWrite(connection: Connection, group: RewriteGroup): Promise<WrittenRows> {
    const select = await this.#select(connection, group);
    if (!await paysToKeep(connection, group, select)) {
      return await this.#writeRows(connection, group, select);
    }
    await connection.rows(`CREATE OR REPLACE TEMP TABLE kept_rows AS ${select}`);
    try {
      return await this.#writeRows(connection, group, "SELECT * FROM kept_rows");
    } finally {
      await connection.run("DROP TABLE kept_rows");
    }
  }

  async #writeRows(connection: Connection, group: RewriteGroup, select: string): Promise<WrittenRows> {
    const { order } = this.#options;
    const { fields } = this.#schema;
    this.#checkWanted();
    const before = await summaryOf(connection, select, fields);
    this.#checkWanted();
    checkCount(group, before.rows);
    const query = order === undefined ? select : await sortedSelect(connection, select, order, this.#schema);
    const written = await this.#write(connection, group, query, before.hasNegativeZero);
    this.#checkWanted();
    const paths = written.map(({ path }) => quotePath(path)).join(", ");
    const after = written.length === 0
      ? { ...before, rows: 0 }
      : await summaryOf(connection, `SELECT * FROM read_parquet([${paths}], hive_partitioning = false)`, fields);
    checkSame(group, { before, after });
    return { written, before, after };
  }

  /** Short statements end before DuckDB hears of an interruption. */
  #checkWanted(): void {
    if (this.#options.stop?.aborted) throw stopped("the rewrite");
  }

  async #write(
    connection: Connection,
    group: RewriteGroup,
    query: string,
    hasNegativeZero: boolean,
  ): Promise<WrittenFile[]> {
    const { scratch, order } = this.#options;
    const directory = scratch.subfolder(`group-${this.#count++}`);
    const copy = { fieldIds: fieldIdTrees(this.#schema.fields), hasNegativeZero };
    if (group.outputs === 1) return await copyToParquet(connection, { ...copy, query, directory });
    if (order === undefined) {
      return await copyToParquet(connection, {
        ...copy,
        query,
        directory,
        fileBytesTarget: group.bytes / group.outputs,
      });
    }
    // DuckDB keeps the order within a file, but not across files that it splits by size. So each
    // file gets its own range of the sorted rows, which must be read as they were put.
    await connection.run("SET preserve_insertion_order = true");
    await connection.run(`CREATE OR REPLACE TEMP TABLE sorted_rows AS ${query}`);
    try {
      const [row] = await connection.rows("SELECT count(*) AS n FROM sorted_rows");
      const stretch = Math.ceil(Number(row!.n) / group.outputs);
      const written: WrittenFile[] = [];
      for (let from = 0; from < Number(row!.n); from += stretch) {
        // Not by `rowid`: a table may have a column of that name.
        const piece = `SELECT * FROM sorted_rows LIMIT ${stretch} OFFSET ${from}`;
        const folder = scratch.subfolder(`group-${this.#count++}`);
        written.push(...await copyToParquet(connection, { ...copy, query: piece, directory: folder }));
      }
      return written;
    } finally {
      await connection.run("DROP TABLE sorted_rows");
    }
  }

  async #select(connection: Connection, group: RewriteGroup): Promise<string> {
    const { table } = this.#options;
    const { schemas, properties } = table.metadata;
    const constants = partitionConstants(table.metadata, group);
    const local = async (file: DataFile): Promise<LocalFile> => ({
      file,
      localPath: await this.#options.files.pathOf(file),
    });
    const inputs = await mapParallel(group.files, FETCHED_PARALLEL, async ({ dataFile, deletes }) => ({
      ...await local(dataFile),
      deletes: await Promise.all(deletes.map(local)),
    }));
    const layouts = await readLayouts(connection, inputs.map(({ localPath }) => localPath), properties);
    return tableSelect({
      columns: this.#schema.fields,
      fieldById: (id) =>
        [this.#schema, ...schemas].map((schema) => fieldsById(schema).get(id)?.field).find((field) =>
          field !== undefined
        ),
      files: inputs.map((input) => ({ ...input, constants, layout: layouts.get(input.localPath)! })),
    });
  }
}
