import type { MeterReading } from "../base/meter.ts";
import { type BatchRecord, batchRecordFormat } from "../lake/batch_history.ts";
import { originOf } from "../lake/data_file_name.ts";
import type { BatchPlan } from "../lake/batch_plan.ts";
import type { FileOutcome, RoutedBatch } from "../lake/routed_batch.ts";

/** What a consumer tells while it works. */
export interface ConsumerReport {
  /** A batch is under way; `batch` tells of its end. */
  started?(batch: { batchId: number; files: number; resumed: boolean }): void;
  batch(report: BatchReport): void;
  /** All that is there is ingested; the next file is waited for. Told again after each look. */
  idle?(): void;
  /** A file that stays where it is, and why; once for each state of it. */
  file(name: string, what: "changed" | "unreadable" | "vanished", detail: string): void;
  /** What the user should know besides; once. */
  note(text: string): void;
}

/** Dead letters by reason; known where this process has routed the batch. */
export type Reasons = Readonly<Record<string, number>>;

export interface BatchReport {
  batchId: number;
  /** Whether a run before this one had planned it. */
  resumed: boolean;
  files: number;
  bytes: number;
  records: number;
  events: number;
  deadLetters: number;
  reasons?: Reasons | undefined;
  /** Dead letters that a replay has judged again; `reasons` are of those that stay some. */
  replayed?: number | undefined;
  /** Files that a reingest has ingested again. */
  reingested?: number | undefined;
  /** Records that were dropped as repeats. */
  duplicates: number;
  /** With upserts: records that are no row: a newer one has their key, or they remove it. */
  superseded?: number | undefined;
  /** Files that were ingested with no records. */
  empty: number;
  changed: number;
  vanished: number;
  durationMs: number;
  /** For how long the oldest of its files had waited when it was committed; see `lagOf`. */
  lagMs?: number | undefined;
  /** What each step took, of those that this run took; they overlap. See `Meter`. */
  seconds: Readonly<Record<string, number>>;
}

/** A batch in figures, from its routed record. */
export function batchReport(
  routed: RoutedBatch,
  { reasons, ...rest }: Pick<BatchReport, "resumed" | "durationMs" | "lagMs" | "seconds"> & {
    reasons?: Reasons | undefined;
  },
): BatchReport {
  // What a reingest has taken away was of earlier batches.
  const files = routed.files.filter(({ status }) => status !== "reingested");
  const sum = (pick: (file: FileOutcome) => number) => files.reduce((total, file) => total + pick(file), 0);
  const count = (status: FileOutcome["status"]) => sum((file) => file.status === status ? 1 : 0);
  return {
    batchId: routed.batchId,
    files: count("ingested"),
    bytes: sum((file) => file.status === "ingested" ? file.size : 0),
    records: sum((file) => file.records),
    events: sum((file) => file.events),
    // Those that a replay has taken away are no dead letters of this batch.
    deadLetters: sum((file) => file.status === "replayed" ? 0 : file.deadLetters),
    duplicates: sum((file) => file.duplicates),
    superseded: routed.tombstones === undefined ? undefined : sum((file) => file.superseded ?? 0),
    empty: sum(({ status, records, deadLetters }) => status === "ingested" && records + deadLetters === 0 ? 1 : 0),
    changed: count("changed"),
    vanished: count("vanished"),
    ...rest,
    reasons,
    replayed: routed.replayed && rowsOf(routed),
    reingested: routed.reingested?.length,
  };
}

/** In its two tables. */
function rowsOf({ events, deadLetters }: RoutedBatch): number {
  return [...events.files, ...deadLetters.files].reduce((sum, { records }) => sum + Number(records), 0);
}

/** What is to be told of a batch, besides what its routed record says. */
export interface BatchFacts {
  /** Milliseconds since 1970. */
  plannedMs: number;
  routedMs: number;
  /** When the oldest of its files landed; undefined where nobody knows. */
  landedMs?: number | undefined;
  reasons?: Reasons | undefined;
}

/**
 * `routedMs`: when this process routed it. Of what another one has routed it is known when that
 * began.
 */
export function batchFacts(
  plan: BatchPlan,
  { ingestedAtMicros }: RoutedBatch,
  { routedMs = Number(BigInt(ingestedAtMicros) / 1000n), ...known }: Partial<Omit<BatchFacts, "plannedMs">>,
): BatchFacts {
  return { plannedMs: Date.parse(plan.plannedAt), routedMs, ...known };
}

/**
 * Told by the names of its data files, whoever tells it: each task of a cluster has an attempt of
 * its own, and the record names that of the ledger's file.
 */
function routedBy({ attempt, events, deadLetters }: RoutedBatch): Pick<BatchRecord, "engine" | "tasks"> {
  const attempts = new Set<string>();
  for (const { path } of [...events.files, ...deadLetters.files]) {
    const origin = originOf(path);
    if (origin?.kind === "batch" && origin.attempt !== attempt) attempts.add(origin.attempt);
  }
  return attempts.size === 0 ? { engine: "embedded" } : { engine: "spark", tasks: attempts.size };
}

/** A batch as the lake remembers it. */
export function batchRecord(
  table: string,
  routed: RoutedBatch,
  { reasons, ...times }: BatchFacts,
  { seconds, counts }: Pick<MeterReading, "seconds" | "counts">,
  committedMs: number,
): BatchRecord {
  const told = { resumed: false, durationMs: 0, seconds: {}, reasons };
  const { resumed: _resumed, durationMs: _durationMs, seconds: _seconds, empty: _empty, ...figures } = batchReport(
    routed,
    told,
  );
  return {
    format: batchRecordFormat({ ...figures, ...times }),
    table,
    ...figures,
    ...times,
    committedMs,
    conflicts: counts.conflicts ?? 0,
    steps: Object.fromEntries(Object.entries(seconds).map(([step, each]) => [step, Math.round(each * 1_000)])),
    ...routedBy(routed),
  };
}

/** Tells of a batch that is committed, and first of the files that it did not get. */
export function tellBatch(report: ConsumerReport, batch: BatchReport, missed: readonly FileOutcome[]): void {
  for (const { name, status } of missed) {
    if (status === "vanished") report.file(name, status, "it was gone when it was to be read");
    else report.file(name, "changed", "it was rewritten while it was read; its new content is taken next");
  }
  report.batch(batch);
}

/** Planned files of the batch that were not what was planned when they were read. */
export function missedFiles(plan: BatchPlan, routed: RoutedBatch): FileOutcome[] {
  return routed.files.slice(0, plan.files.length).filter(({ status }) => status !== "ingested");
}
