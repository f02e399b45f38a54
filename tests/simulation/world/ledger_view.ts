import { isKind } from "../../../core/base/errors.ts";
import type { EventFile } from "../../../core/lake/event_file.ts";
import { FewKnownFiles } from "../../../core/consume/few_known_files.ts";
import type { ClassifiedFiles, KnownFile, KnownFiles, LastWithRows } from "../../../core/consume/known_files.ts";
import type { LoadedTable } from "../../../core/iceberg/catalog/catalog.ts";
import type { DataFile } from "../../../core/iceberg/format/data_file.ts";
import { appendedSince } from "../../../core/iceberg/scan/appended_files.ts";
import { planScan } from "../../../core/iceberg/scan/scan.ts";
import type { DataRows } from "./data_rows.ts";

/** A row of the ledger, as `DataRows` has it. */
interface LedgerRow {
  batch_id: number | bigint;
  events: number | bigint;
  dead_letters: number | bigint;
}

/** `KnownFiles` without DuckDB, which would make a simulation's order depend on threads. */
export class LedgerView implements KnownFiles {
  #metadataLocation: string | undefined;
  #snapshotId: bigint | undefined;
  #known = new FewKnownFiles();
  #lastWithRows: LastWithRows = { events: 0n, deadLetters: 0n };
  readonly #rows: DataRows;
  readonly #target: string;

  constructor(rows: DataRows, target: string) {
    this.#rows = rows;
    this.#target = target;
  }

  async follow(ledger: LoadedTable): Promise<void> {
    if (this.#metadataLocation === ledger.metadataLocation) return;
    const { store } = ledger.io.location;
    const added = this.#metadataLocation === undefined ? undefined : await this.#added(ledger);
    const files = added ?? (await planScan(ledger.io, ledger.metadata)).files.map(({ dataFile }) => dataFile);
    const known = new FewKnownFiles();
    if (added !== undefined) known.add(this.#known.files);
    const last: LastWithRows = added === undefined ? { events: 0n, deadLetters: 0n } : { ...this.#lastWithRows };
    for (const dataFile of files) {
      const bytes = await store.read(ledger.io.location.pathOf(dataFile.path));
      await this.#rows.learn(bytes);
      for (const row of this.#rows.of(bytes)) {
        if (row.table !== this.#target) continue;
        const { batch_id, events, dead_letters } = row as unknown as LedgerRow;
        const batchId = BigInt(batch_id);
        known.add([{ ...row, name: row.source_file, batchId: Number(batchId) } as unknown as KnownFile]);
        if (BigInt(events) > 0n && batchId > last.events) last.events = batchId;
        if (BigInt(dead_letters) > 0n && batchId > last.deadLetters) last.deadLetters = batchId;
      }
    }
    this.#known = known;
    this.#lastWithRows = last;
    this.#metadataLocation = ledger.metadataLocation;
    this.#snapshotId = ledger.metadata.currentSnapshotId;
  }

  async #added({ io, metadata }: LoadedTable): Promise<DataFile[] | undefined> {
    try {
      const added = await appendedSince(io, metadata, this.#snapshotId);
      const there = await Promise.all(
        (added ?? []).map(({ path }) => io.location.store.stat(io.location.pathOf(path))),
      );
      return there.includes(undefined) ? undefined : added;
    } catch (error) {
      if (isKind(error, "not-found")) return undefined;
      throw error;
    }
  }

  lastWithRows(): LastWithRows {
    return this.#lastWithRows;
  }

  add(outcomes: readonly KnownFile[], before: LoadedTable, after: LoadedTable): Promise<void> {
    if (this.#metadataLocation !== before.metadataLocation) return Promise.resolve();
    this.#known.add(outcomes);
    this.#metadataLocation = after.metadataLocation;
    this.#snapshotId = after.metadata.currentSnapshotId;
    return Promise.resolve();
  }

  unknownNames(names: readonly string[]): Promise<Set<string>> {
    return Promise.resolve(this.#known.unknownNames(names));
  }

  classify(files: readonly EventFile[], asNew: boolean): Promise<ClassifiedFiles> {
    return Promise.resolve(this.#known.classify(files, asNew));
  }
}
