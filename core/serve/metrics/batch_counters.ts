import { type BatchRecord, lagOf } from "../../lake/batch_history.ts";

/** What the batches of a target came to, as far as they are known. */
export interface BatchCounters {
  files: number;
  bytes: number;
  records: number;
  events: number;
  duplicates: number;
  conflicts: number;
  /** With upserts: records that are no row; undefined where no batch had any rule for them. */
  superseded: number | undefined;
  /** For how long the oldest file of the last batch had waited; undefined where nobody knows. */
  lastLagMs: number | undefined;
  /** By reason; `unknown` of batches that another process had routed. */
  deadLetters: Map<string, number>;
  /** Milliseconds by step. */
  steps: Map<string, number>;
}

const SUMS = ["files", "bytes", "records", "events", "duplicates", "conflicts"] as const;

/** Counts each batch once, whatever is shown of it again. */
export class BatchCounting {
  readonly #targets = new Map<string, BatchCounters & { lastBatchId: number }>();

  /** `batches`: the newest first. */
  add(batches: readonly BatchRecord[]): void {
    for (const batch of batches.toReversed()) this.#add(batch);
  }

  of(target: string): BatchCounters | undefined {
    return this.#targets.get(target);
  }

  #add(batch: BatchRecord): void {
    const found = this.#targets.get(batch.table) ?? {
      ...{ files: 0, bytes: 0, records: 0, events: 0, duplicates: 0, conflicts: 0, lastBatchId: 0 },
      superseded: undefined,
      lastLagMs: undefined,
      deadLetters: new Map(),
      steps: new Map(),
    };
    if (batch.batchId <= found.lastBatchId) return;
    found.lastBatchId = batch.batchId;
    for (const name of SUMS) found[name] += batch[name];
    if (batch.superseded !== undefined) found.superseded = (found.superseded ?? 0) + batch.superseded;
    found.lastLagMs = lagOf(batch.landedMs, batch.committedMs);
    const reasons = batch.reasons ?? (batch.deadLetters > 0 ? { unknown: batch.deadLetters } : {});
    // Those of a replay were counted when they came.
    if (batch.replayed === undefined) addAll(found.deadLetters, reasons);
    addAll(found.steps, batch.steps);
    this.#targets.set(batch.table, found);
  }
}

function addAll(sums: Map<string, number>, more: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(more)) sums.set(name, (sums.get(name) ?? 0) + value);
}
