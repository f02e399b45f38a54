import { counted, formatCount } from "../../core/base/counted.ts";
import type { Json } from "../../core/base/json.ts";
import { EVENTS_FOLDER } from "../../core/lake/layout.ts";
import type { Unreachable } from "../../core/lake/raw_zone.ts";
import type { BatchTotals, IngestionStatus, StandingPlan } from "../../core/maintain/status/ingestion_status.ts";
import type { UpkeepStatus } from "../../core/maintain/status/upkeep_status.ts";
import type { TableHealth } from "../../core/maintain/status/table_health.ts";
import { formatDuration, formatSize } from "../line/output.ts";

export function ingestionRecord(status: IngestionStatus, nowMs: number): { [key: string]: Json } {
  const { table, deadLetterTable, raw, waiting, problem, lastBatch, plan, unreadable, passedOver } = status;
  return {
    action: "ingestion-status",
    table,
    deadLetterTable,
    raw: raw ?? null,
    waitingFiles: waiting?.files ?? null,
    waitingBytes: waiting?.bytes ?? null,
    lagMs: waiting === undefined ? null : lagOf(status, nowMs),
    problem: problem ?? null,
    unreadable: unreadable.map(({ name }) => name),
    passedOver: passedOver.files,
    plan: plan === undefined ? null : {
      batchId: plan.batchId,
      isRouted: plan.isRouted,
      files: plan.files ?? null,
      bytes: plan.bytes ?? null,
      letters: plan.letters ?? null,
      plannedAt: plan.plannedAtMs === undefined ? null : instant(plan.plannedAtMs),
      failures: plan.failures,
      lastError: plan.lastError ?? null,
    },
    lastBatch: lastBatch === undefined
      ? null
      : { ...lastBatch, ingestedAtMs: undefined, ingestedAt: instant(lastBatch.ingestedAtMs) } as unknown as Json,
  };
}

/** What waits, where and since when, and what came last. */
export function ingestionText(status: IngestionStatus, nowMs: number): string {
  const { table, lastBatch, isLedgerRead, plan, unreadable, passedOver } = status;
  const waits = waitingText(status, nowMs);
  const lines = plan === undefined
    ? [`${table}: ${waits}`]
    : [`${table}: ${planText(plan, nowMs)}`, ...stuckHint(table, plan), `  ${waits}`];
  if (lastBatch === undefined && isLedgerRead) lines.push(`${lines.pop()}; nothing was ingested yet`);
  if (unreadable.length > 0) lines.push(`  ${unreadableText(unreadable)}`);
  if (passedOver.files > 0) {
    const count = counted(passedOver.files, "file is", "files are");
    lines.push(`  ${count} passed over, as the name says no format: ${passedOver.example}`);
  }
  if (lastBatch === undefined) return lines.join("\n");
  const { batchId, ingestedAtMs } = lastBatch;
  lines.push(`  batch ${batchId}, ${formatDuration(Math.max(0, nowMs - ingestedAtMs))} ago: ${batchText(lastBatch)}`);
  return lines.join("\n");
}

/** The ledger has of a replay its files, and not how many letters it has judged again. */
function batchText({ files, replayedFiles, reingestedFiles, events, deadLetters }: BatchTotals): string {
  if (replayedFiles > 0n) {
    return `dead letters of ${counted(replayedFiles, "file")} judged again → ${counted(events, "event")}`;
  }
  const again = reingestedFiles > 0n ? " ingested again" : "";
  return `${counted(files, "file")}${again} → ${counted(events, "event")}, ${counted(deadLetters, "dead letter")}`;
}

function waitingText(status: IngestionStatus, nowMs: number): string {
  const { raw, waiting, problem, plan } = status;
  if (waiting === undefined) return `nobody can tell what waits: ${problem}`;
  const where = raw === `${EVENTS_FOLDER}/` ? "" : ` in ${raw}`;
  if (waiting.files === 0) return `nothing${plan === undefined ? "" : " else"} waits${where}`;
  const files = counted(waiting.files, "file waits", "files wait");
  return `${files}${where} (${formatSize(waiting.bytes)}), the oldest for ${formatDuration(lagOf(status, nowMs))}`;
}

/** Of files in a raw zone. */
export function unreadableText(files: readonly Unreachable[]): string {
  const [first] = files;
  const rest = files.length > 1 ? ` and ${formatCount(files.length - 1)} more` : "";
  return `cannot be read: ${first!.name} (${first!.why})${rest}`;
}

