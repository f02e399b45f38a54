import { identifierText, type TableIdentifier } from "../../iceberg/catalog/catalog.ts";
import { removalPath } from "../../lake/layout.ts";
import { listRemovals, readRemoval, type Removal } from "../../lake/removal.ts";
import { deleteWaiting, settleUnreleased, type WaitingDeletion } from "../removal/delete_waiting.ts";
import { storeNowMs } from "../store_clock.ts";
import type { Surroundings } from "../surroundings.ts";
import type { UpkeepPolicy } from "./policy.ts";
import { isDue, summaryOf, type WaitingRemoval } from "./waiting_removal.ts";

/** How often the records of others, and of those who died, are looked for. */
const LOOK_MS = 10 * 60_000;
/** Files that are due wait for others of their kind, but not longer. */
const GATHER_MS = 10 * 60_000;

/** The removals of a lake, as far as this process knows them. */
export class WaitingRemovals {
  readonly #surroundings: Surroundings;
  readonly #policy: UpkeepPolicy;
  readonly #known = new Map<string, WaitingRemoval>();
  #lookMs = -Infinity;
  #looking: Promise<void> | undefined;

  constructor(surroundings: Surroundings, policy: UpkeepPolicy) {
    this.#surroundings = surroundings;
    this.#policy = policy;
  }

  /** Reads what is there, now and then; who asks meanwhile waits for it. */
  async look(nowMs: number): Promise<void> {
    if (nowMs - this.#lookMs >= LOOK_MS) {
      this.#lookMs = nowMs;
      this.#looking = this.#learn();
    }
    try {
      await this.#looking;
    } catch (error) {
      this.#lookMs = -Infinity;
      throw error;
    }
  }

  async #learn(): Promise<void> {
    const isSettled = (id: string) => this.#known.get(id)?.released === true;
    for (const standing of await listRemovals(this.#surroundings.store, isSettled)) {
      this.#known.set(standing.removal.id, summaryOf(standing));
    }
  }

  add(removal: Removal, nowMs: number): void {
    this.#known.set(removal.id, summaryOf({ removal, modifiedMs: nowMs }));
  }

  of(table: string): WaitingRemoval[] {
    return [...this.#known.values()].filter((each) => each.table === table);
  }

  /** Whether a deletion pays: there is enough to delete, or some have waited for long. */
  pays(table: string, nowMs: number): boolean {
    const due = this.of(table).filter((each) => isDue(each, this.#policy, nowMs));
    const { graceMs } = this.#policy;
    const gatherMs = Math.min(GATHER_MS, graceMs / 6);
    return due.reduce((sum, { files }) => sum + files, 0) >= this.#policy.deletedMin ||
      due.some(({ sinceMs }) => nowMs - sinceMs >= graceMs + gatherMs) || this.#hasAbandoned(table, nowMs);
  }

  /** Deletes a piece of what is due, by the store's clock. */
  async delete(identifier: TableIdentifier): Promise<WaitingDeletion> {
    const { store } = this.#surroundings;
    const table = identifierText(identifier);
    let nowMs = await storeNowMs(this.#surroundings);
    if (this.#hasAbandoned(table, nowMs)) {
      await this.#settle(identifier, nowMs);
      // What is released now may be due at once.
      nowMs = await storeNowMs(this.#surroundings);
    }
    const due: Removal[] = [];
    let files = 0;
    for (const { id, released } of this.of(table).sort((a, b) => a.sinceMs - b.sinceMs)) {
      if (!released) continue;
      if (files > 0 && files >= this.#policy.deletedMax) break;
      const removal = await readRemoval(store, id);
      const modifiedMs = (await store.stat(removalPath(id)))?.modifiedMs;
      // Another process has done it.
      if (removal === undefined || modifiedMs === undefined) {
        this.#known.delete(id);
        continue;
      }
      const waiting = summaryOf({ removal, modifiedMs });
      this.#known.set(id, waiting);
      if (!isDue(waiting, this.#policy, nowMs)) break;
      due.push(removal);
      files += waiting.files;
    }
    if (due.length === 0) return { files: 0, bytes: 0, removals: 0 };
    const done = await deleteWaiting(this.#surroundings, identifier, due);
    for (const { id } of due) this.#known.delete(id);
    return done;
  }

  /** Of processes that died in the middle of an expiry. */
  #hasAbandoned(table: string, nowMs: number): boolean {
    return this.of(table).some(({ released, sinceMs }) => !released && nowMs - sinceMs >= this.#policy.commitMsMax);
  }

  async #settle(identifier: TableIdentifier, nowMs: number): Promise<void> {
    const { store } = this.#surroundings;
    const standing = await listRemovals(store, (id) => this.#known.get(id)?.released === true);
    const { commitMsMax } = this.#policy;
    await settleUnreleased(
      this.#surroundings,
      identifier,
      standing,
      ({ modifiedMs }) => nowMs - modifiedMs >= commitMsMax,
    );
    for (const { removal } of standing) this.#known.delete(removal.id);
    for (const each of await listRemovals(store, (id) => this.#known.has(id))) {
      this.#known.set(each.removal.id, summaryOf(each));
    }
  }
}

/** Deletes all of a table's files whose readers are gone; younger ones than asked for stay. */
export async function deleteDue(
  surroundings: Surroundings,
  identifier: TableIdentifier,
  usual: UpkeepPolicy,
  olderThanMs: number,
): Promise<Omit<WaitingDeletion, "removals">> {
  const waiting = new WaitingRemovals(surroundings, {
    ...usual,
    graceMs: Math.min(usual.graceMs, olderThanMs),
    commitMsMax: Math.min(usual.commitMsMax, olderThanMs),
    deletedMin: 1,
  });
  const table = identifierText(identifier);
  const sum = { files: 0, bytes: 0 };
  await waiting.look(surroundings.clock.nowMs());
  while (waiting.pays(table, surroundings.clock.nowMs())) {
    const { files, bytes, removals } = await waiting.delete(identifier);
    if (removals === 0) break;
    sum.files += files;
    sum.bytes += bytes;
  }
  return sum;
}
