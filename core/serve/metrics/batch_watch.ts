import type { Catalog, LoadedTable } from "../../iceberg/catalog/catalog.ts";
import { BatchCounting } from "./batch_counters.ts";
import type { Clock } from "../../base/clock.ts";
import { batchOfSummary, type BatchRecord } from "../../lake/batch_history.ts";
import { LEDGER } from "../../lake/table_names.ts";

/** Of all targets; older ones are asked for in SQL. */
const BATCHES_MAX = 2_000;
/** Several pages that look at once cost one look. */
const LOOK_AGE_MS_MAX = 400;

/** The newest batches, as the ledger's snapshots tell of them: no other file is opened. */
export class BatchWatch {
  readonly #catalog: Catalog;
  readonly #clock: Clock;
  readonly #counting = new BatchCounting();
  #ledger: LoadedTable | undefined;
  #batches: readonly BatchRecord[] = [];
  #atMs = -Infinity;
  #looking: Promise<readonly BatchRecord[]> | undefined;

  constructor(catalog: Catalog, clock: Clock) {
    this.#catalog = catalog;
    this.#clock = clock;
  }

  /** The newest first. The same array as before where nothing has come. */
  async recent(): Promise<readonly BatchRecord[]> {
    if (this.#clock.nowMs() - this.#atMs < LOOK_AGE_MS_MAX) return this.#batches;
    this.#looking ??= this.#look().finally(() => this.#looking = undefined);
    return await this.#looking;
  }

  /** Of the batches that were there at the first look, and of all since. */
  async counters(): Promise<Pick<BatchCounting, "of">> {
    await this.recent();
    return this.#counting;
  }

  async #look(): Promise<readonly BatchRecord[]> {
    const ledger = await this.#catalog.loadTable(LEDGER, this.#ledger);
    if (ledger?.metadataLocation !== this.#ledger?.metadataLocation) {
      this.#batches = batchesOf(ledger);
      this.#counting.add(this.#batches);
    }
    this.#ledger = ledger;
    this.#atMs = this.#clock.nowMs();
    return this.#batches;
  }
}

function batchesOf(ledger: LoadedTable | undefined): BatchRecord[] {
  const snapshots = ledger?.metadata.snapshots.slice(-BATCHES_MAX) ?? [];
  return snapshots.reverse().flatMap(({ snapshotId, summary }) =>
    batchOfSummary(summary, `of snapshot ${snapshotId} of the ledger`) ?? []
  );
}
