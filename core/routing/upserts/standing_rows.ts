import { mapParallel } from "../../base/parallel.ts";
import { type Connection, quotePath, quoteText } from "../../engine/duckdb.ts";
import type { Scratch } from "../../disk/scratch.ts";
import type { LoadedTable } from "../../iceberg/catalog/catalog.ts";
import type { DataFile } from "../../iceberg/format/data_file.ts";
import { findField } from "../../iceberg/format/schema.ts";
import { currentSchema, snapshotOfRef } from "../../iceberg/format/table_metadata.ts";
import { planScan, type ScanFile } from "../../iceberg/scan/scan.ts";
import { keyNumberSql } from "../../lake/dedupe_sql.ts";
import { OUR_COLUMNS } from "../../lake/our_columns.ts";
import { TOMBSTONES_BRANCH } from "../../lake/table_names.ts";
import type { UpsertRule } from "../../lake/upsert_rule.ts";
import { newestSql } from "../../lake/upsert_sql.ts";
import { type FileLayout, layoutsMatter, readLayouts } from "../../tables/read/file_layout.ts";
import { LocalFiles } from "../../tables/read/local_files.ts";
import { partitionConstants } from "../../tables/read/partition_constants.ts";
import { PLACE_COLUMNS, tableSelect, viewFile } from "../../tables/read/scan_sql.ts";

/** Files that are fetched at once. */
const FETCHED_PARALLEL = 16;
/** Files that are read by one statement. */
const READ_FILES_MAX = 200;
/** Of all entries: while fewer are gone, they are passed over, which is cheaper than moving all. */
const GONE_SHARE_MAX = 2 / 3;
/** Fewer are not worth it. */
const GONE_LEAST = 10_000;

/** The table of what `StandingRows` has found: where keys stand, and how new they are. */
export const STANDING = "standing";

export interface StandingRowsOptions {
  connection: Connection;
  scratch: Scratch;
  rule: UpsertRule;
  /** See `keyNumberSql`. */
  secret: string;
}

interface KnownFile {
  number: number;
  dataFile: DataFile;
  /** Paths of the delete files that its entries are without. */
  deletes: Set<string>;
}

/**
 * The keys of a table's rows and tombstones, in a table of DuckDB, which spills it to scratch. It
 * follows the table file by file, so it is right whoever has written to the table, and may be
 * thrown away at any time. What a commit deleted by position is taken away, not read again: it is
 * noted and passed over. Nothing is ever deleted from the table itself: DuckDB would keep 8 bytes
 * of memory for each row near a deleted one, which it cannot spill, for as long as the table is
 * there.
 */
export class StandingRows {
  readonly #options: StandingRowsOptions;
  readonly #known = new Map<string, KnownFile>();
  readonly #byNumber = new Map<number, DataFile>();
  #made = 0;
  /** Entries, with those that are gone. */
  #count = 0;
  #gone = 0;
  #isWhole = false;

  constructor(options: StandingRowsOptions) {
    this.#options = options;
  }

  /** The data file with that number in `STANDING`. */
  fileOf(number: number): DataFile {
    return this.#byNumber.get(number)!;
  }

