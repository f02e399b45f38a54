import type { Random } from "../../base/random.ts";
import type { Scratch } from "../../disk/scratch.ts";
import { type Connection, quoteText } from "../../engine/duckdb.ts";
import type { LoadedTable } from "../../iceberg/catalog/catalog.ts";
import { findField } from "../../iceberg/format/schema.ts";
import { currentSchema } from "../../iceberg/format/table_metadata.ts";
import type { ScanFile } from "../../iceberg/scan/scan.ts";
import { OUR_COLUMNS } from "../../lake/our_columns.ts";
import { keyNumberSql } from "../../lake/dedupe_sql.ts";
import { readLayouts } from "../../tables/read/file_layout.ts";
import { LocalFiles } from "../../tables/read/local_files.ts";
import { partitionConstants } from "../../tables/read/partition_constants.ts";
import { PLACE_COLUMNS, tableSelect, viewFile } from "../../tables/read/scan_sql.ts";
import type { FoundRepeats } from "./repeat_work.ts";

/** Files that are read by one statement. */
const READ_FILES_MAX = 200;
/** Bytes of the secret that keys are numbered with. */
const SECRET_BYTES = 16;

export interface RepeatSearchOptions {
  connection: Connection;
  scratch: Scratch;
  random: Random;
  /** The columns that make a key. */
  by: readonly string[];
  /** Rows of later batches are not looked at. */
  through: bigint;
}

/**
 * Which rows of a table repeat an earlier one, by DuckDB, which spills what memory does not hold.
 * The table is read twice: once for keys alone, 16 bytes a row; then for the places of those that
 * occur more than once.
 */
export class RepeatSearch {
  readonly #options: RepeatSearchOptions;
  readonly #key: string;
  /** Of the data files, in the order of their paths. */
  #numbers: ReadonlyMap<string, number> = new Map();

  constructor(options: RepeatSearchOptions) {
    this.#options = options;
    const secret = options.random.bytes(SECRET_BYTES).toHex();
    this.#key = keyNumberSql({ by: [...options.by] }, secret);
  }

  /** By path of the data file; those without repeats are left out. */
  async find(table: LoadedTable, files: readonly ScanFile[]): Promise<Map<string, FoundRepeats>> {
    const { connection } = this.#options;
    const paths = files.map(({ dataFile }) => dataFile.path).sort();
    this.#numbers = new Map(paths.map((path, number) => [path, number]));
    await connection.run(TABLES);
    await this.#read(table, files, (select) => `INSERT INTO keys SELECT key FROM (${this.#rows(select)})`);
    await connection.run(DOUBTFUL);
    const [doubtful] = await connection.rows("SELECT count(*) AS keys FROM doubtful");
    if (doubtful!.keys !== 0n) {
      await this.#read(table, files, (select, places) =>
        `INSERT INTO candidates
SELECT s.key, s.batch, s.source, s.position, f.number, s.row
FROM (${
          this.#rows(select)
        }) s SEMI JOIN doubtful d ON s.key = d.key JOIN (VALUES ${places}) f(path, number) ON s.file = f.path`);
    }
    await connection.run(REPEATS);
    const rows = await connection.rows(
      "SELECT file, count(*) AS rows, count(*) FILTER (is_event) AS events FROM repeats GROUP BY file",
    );
    return new Map(rows.map(({ file, rows, events }) => [
      paths[file as number]!,
      { rows: Number(rows), events: Number(events) },
    ]));
  }

  /** Of these data files, sorted as the specification wants it ("Position Delete Files"). */
  positionsSql(paths: readonly string[]): string {
    const numbers = paths.map((path) => `(${this.#numbers.get(path)}, ${quoteText(path)})`).join(", ");
    return `SELECT f.path AS file_path, r.row AS pos FROM repeats r JOIN (VALUES ${numbers}) f(number, path)
ON r.file = f.number ORDER BY file_path, pos`;
  }

  #rows(select: string): string {
    const { batchId, sourceFile, sourcePosition } = OUR_COLUMNS;
    return `SELECT * FROM (
  SELECT ${this.#key} AS key, ${batchId} AS batch, ${sourceFile} AS source, ${sourcePosition} AS position,
    ${PLACE_COLUMNS.file} AS file, ${PLACE_COLUMNS.row} AS row
  FROM (${select}) WHERE coalesce(${batchId}, 0) <= ${this.#options.through}
) WHERE key IS NOT NULL`;
  }

  async #read(
    table: LoadedTable,
    files: readonly ScanFile[],
    statement: (select: string, places: string) => string,
  ): Promise<void> {
    const { connection, scratch } = this.#options;
    const local = new LocalFiles(table.io, scratch);
    for (let from = 0; from < files.length; from += READ_FILES_MAX) {
      const some = files.slice(from, from + READ_FILES_MAX);
      try {
        const paths = await local.locate(some);
        const places = some.map(({ dataFile: { path } }) =>
          `(${quoteText(paths.get(path)!)}, ${this.#numbers.get(path)})`
        );
        await connection.run(statement(await this.#select(table, some, paths), places.join(", ")));
      } finally {
        await local.forget(some.flatMap(({ dataFile, deletes }) => [dataFile, ...deletes]));
      }
    }
  }

  async #select(
    { metadata }: LoadedTable,
    files: readonly ScanFile[],
    places: ReadonlyMap<string, string>,
  ): Promise<string> {
    const schema = currentSchema(metadata);
    const { batchId, sourceFile, sourcePosition } = OUR_COLUMNS;
    const names = new Set<string>([...this.#options.by, batchId, sourceFile, sourcePosition]);
    const views = files.map((file) => viewFile(file, places));
    const paths = views.map(({ localPath }) => localPath);
    const layouts = await readLayouts(this.#options.connection, paths, metadata.properties);
    return tableSelect({
      columns: schema.fields.filter(({ name }) => names.has(name)),
      fieldById: (id) => findField(schema, id),
      placed: true,
      files: views.map((view) => ({
        ...view,
        layout: layouts.get(view.localPath)!,
        constants: partitionConstants(metadata, view.file),
      })),
    });
  }
}

const TABLES = `
CREATE OR REPLACE TEMP TABLE keys (key UHUGEINT);
CREATE OR REPLACE TEMP TABLE candidates (key UHUGEINT, batch BIGINT, source VARCHAR, position BIGINT, file INTEGER, row BIGINT)`;

const DOUBTFUL = `
CREATE OR REPLACE TEMP TABLE doubtful AS SELECT key FROM keys GROUP BY key HAVING count(*) > 1;
DROP TABLE keys`;

/** Of equal ones, which only other programs write, the place decides. */
const REPEATS = `
CREATE OR REPLACE TEMP TABLE repeats AS SELECT file, row, batch IS NOT NULL AS is_event FROM (
  SELECT file, row, batch, row_number() OVER (PARTITION BY key
    ORDER BY batch NULLS FIRST, source NULLS FIRST, position NULLS FIRST, file, row) AS place
  FROM candidates
) WHERE place > 1;
DROP TABLE candidates;
DROP TABLE doubtful`;
