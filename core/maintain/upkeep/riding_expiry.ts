import { StreamlabError } from "../../base/errors.ts";
import { identifierText, type LoadedTable } from "../../iceberg/catalog/catalog.ts";
import type { Transaction } from "../../iceberg/transaction.ts";
import type { Removal } from "../../lake/removal.ts";
import { StagedExpiry } from "../removal/expire_later.ts";
import type { Surroundings } from "../surroundings.ts";
import { snapshotsDue } from "./debt.ts";
import { retentionOf, type UpkeepPolicy } from "./policy.ts";

/** More than that are a backlog, which is caught up with in pieces, and no batch waits for. */
const RIDDEN_MAX = 32;

export interface RidingExpiryOptions extends UpkeepPolicy {
  /** Whether snapshots of the table may go now. */
  mayExpire(table: LoadedTable): boolean;
  done(table: string, snapshots: number, removal: Removal, startMs: number): void;
  /** A failure of its own, which is not the batch's. */
  failed(table: string, error: StreamlabError, startMs: number): void;
}

/**
 * Expires a few snapshots by a batch's own commit, so that a table has no more of them however fast
 * batches come: what is written is the list of files to be deleted, and no version of the table.
 */
export class RidingExpiry {
  readonly #surroundings: Surroundings;
  readonly #options: RidingExpiryOptions;
  readonly #expiry: StagedExpiry;
  #table = "";
  #isStaged = false;
  #startMs = 0;

  constructor(surroundings: Surroundings, options: RidingExpiryOptions) {
    this.#surroundings = surroundings;
    this.#options = options;
    this.#expiry = new StagedExpiry(
      surroundings,
      (metadata) => retentionOf(metadata, options, surroundings.clock.nowMs()),
    );
  }

  async stage(transaction: Transaction): Promise<void> {
    const { base } = transaction;
    this.#table = identifierText(base.identifier);
    this.#isStaged = false;
    await this.#attempt(async () => {
      this.#startMs = this.#surroundings.clock.nowMs();
      if (this.#pays(base)) this.#isStaged = await this.#expiry.stage(transaction);
      else await this.#expiry.forget();
    });
  }

  async settle(committed: boolean): Promise<void> {
    await this.#attempt(async () => {
      if (!this.#isStaged) return await this.#expiry.forget();
      const { snapshots, removal } = await this.#expiry.settle(committed);
      if (removal !== undefined) this.#options.done(this.#table, snapshots, removal, this.#startMs);
    });
  }

  #pays(table: LoadedTable): boolean {
    if (!this.#options.mayExpire(table)) return false;
    const due = snapshotsDue(table.metadata, this.#options, this.#startMs);
    return due >= this.#options.expiredMin && due <= RIDDEN_MAX;
  }

  async #attempt(action: () => Promise<void>): Promise<void> {
    try {
      await action();
    } catch (error) {
      if (!(error instanceof StreamlabError)) throw error;
      this.#options.failed(this.#table, error, this.#startMs);
    }
  }
}