/** `batch 2 is stuck: planned 5m 3s ago with 1 file (20 B), failed 3 times: …` */
function planText(standing: StandingPlan, nowMs: number) {
  const { batchId, isRouted, files, bytes, letters, plannedAtMs, failures, lastError } = standing;
  const what = letters === undefined
    ? `with ${counted(files ?? 0, "file")} (${formatSize(bytes ?? 0)})`
    : `to judge ${counted(letters, "dead letter")} again`;
  const plan = files === undefined
    ? "its plan cannot be read"
    : `planned ${formatDuration(Math.max(0, nowMs - plannedAtMs!))} ago ${what}`;
  const why = lastError === undefined ? "" : `: ${lastError}`;
  const times = failures === 0 ? "" : `, failed ${failures === 1 ? "once" : counted(failures, "time")}`;
  const state = isRouted ? "is to be committed" : isStuck({ failures, files }) ? "is stuck" : "is under way";
  return `batch ${batchId} ${state}: ${plan}${times}${why}`;
}

function isStuck({ failures, files }: Pick<StandingPlan, "failures" | "files">): boolean {
  return failures > 0 || files === undefined;
}

function stuckHint(table: string, plan: StandingPlan): string[] {
  if (plan.isRouted || !isStuck(plan)) return [];
  const what = plan.letters !== undefined
    ? "leaves its dead letters as they are"
    : plan.isReingest
    ? "leaves the rows of its files as they are"
    : "gives its files to a later batch";
  return [`  maintain --set-aside-plan --table ${table} ${what}`];
}

/** How long the oldest file has waited, milliseconds; 0 where none waits, as far as is known. */
export function lagOf({ waiting }: IngestionStatus, nowMs: number): number {
  return waiting?.oldestMs === undefined ? 0 : Math.max(0, Math.round(nowMs - waiting.oldestMs));
}

export function healthRecord(
  { oldestSnapshotMs, newestSnapshotMs, damages, ...health }: TableHealth,
): { [key: string]: Json } {
  return {
    action: "table-status",
    ...health,
    damages: damages.length,
    oldestSnapshot: oldestSnapshotMs === undefined ? null : instant(oldestSnapshotMs),
    newestSnapshot: newestSnapshotMs === undefined ? null : instant(newestSnapshotMs),
  };
}

const columns: readonly [string, (health: TableHealth) => string][] = [
  ["table", ({ table }) => table],
  ["rows", ({ records }) => formatCount(records)],
  ["size", ({ bytes }) => formatSize(bytes)],
  ["files", ({ files }) => formatCount(files)],
  ["small", ({ smallFiles }) => formatCount(smallFiles)],
  ["average", ({ averageBytes }) => formatSize(averageBytes)],
  ["deletes", ({ deleteFiles }) => formatCount(deleteFiles)],
  ["manifests", ({ manifests }) => formatCount(manifests)],
  ["snapshots", ({ snapshots }) => formatCount(snapshots)],
  ["since", ({ oldestSnapshotMs }) => oldestSnapshotMs === undefined ? "–" : instant(oldestSnapshotMs).slice(0, 16)],
];

/** A line a table. */
export function healthText(healths: readonly TableHealth[]): string {
  const lines = [columns.map(([name]) => name), ...healths.map((health) => columns.map(([, show]) => show(health)))];
  const widths = columns.map((_column, index) => Math.max(...lines.map((line) => line[index]!.length)));
  return lines.map((line) =>
    line.map((cell, index) => index === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[index]!)).join("  ")
  ).join("\n");
}

export function debtRecord({ table, debt }: UpkeepStatus): { [key: string]: Json } {
  return { action: "upkeep-status", table, ...debt };
}

/** `bronze.events: 40 small files to merge, 12 snapshots to expire; 4,010 files (1.2 GB) wait …` */
export function debtText({ table, debt }: UpkeepStatus): string {
  const { snapshots, mergeableFiles, deleteFiles, waitingFiles, waitingBytes, dueFiles } = debt;
  const todo = [
    ...(mergeableFiles > 0 ? [counted(mergeableFiles, "file to merge", "files to merge")] : []),
    ...(deleteFiles > 0 ? [counted(deleteFiles, "delete file to apply", "delete files to apply")] : []),
    ...(snapshots > 0 ? [counted(snapshots, "snapshot to expire", "snapshots to expire")] : []),
  ];
  const parts = [todo.length === 0 ? "nothing for upkeep to do" : todo.join(", ")];
  if (waitingFiles > 0) {
    const due = dueFiles > 0 ? `, ${formatCount(dueFiles)} of them due` : "";
    const files = counted(waitingFiles, "file waits", "files wait");
    parts.push(`${files} to be deleted (${formatSize(waitingBytes)})${due}`);
  }
  return `${table}: ${parts.join("; ")}`;
}

function instant(ms: number): string {
  return new Date(ms).toISOString();
}