  /** From then on it has what that version of the table has. */
  async follow(table: LoadedTable): Promise<void> {
    const { io, metadata } = table;
    const branch = metadata.refs[TOMBSTONES_BRANCH] === undefined
      ? []
      : (await planScan(io, metadata, { snapshot: snapshotOfRef(metadata, TOMBSTONES_BRANCH) })).files;
    const { files } = await planScan(io, metadata);
    if (!this.#isWhole) await this.#begin();
    // What fails half-way would leave rows that are gone, or lack some that stand.
    this.#isWhole = false;
    const live = new Map([...branch, ...files].map((file) => [file.dataFile.path, file]));
    const stale = [...this.#known].filter(([path, known]) => !mayFollow(known, live.get(path)));
    await this.#forget(stale);
    await this.#applyDeletes(table, [...live.values()]);
    for (const [kind, missing] of [["tombstones", branch], ["rows", files]] as const) {
      const unread = missing.filter(({ dataFile }) => !this.#known.has(dataFile.path));
      for (let from = 0; from < unread.length; from += READ_FILES_MAX) {
        await this.#read(table, unread.slice(from, from + READ_FILES_MAX), kind === "rows");
      }
    }
    await this.#tidy();
    this.#isWhole = true;
  }

  /** Fills `STANDING` with what stands of these keys. `keys`: a table with a column `key`. */
  async find(keys: string): Promise<void> {
    await this.#options.connection.run(
      `CREATE OR REPLACE TEMP TABLE near AS FROM entries SEMI JOIN ${keys} USING (key);
CREATE OR REPLACE TEMP TABLE ${STANDING} AS ${withoutGone("near")};
DROP TABLE near`,
    );
  }

  async #begin(): Promise<void> {
    this.#known.clear();
    this.#byNumber.clear();
    this.#count = this.#gone = 0;
    await this.#options.connection.run(
      `CREATE OR REPLACE TEMP TABLE entries
(key UHUGEINT, newest BIGINT, file INTEGER, row BIGINT, is_row BOOLEAN, is_event BOOLEAN);
${NONE_GONE}`,
    );
  }

