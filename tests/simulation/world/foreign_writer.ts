import { isKind } from "../../../core/base/errors.ts";
import { uuidV4 } from "../../../core/base/random.ts";
import { appendFiles } from "../../../core/iceberg/action/append_files.ts";
import { rowDelta } from "../../../core/iceberg/action/row_delta.ts";
import { setProperties } from "../../../core/iceberg/action/set_properties.ts";
import { updateSchema } from "../../../core/iceberg/action/update_schema.ts";
import type { LoadedTable } from "../../../core/iceberg/catalog/catalog.ts";
import { commitTable } from "../../../core/iceberg/commit.ts";
import { buildDataFile } from "../../../core/iceberg/data_file_builder.ts";
import { planScan } from "../../../core/iceberg/scan/scan.ts";
import { findFieldByPath } from "../../../core/iceberg/format/schema.ts";
import { currentSchema } from "../../../core/iceberg/format/table_metadata.ts";
import type { Transaction } from "../../../core/iceberg/transaction.ts";
import type { Surroundings } from "../../../core/maintain/surroundings.ts";
import { type DataRow, type DataRows, lightFile } from "./data_rows.ts";
import { COUPON } from "./grown_contract.ts";
import { type ForeignTruth, rowKey } from "./lake_audit.ts";

/**
 * Another engine at work on the table of events, which knows nothing of batches: it adds rows,
 * deletes rows of ours by their place (merge-on-read), adds columns and sets properties. It never
 * fails, so that it is known for certain what it has done.
 */
export class ForeignWriter implements ForeignTruth {
  readonly written = new Set<number>();
  readonly deleted = new Set<string>();
  #number = 0;
  readonly #rows: DataRows;
  /** Mostly adds columns, now and then the one that consumers are about to add. */
  readonly #adds: boolean;

  constructor(rows: DataRows, adds = false) {
    this.#rows = rows;
    this.#adds = adds;
  }

  async act(around: Surroundings, table: LoadedTable, chance: number): Promise<void> {
    if (this.#adds && chance < 0.6) {
      return await this.#addColumn(around, table, chance < 0.1 ? COUPON : `foreign_${this.#number++}`);
    }
    if (chance < 0.3) await this.#append(around, table);
    else if (chance < 0.8) await this.#delete(around, table, chance);
    else if (chance < 0.9) await this.#addColumn(around, table, `foreign_${this.#number++}`);
    else await this.#commit(around, table, (transaction) => transaction.add(setProperties({ foreign: "1" })));
  }

  async #append(around: Surroundings, table: LoadedTable): Promise<void> {
    const number = this.#number++;
    const file = await this.#write(around, table, [{ _foreign: number }], { content: "data" });
    const append = { files: [file] };
    await this.#commit(around, table, async (transaction) => transaction.add(await appendFiles(transaction, append)));
    this.written.add(number);
  }

  /** One row of a file of ours, unless the file is rewritten meanwhile. */
  async #delete(around: Surroundings, table: LoadedTable, chance: number): Promise<void> {
    const { io, metadata } = table;
    const { files } = await planScan(io, metadata);
    const candidates = files.filter(({ deletes }) => deletes.length === 0);
    const chosen = candidates[Math.floor(chance * 1e6) % Math.max(1, candidates.length)];
    if (chosen === undefined) return;
    const { path } = chosen.dataFile;
    const rows = this.#rows.of(await io.location.store.read(io.location.pathOf(path)));
    const pos = Math.floor(chance * 1e7) % rows.length;
    const facts = { content: "position-deletes" as const, referencedDataFile: path };
    const file = await this.#write(around, table, [{ file_path: path, pos }], facts);
    const isDone = await this.#commit(around, table, async (transaction) => {
      transaction.add(await rowDelta(transaction, { dataFiles: [], deleteFiles: [file], referenced: [path] }));
    });
    if (!isDone) return;
    const row = rows[pos]!;
    if (row._foreign === undefined) this.deleted.add(rowKey(row));
    else this.written.delete(row._foreign as number);
  }

  /** Unless it is there. */
  async #addColumn(around: Surroundings, table: LoadedTable, name: string): Promise<void> {
    const field = { id: 0, name, required: false, type: { type: "string" as const } };
    await this.#commit(around, table, (transaction) => {
      if (findFieldByPath(currentSchema(transaction.metadata), name) !== undefined) return;
      transaction.add(updateSchema(transaction.metadata, [{ change: "add-column", field }]));
    });
  }

  async #write(
    { random }: Surroundings,
    { io, metadata }: LoadedTable,
    rows: DataRow[],
    facts: { content: "data" | "position-deletes"; referencedDataFile?: string },
  ) {
    const name = `data/foreign-${uuidV4(random)}.parquet`;
    const bytes = lightFile(rows);
    await io.location.store.write(io.location.pathInStore(name), bytes);
    const columns = { specId: metadata.defaultSpecId, partition: [], columns: [] };
    const size = { recordCount: rows.length, fileSizeBytes: bytes.length };
    return buildDataFile({ path: io.location.uriOf(name), ...columns, ...size, ...facts }, currentSchema(metadata));
  }

  /** False when what it was about is no longer there. */
  async #commit(
    { catalog, clock, random }: Surroundings,
    { identifier }: LoadedTable,
    build: (transaction: Transaction) => Promise<void> | void,
  ): Promise<boolean> {
    try {
      await commitTable(catalog, identifier, build, { clock, random });
      return true;
    } catch (error) {
      if (isKind(error, "conflict", "not-found")) return false;
      throw error;
    }
  }
}
