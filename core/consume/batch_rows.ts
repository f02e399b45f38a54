import type { Random } from "../base/random.ts";
import { appendFiles } from "../iceberg/action/append_files.ts";
import { rowDelta } from "../iceberg/action/row_delta.ts";
import { setProperties } from "../iceberg/action/set_properties.ts";
import type { LoadedTable } from "../iceberg/catalog/catalog.ts";
import type { DataFile } from "../iceberg/format/data_file.ts";
import type { Transaction } from "../iceberg/transaction.ts";
import { replacedProperty } from "../lake/replaced_rows.ts";
import type { RoutedBatch, RoutedTable } from "../lake/routed_batch.ts";
import { type TableRole, TOMBSTONES_BRANCH } from "../lake/table_names.ts";
import type { RowRemoval } from "../routing/row_removal.ts";
import { type RenumberFile, RoutedFiles } from "./routed_files.ts";
import type { SchemaFit } from "./schema_fit.ts";

export interface BatchRowsContext {
  random: Random;
  /** The target's name, `bronze.events`. */
  target: string;
  /**
   * Of a batch that is upserted: files that delete what its records take the place of, in that
   * version of the table of events, and how many rows of batches that are.
   */
  replacedIn?: ((events: LoadedTable) => Promise<{ deleteFiles: DataFile[]; events: number }>) | undefined;
  /** Of a replay, and of a reingest: from the tables that rows leave. */
  removals?: Partial<Record<TableRole, RowRemoval>> | undefined;
  /** For data files whose field ids another program has taken. */
  renumber: RenumberFile;
}

/** What a batch changes in the rows of a table. */
export interface BatchRows {
  /** Makes the files that the change of this version of the table needs, where there are none. */
  prepare(base: LoadedTable, fit: SchemaFit): Promise<void>;
  /** Puts the change into a commit on that version. */
  stage(transaction: Transaction, fit: SchemaFit, summary: Record<string, string>): Promise<void>;
}

export function rowsOf(
  context: BatchRowsContext,
  table: LoadedTable,
  role: TableRole,
  routed: RoutedBatch,
): BatchRows {
  const { tombstones } = routed;
  if (role === "events" && tombstones !== undefined) return new UpsertedRows(context, table, routed, tombstones);
  return new AddedRows(context, table, routed[role], routed, context.removals?.[role]);
}

/** Rows that come; of a replay or a reingest, in place of others that go. */
class AddedRows implements BatchRows {
  readonly #files: RoutedFiles;
  readonly #removal: RowRemoval | undefined;

  constructor(
    { random, renumber }: BatchRowsContext,
    table: LoadedTable,
    part: RoutedTable,
    { batchId }: RoutedBatch,
    removal: RowRemoval | undefined,
  ) {
    this.#files = new RoutedFiles(table, part, { batchId, random, renumber });
    this.#removal = removal;
  }

  async prepare(_base: LoadedTable, fit: SchemaFit): Promise<void> {
    await this.#files.fitting(fit);
  }

  async stage(transaction: Transaction, fit: SchemaFit, summary: Record<string, string>): Promise<void> {
    const files = await this.#files.fitting(fit);
    if (this.#removal === undefined) transaction.add(await appendFiles(transaction, { files, summary }));
    else await this.#removal.stage(transaction, files, summary);
  }
}

/**
 * Rows that come, the rows that they take the place of, and the records that remove their keys.
 * What came was decided with the record of the batch. Where the rows are that go, compaction may
 * change until the commit, so they are looked up in the version that it builds on.
 */
class UpsertedRows implements BatchRows {
  readonly #context: BatchRowsContext;
  readonly #routed: RoutedBatch;
  readonly #files: RoutedFiles;
  readonly #tombstones: RoutedFiles;
  #replaced: { of: bigint | undefined; deleteFiles: DataFile[]; events: number } | undefined;

  constructor(
    context: BatchRowsContext,
    table: LoadedTable,
    routed: RoutedBatch,
    tombstones: RoutedTable,
  ) {
    const { random, renumber } = context;
    const options = { batchId: routed.batchId, random, renumber };
    this.#context = context;
    this.#routed = routed;
    this.#files = new RoutedFiles(table, routed.events, options);
    this.#tombstones = new RoutedFiles(table, tombstones, options);
  }

  async prepare(base: LoadedTable, fit: SchemaFit): Promise<void> {
    await this.#files.fitting(fit);
    await this.#tombstones.fitting(fit);
    const of = base.metadata.currentSnapshotId;
    if (this.#replaced !== undefined && this.#replaced.of === of) return;
    this.#replaced = { of, ...await this.#context.replacedIn!(base) };
  }

  async stage(transaction: Transaction, fit: SchemaFit, summary: Record<string, string>): Promise<void> {
    const { deleteFiles, events } = this.#replaced!;
    const files = await this.#tombstones.fitting(fit);
    if (files.length > 0) {
      transaction.add(await appendFiles(transaction, { files, branch: TOMBSTONES_BRANCH, apart: true }));
    }
    const dataFiles = await this.#files.fitting(fit);
    if (dataFiles.length + deleteFiles.length > 0) {
      const delta = { dataFiles, deleteFiles, referenced: [], summary, mergesManifests: true };
      transaction.add(await rowDelta(transaction, delta));
    }
    if (events === 0) return;
    const { target } = this.#context;
    const { properties } = transaction.metadata;
    transaction.add(setProperties(replacedProperty(properties, target, this.#routed.batchId, events)));
  }
}
