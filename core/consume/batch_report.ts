import type { BatchPlan } from "../lake/batch_plan.ts";
import type { FileOutcome, RoutedBatch } from "../lake/routed_batch.ts";

/** What a consumer tells while it works. */
export interface ConsumerReport {
  batch(report: BatchReport): void;
  /** A file that stays where it is, and why; once for each state of it. */
  file(name: string, what: "changed" | "unreadable" | "vanished", detail: string): void;
  /** What the user should know besides; once. */
  note(text: string): void;
}

export interface BatchReport {
  batchId: number;
  /** Whether a run before this one had planned it. */
  resumed: boolean;
  files: number;
  bytes: number;
  records: number;
  events: number;
  deadLetters: number;
  changed: number;
  vanished: number;
  durationMs: number;
  /** What each step took, of those that this run took; they overlap. See `Meter`. */
  seconds: Readonly<Record<string, number>>;
}

/** A batch in figures, from its routed record. */
export function batchReport(
  routed: RoutedBatch,
  { resumed, durationMs, seconds }: Pick<BatchReport, "resumed" | "durationMs" | "seconds">,
): BatchReport {
  const sum = (pick: (file: FileOutcome) => number) => routed.files.reduce((total, file) => total + pick(file), 0);
  const count = (status: FileOutcome["status"]) => sum((file) => file.status === status ? 1 : 0);
  return {
    batchId: routed.batchId,
    resumed,
    files: count("ingested"),
    bytes: sum((file) => file.status === "ingested" ? file.size : 0),
    records: sum((file) => file.records),
    events: sum((file) => file.events),
    deadLetters: sum((file) => file.deadLetters),
    changed: count("changed"),
    vanished: count("vanished"),
    durationMs,
    seconds,
  };
}

/** Planned files of the batch that were not what was planned when they were read. */
export function missedFiles(plan: BatchPlan, routed: RoutedBatch): FileOutcome[] {
  return routed.files.slice(0, plan.files.length).filter(({ status }) => status !== "ingested");
}
