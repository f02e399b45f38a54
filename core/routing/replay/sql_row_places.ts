import type { Scratch } from "../../disk/scratch.ts";
import { copyToParquet } from "../../engine/copy.ts";
import { type Connection, quoteText } from "../../engine/duckdb.ts";
import type { LoadedTable } from "../../iceberg/catalog/catalog.ts";
import type { Predicate } from "../../iceberg/format/predicate.ts";
import type { ScanFile } from "../../iceberg/scan/scan.ts";
import type { TableLocation } from "../../iceberg/table_location.ts";
import { OUR_COLUMNS } from "../../lake/our_columns.ts";
import type { RoutedBatch } from "../../lake/routed_batch.ts";
import { PLACE_COLUMNS } from "../../tables/read/scan_sql.ts";
import { readTable } from "./letter_frames.ts";
import type { RowPlaces, WrittenDeletes } from "./row_places.ts";

/** Of the columns of delete files (specification: "Reserved Field IDs"). */
const POSITION_IDS = { file_path: 2147483546, pos: 2147483545 };

const { sourceFile, sourcePosition, batchId: batchColumn } = OUR_COLUMNS;

/** Each is compared with the bounds of every data file. */
const NAMES_MAX = 1_000;

/** The rows that leave: of replayed letters each, of reingested files all of earlier batches. */
type TakenRows = Pick<RoutedBatch, "batchId" | "replayed" | "reingested">;

/** Finds rows with DuckDB. */
export class SqlRowPlaces implements RowPlaces {
  readonly #connection: Connection;
  readonly #scratch: Scratch;
  readonly #taken: TakenRows;
  #isPrepared = false;
  #written = 0;

  /** `scratch` is for this alone, and goes with it. */
  constructor(connection: Connection, scratch: Scratch, taken: TakenRows) {
    this.#connection = connection;
    this.#scratch = scratch;
    this.#taken = taken;
  }

  async find({ io, metadata }: Pick<LoadedTable, "io" | "metadata">): Promise<ScanFile[]> {
    await this.#prepare();
    const connection = this.#connection, scratch = this.#scratch;
    await connection.run("CREATE OR REPLACE TEMP TABLE places (path VARCHAR, row BIGINT)");
    const files = new Map<string, ScanFile>();
    const columns = [sourceFile, sourcePosition, batchColumn];
    const find = async (select: string, read: ReadonlyMap<string, ScanFile>) => {
      const paths = [...read].map(([local, { dataFile }]) => `(${quoteText(local)}, ${quoteText(dataFile.path)})`);
      for (const file of read.values()) files.set(file.dataFile.path, file);
      await connection.run(`INSERT INTO places SELECT f.path, l.${PLACE_COLUMNS.row}
FROM (${select}) l SEMI JOIN gone g ON ${this.#isGone()} JOIN (VALUES ${
        paths.join(", ")
      }) f(local, path) ON l.${PLACE_COLUMNS.file} = f.local`);
    };
    await readTable(connection, scratch, { io, metadata }, columns, find, {
      placed: true,
      predicate: this.#predicate(),
    });
    const rows = await connection.rows("SELECT DISTINCT path FROM places ORDER BY path");
    return rows.map(({ path }) => files.get(path as string)!);
  }

  async write(location: TableLocation, path: string, files: readonly ScanFile[]): Promise<WrittenDeletes> {
    const paths = files.map(({ dataFile }) => quoteText(dataFile.path));
    const query = `SELECT path AS file_path, row AS pos FROM places WHERE path IN (${paths.join(", ")})
ORDER BY file_path, pos`;
    const directory = this.#scratch.subfolder(`deletes-${this.#written++}`);
    const [file] = await copyToParquet(this.#connection, { query, directory, fieldIds: POSITION_IDS });
    await location.store.putFile(location.pathInStore(path), file!.path);
    return { records: Number(file!.records), size: Number(file!.size) };
  }

  close(): void {
    this.#connection.close();
    this.#scratch.remove();
  }

  /** The row `l` is one of the keys `g`. */
  #isGone(): string {
    const ofFile = `l.${sourceFile} = g.name`;
    const { reingested, batchId } = this.#taken;
    if (reingested !== undefined) return `${ofFile} AND l.${batchColumn} < ${batchId}`;
    return `${ofFile} AND l.${sourcePosition} = g.position AND l.${batchColumn} = g.batch`;
  }

  /** Data files without rows of these files need not be read. */
  #predicate(): Predicate {
    const { reingested, replayed } = this.#taken;
    const values = reingested ?? replayed?.map(({ name }) => name) ?? [];
    return values.length > NAMES_MAX ? { op: "always" } : { op: "in", column: sourceFile, values };
  }

  /** The keys of the rows. */
  async #prepare(): Promise<void> {
    if (this.#isPrepared) return;
    const connection = this.#connection;
    await connection.run(`CREATE OR REPLACE TEMP TABLE keys (name VARCHAR, batch VARCHAR, position VARCHAR)`);
    await connection.appendText("keys", keysOf(this.#taken));
    await connection.run(`CREATE OR REPLACE TEMP TABLE gone AS
SELECT name, batch::BIGINT AS batch, position::BIGINT AS position FROM keys; DROP TABLE keys`);
    this.#isPrepared = true;
  }
}

function* keysOf({ replayed = [], reingested = [] }: TakenRows): Iterable<(string | null)[]> {
  for (const name of reingested) yield [name, null, null];
  for (const { name, batchId, positions } of replayed) {
    for (const position of positions) yield [name, String(batchId), String(position)];
  }
}
