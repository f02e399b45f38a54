import type { Catalog, LoadedTable } from "../../iceberg/catalog/catalog.ts";
import { BatchCounting } from "./batch_counters.ts";
import type { Clock } from "../../base/clock.ts";
import { isKind, type StreamlabError } from "../../base/errors.ts";
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
  readonly #onFailure: (error: unknown) => void;
  #hasLooked = false;
  #told: string | undefined;
  #ledger: LoadedTable | undefined;
  #batches: readonly BatchRecord[] = [];
  #atMs = -Infinity;
  #looking: Promise<readonly BatchRecord[]> | undefined;

  /** `onFailure` is told of what cannot be read; the rest is looked at. */
  constructor(catalog: Catalog, clock: Clock, onFailure: (error: unknown) => void) {
    this.#catalog = catalog;
    this.#clock = clock;
    this.#onFailure = onFailure;
  }

  /** The newest first. The same array as before where nothing has come. */
  async recent(): Promise<readonly BatchRecord[]> {
    if (this.#clock.nowMs() - this.#atMs < LOOK_AGE_MS_MAX) return this.#batches;
    this.#looking ??= this.#look().finally(() => this.#looking = undefined);
    return await this.#looking;
  }

  /**
   * Of the batches that were there at the first look, and of all since; undefined where the ledger
   * could not be read yet.
   */
  async counters(): Promise<Pick<BatchCounting, "of"> | undefined> {
    await this.recent();
    return this.#hasLooked ? this.#counting : undefined;
  }

  async #look(): Promise<readonly BatchRecord[]> {
    try {
      this.#take(await this.#catalog.loadTable(LEDGER, this.#ledger));
    } catch (error) {
      if (!isKind(error, "corrupt")) throw error;
      this.#tell(error);
    }
    this.#atMs = this.#clock.nowMs();
    return this.#batches;
  }

  #take(ledger: LoadedTable | undefined): void {
    if (ledger?.metadataLocation !== this.#ledger?.metadataLocation) {
      this.#batches = this.#batchesOf(ledger);
      this.#counting.add(this.#batches);
    }
    this.#ledger = ledger;
    this.#hasLooked = true;
  }

  #batchesOf(ledger: LoadedTable | undefined): BatchRecord[] {
    const snapshots = ledger?.metadata.snapshots.slice(-BATCHES_MAX) ?? [];
    return snapshots.reverse().flatMap(({ snapshotId, summary }) => {
      try {
        return batchOfSummary(summary, `of snapshot ${snapshotId} of the ledger`) ?? [];
      } catch (error) {
        if (!isKind(error, "corrupt", "newer")) throw error;
        this.#tell(error);
        return [];
      }
    });
  }

  /** Not at every look again. */
  #tell(error: StreamlabError): void {
    if (error.message === this.#told) return;
    this.#told = error.message;
    this.#onFailure(error);
  }
}