  async #forget(files: readonly [string, KnownFile][]): Promise<void> {
    if (files.length === 0) return;
    for (const [path, { number, dataFile }] of files) {
      this.#known.delete(path);
      this.#byNumber.delete(number);
      this.#gone += dataFile.recordCount;
    }
    const numbers = files.map(([, { number }]) => `(${number})`).join(", ");
    await this.#options.connection.run(`INSERT INTO gone_files VALUES ${numbers}`);
  }

  /** Rows that were deleted by position since their files were read. */
  async #applyDeletes(table: LoadedTable, live: readonly ScanFile[]): Promise<void> {
    const fresh = new Map<string, DataFile>(), touched: [string, KnownFile][] = [];
    for (const { dataFile, deletes } of live) {
      const known = this.#known.get(dataFile.path);
      if (known === undefined) continue;
      const added = deletes.filter(({ path }) => !known.deletes.has(path));
      if (added.length === 0) continue;
      touched.push([dataFile.path, known]);
      for (const each of added) {
        fresh.set(each.path, each);
        known.deletes.add(each.path);
      }
    }
    if (touched.length === 0) return;
    const { connection, scratch } = this.#options;
    const local = new LocalFiles(table.io, scratch);
    const paths = await mapParallel([...fresh.values()], FETCHED_PARALLEL, (file) => local.pathOf(file));
    const numbers = touched.map(([path, { number }]) => `(${quoteText(path)}, ${number})`).join(", ");
    try {
      const [inserted] = await connection.rows(
        `INSERT INTO gone_rows SELECT f.number, p.pos FROM read_parquet([${
          paths.map(quotePath).join(", ")
        }], schema = MAP {
    2147483546: {name: 'file_path', type: 'VARCHAR', default_value: NULL},
    2147483545: {name: 'pos', type: 'BIGINT', default_value: NULL}}, hive_partitioning = false) p
JOIN (VALUES ${numbers}) f(path, number) ON p.file_path = f.path`,
      );
      this.#gone += Number(inserted!.Count);
    } catch (error) {
      throw await local.whyUnread(error, [...fresh.values()]);
    } finally {
      await local.forget([...fresh.values()]);
    }
  }

  async #read(table: LoadedTable, files: readonly ScanFile[], areRows: boolean): Promise<void> {
    const { connection, scratch } = this.#options;
    const local = new LocalFiles(table.io, scratch);
    const read = files.flatMap(({ dataFile, deletes }) => [dataFile, ...deletes]);
    try {
      const places = await local.locate(files);
      const numbers = files.map(({ dataFile, deletes }) => {
        const number = ++this.#made;
        this.#known.set(dataFile.path, { number, dataFile, deletes: new Set(deletes.map(({ path }) => path)) });
        this.#byNumber.set(number, dataFile);
        return `(${quoteText(places.get(dataFile.path)!)}, ${number})`;
      });
      const select = await this.#select(table, files, places);
      if (select === undefined) return;
      const [inserted] = await connection.rows(
        `INSERT INTO entries SELECT key, newest, f.number, row, ${areRows}, is_event
FROM (${select}) s JOIN (VALUES ${numbers.join(", ")}) f(path, number) ON s.file = f.path WHERE key IS NOT NULL`,
      );
      this.#count += Number(inserted!.Count);
    } catch (error) {
      throw await local.whyUnread(error, read);
    } finally {
      await local.forget(read);
    }
  }

  /** Undefined where the table lacks a column of the key: nothing in it has one. */
  async #select(
    { metadata }: LoadedTable,
    files: readonly ScanFile[],
    places: ReadonlyMap<string, string>,
  ): Promise<string | undefined> {
    const { rule, secret, connection } = this.#options;
    const schema = currentSchema(metadata);
    const columnOf = (column: string) => schema.fields.find(({ name }) => name === column);
    if (!rule.by.every(columnOf)) return undefined;
    const names = new Set<string>([...rule.by, rule.newest, OUR_COLUMNS.batchId]);
    const views = files.map((file) => viewFile(file, places));
    const layouts: ReadonlyMap<string, FileLayout> = layoutsMatter(metadata)
      ? await readLayouts(connection, views.map(({ localPath }) => localPath), metadata.properties)
      : new Map();
    const rows = tableSelect({
      columns: schema.fields.filter(({ name }) => names.has(name)),
      fieldById: (id) => findField(schema, id),
      placed: true,
      files: views.map((view) => {
        const layout = layouts.get(view.localPath);
        return layout === undefined ? view : { ...view, layout, constants: partitionConstants(metadata, view.file) };
      }),
    });
    const isEvent = columnOf(OUR_COLUMNS.batchId) === undefined ? "false" : `${OUR_COLUMNS.batchId} IS NOT NULL`;
    return `SELECT ${keyNumberSql(rule, secret)} AS key, ${newestSql(rule, columnOf(rule.newest)?.type.type)} AS newest,
  ${PLACE_COLUMNS.file} AS file, ${PLACE_COLUMNS.row} AS row, ${isEvent} AS is_event FROM (${rows})`;
  }

  async #tidy(): Promise<void> {
    if (this.#gone < GONE_LEAST || this.#gone < this.#count * GONE_SHARE_MAX) return;
    const { connection } = this.#options;
    await connection.run(`CREATE OR REPLACE TEMP TABLE entries AS ${withoutGone("entries")}; ${NONE_GONE}`);
    const [left] = await connection.rows("SELECT count(*) AS entries FROM entries");
    this.#count = Number(left!.entries);
    this.#gone = 0;
  }
}

const NONE_GONE = `CREATE OR REPLACE TEMP TABLE gone_files (file INTEGER);
CREATE OR REPLACE TEMP TABLE gone_rows (file INTEGER, row BIGINT)`;

/** SQL for the entries of a table that are not gone. */
function withoutGone(entries: string): string {
  return `FROM ${entries} ANTI JOIN gone_files USING (file) ANTI JOIN gone_rows USING (file, row)`;
}

/** Whether only deletes by position came since the file was read. */
function mayFollow(known: KnownFile, now: ScanFile | undefined): boolean {
  if (now === undefined) return false;
  const paths = new Set(now.deletes.map(({ path }) => path));
  if (![...known.deletes].every((path) => paths.has(path))) return false;
  return now.deletes.every(({ path, content }) => known.deletes.has(path) || content === "position-deletes");
}
