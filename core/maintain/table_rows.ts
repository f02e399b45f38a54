import { StreamlabError } from "../base/errors.ts";
import type { Scratch } from "../disk/scratch.ts";
import { isDiskFull, isOutOfMemory, SqlError } from "../engine/sql_error.ts";
import { type Catalog, identifierText, type LoadedTable } from "../iceberg/catalog/catalog.ts";
import type { DataFile } from "../iceberg/format/data_file.ts";
import { findField, type Schema } from "../iceberg/format/schema.ts";
import type { Snapshot } from "../iceberg/format/snapshot.ts";
import { currentSchema } from "../iceberg/format/table_metadata.ts";
import { planScan, type ScanFile } from "../iceberg/scan/scan.ts";
import { fileDamage } from "../tables/read/file_damage.ts";
import { LocalFiles } from "../tables/read/local_files.ts";
import { tableSelect, viewFile } from "../tables/read/scan_sql.ts";

/** What is wrong with a table's files. */
export interface Damage {
  /** `bronze.events` */
  table: string;
  /** With the file that it is about: `data/x.parquet is gone`. */
  problem: string;
  /** Rows in it, by its metadata; undefined where that is what cannot be read. */
  rows?: number;
  /** The way out, where there is one for this alone. */
  hint?: string | undefined;
}

/** Data files that are read by one statement, and columns of them all together. */
const READ_FILES_MAX = 200;
const READ_COLUMNS_MAX = 20_000;

/**
 * All live rows of a table, some files at a time. Unreadable files are reported and skipped. If
 * memory is too small, it retries with half of the files.
 */
export class TableRows {
  readonly damages: Damage[] = [];
  readonly #catalog: Catalog;
  readonly #table: LoadedTable;
  readonly #schema: Schema;
  readonly #local: LocalFiles;

  constructor(catalog: Catalog, table: LoadedTable, scratch: Scratch) {
    this.#catalog = catalog;
    this.#table = table;
    this.#schema = currentSchema(table.metadata);
    this.#local = new LocalFiles(table.io, scratch);
  }

  /**
   * Calls `use` with one SELECT after another, of the current snapshot or of another one. A failed
   * one is repeated in parts, so it must leave nothing behind. Fails with `not-found` where the
   * table was changed meanwhile, so that its files had to go: begin anew with the newest version.
   */
  async read(use: (select: string) => Promise<void>, snapshot?: Snapshot): Promise<void> {
    const { io, metadata } = this.#table;
    const onUnreadable = (error: StreamlabError) => this.#tell(error.message);
    const { files } = await planScan(io, metadata, { onUnreadable, snapshot });
    if (this.damages.length > 0) await checkNewest(this.#catalog, this.#table);
    const atOnce = Math.max(1, Math.min(READ_FILES_MAX, Math.floor(READ_COLUMNS_MAX / this.#schema.fields.length)));
    for (let from = 0; from < files.length; from += atOnce) {
      await this.#readFiles(files.slice(from, from + atOnce), use);
    }
  }

  async #readFiles(files: readonly ScanFile[], use: (select: string) => Promise<void>): Promise<void> {
    try {
      await use(await this.#select(files));
    } catch (error) {
      if (!isOfFiles(error)) throw error;
      if (files.length > 1) {
        const middle = Math.ceil(files.length / 2);
        await this.#readFiles(files.slice(0, middle), use);
        await this.#readFiles(files.slice(middle), use);
        return;
      }
      if (isOutOfMemory(error)) throw error.during(`Cannot read ${files[0]!.dataFile.path}`);
      await checkNewest(this.#catalog, this.#table);
      await this.#explain(files[0]!, error);
    } finally {
      await this.#local.forget(files.map(({ dataFile }) => dataFile));
    }
  }

  async #select(files: readonly ScanFile[]): Promise<string> {
    const places = await this.#local.locate(files);
    return tableSelect({
      columns: this.#schema.fields,
      fieldById: (id) => findField(this.#schema, id),
      files: files.map((file) => viewFile(file, places)),
    });
  }

  async #explain({ dataFile, deletes }: ScanFile, error: StreamlabError): Promise<void> {
    for (const file of [dataFile, ...deletes]) {
      const damage = await fileDamage(this.#table.io.location, file);
      if (damage === undefined) continue;
      return this.#tell(`the ${file.content === "data" ? "data" : "delete"} file ${file.path} ${damage}`, dataFile);
    }
    const reason = error instanceof SqlError ? error.state : error.message;
    this.#tell(`the data file ${dataFile.path} cannot be read: ${reason}`, dataFile);
  }

  #tell(problem: string, file?: DataFile): void {
    const rows = file === undefined ? {} : { rows: file.recordCount };
    this.damages.push({ table: identifierText(this.#table.identifier), problem, ...rows });
  }
}

/**
 * Fails with `not-found` where the table has gone further, so that files of the version at hand had
 * to go: they are not damaged, and the newest version is to be looked at.
 */
export async function checkNewest(
  catalog: Catalog,
  { identifier, metadataLocation }: Pick<LoadedTable, "identifier" | "metadataLocation">,
): Promise<void> {
  const newest = await catalog.loadTable(identifier);
  if (newest?.metadataLocation === metadataLocation) return;
  throw new StreamlabError("not-found", `${identifierText(identifier)} was changed while it was read`, {
    hint: "Run again when fewer programs write to it",
  });
}

/** Whether another file, or fewer of them, may do better. */
function isOfFiles(error: unknown): error is StreamlabError {
  if (!(error instanceof StreamlabError)) return false;
  if (error instanceof SqlError) return error.kind !== "interrupted" && !isDiskFull(error);
  return ["not-found", "corrupt", "usage"].includes(error.kind);
}
