import type { Clock } from "../../base/clock.ts";
import type { IngestionStatus } from "../../maintain/status/ingestion_status.ts";
import type { Metric, MetricSample } from "../../telemetry/measurement.ts";
import type { BatchCounters, BatchCounting } from "./batch_counters.ts";
import type { BatchWatch } from "./batch_watch.ts";
import type { LakeLook, LakeWatch, TableTotals } from "./lake_watch.ts";
import { METRICS } from "./metric.ts";

export interface SampleSource {
  watch: LakeWatch;
  batches: BatchWatch;
  clock: Clock;
  /** Of the program. */
  version: string;
}

/** What is measured now, from a look that is as old as a look may be. */
export async function readSamples({ watch, batches, clock, version }: SampleSource): Promise<MetricSample[]> {
  return samplesOf(await watch.look(), await batches.counters(), clock.nowMs(), version);
}

/** What a look at the lake measures at that time: ages go on counting between two looks. */
function samplesOf(
  { state, problem }: LakeLook,
  counting: Pick<BatchCounting, "of"> | undefined,
  nowMs: number,
  version: string,
): MetricSample[] {
  const samples: MetricSample[] = [];
  const add = (metric: Metric, labels: readonly string[], value: number | undefined) => {
    if (value !== undefined) samples.push({ metric, labels, value });
  };
  add(METRICS.buildInfo, [version], 1);
  add(METRICS.lakeReadable, [], problem === undefined ? 1 : 0);
  if (state === undefined) return samples;
  add(METRICS.lookAge, [], secondsSince(state.lookedAtMs, nowMs));
  for (const status of state.ingestion) {
    addTarget(add, status, nowMs);
    if (counting !== undefined) addCounters(add, status.table, counting.of(status.table));
  }
  for (const [table, reasons] of state.deadLetters) {
    for (const [reason, count] of reasons) add(METRICS.deadLetters, [table, reason], count);
  }
  for (const totals of state.tables) addTable(add, totals);
  for (const table of state.unreadable.keys()) add(METRICS.tableReadable, [table], 0);
  for (const { table, debt } of state.debts) {
    for (const [name, kind] of DEBT_KINDS) add(METRICS.upkeepDebt, [table, kind], debt[name]);
  }
  return samples;
}

/** What stands in labels. */
const DEBT_KINDS = [
  ["snapshots", "snapshots"],
  ["smallFiles", "small_files"],
  ["mergeableFiles", "mergeable_files"],
  ["deleteFiles", "delete_files"],
  ["manifests", "manifests"],
  ["waitingFiles", "waiting_files"],
  ["dueFiles", "due_files"],
] as const;

type Add = (metric: Metric, labels: readonly string[], value: number | undefined) => void;

function addTarget(
  add: Add,
  { table, waiting, lastBatch, plan, isLedgerRead }: IngestionStatus,
  nowMs: number,
): void {
  const labels = [table];
  const batchMs = lastBatch?.ingestedAtMs;
  add(METRICS.lastCommitTime, labels, batchMs === undefined ? undefined : batchMs / 1_000);
  add(METRICS.lastCommitAge, labels, batchMs === undefined ? undefined : secondsSince(batchMs, nowMs));
  add(METRICS.lagKnown, labels, waiting === undefined ? 0 : 1);
  if (waiting !== undefined) {
    add(METRICS.lag, labels, waiting.oldestMs === undefined ? 0 : secondsSince(waiting.oldestMs, nowMs));
  }
  if (waiting !== undefined) add(METRICS.idle, labels, waiting.files === 0 && plan === undefined ? 1 : 0);
  add(METRICS.waitingFiles, labels, waiting?.files);
  add(METRICS.waitingBytes, labels, waiting?.bytes);
  // Nobody knows them then, and a counter must not seem to begin anew.
  if (!isLedgerRead) return;
  add(METRICS.batches, labels, Number(lastBatch?.batchId ?? 0n));
  add(METRICS.planFailures, labels, plan?.failures ?? 0);
  if (lastBatch === undefined) return;
  add(METRICS.batchFiles, labels, Number(lastBatch.files));
  add(METRICS.batchRecords, labels, Number(lastBatch.records));
  add(METRICS.batchEvents, labels, Number(lastBatch.events));
  add(METRICS.batchDeadLetters, labels, Number(lastBatch.deadLetters));
}

function addCounters(add: Add, target: string, counters: BatchCounters | undefined): void {
  const lagMs = counters?.lastLagMs;
  add(METRICS.batchLag, [target], lagMs === undefined ? undefined : lagMs / 1_000);
  add(METRICS.files, [target], counters?.files ?? 0);
  add(METRICS.readBytes, [target], counters?.bytes ?? 0);
  add(METRICS.records, [target], counters?.records ?? 0);
  add(METRICS.events, [target], counters?.events ?? 0);
  for (const [reason, letters] of counters?.deadLetters ?? []) add(METRICS.letters, [target, reason], letters);
  add(METRICS.duplicates, [target], counters?.duplicates ?? 0);
  add(METRICS.superseded, [target], counters?.superseded);
  for (const [step, ms] of counters?.steps ?? []) add(METRICS.stepSeconds, [target, step], ms / 1_000);
  add(METRICS.conflicts, [target], counters?.conflicts ?? 0);
}

function addTable(add: Add, totals: TableTotals): void {
  const labels = [totals.table];
  add(METRICS.tableReadable, labels, 1);
  add(METRICS.tableRows, labels, totals.rows);
  add(METRICS.tableFiles, labels, totals.dataFiles);
  add(METRICS.tableBytes, labels, totals.bytes);
  add(METRICS.tableDeletes, labels, totals.deleteFiles);
  add(METRICS.tableSnapshots, labels, totals.snapshots);
  add(METRICS.tableCommitTime, labels, totals.committedAtMs === undefined ? undefined : totals.committedAtMs / 1_000);
}

function secondsSince(ms: number, nowMs: number): number {
  return Math.max(0, Math.round(nowMs - ms) / 1_000);
}
