import type { Json } from "../../base/json.ts";
import type { IngestionStatus, StandingPlan } from "../../maintain/status/ingestion_status.ts";
import { jsonAnswer } from "../answer.ts";
import type { LakeState } from "../metrics/lake_watch.ts";
import { type ConsoleCall, isoOf } from "./console_call.ts";

/** Each target: what waits, since when, its last batch, its dead letters by reason. */
export async function showOverview({ parts }: ConsoleCall): Promise<Response> {
  const { state, problem } = await parts.watch.look();
  const nowMs = parts.clock.nowMs();
  return jsonAnswer(200, {
    at: isoOf(nowMs),
    lake: parts.lake,
    isReadable: problem === undefined,
    lookedAt: isoOf(state?.lookedAtMs),
    targets: state?.ingestion.map((status) => targetJson(status, state, nowMs, parts.shown)) ?? [],
  });
}

function targetJson(
  { table, deadLetterTable, raw, waiting, problem, lastBatch, plan }: IngestionStatus,
  { deadLetters }: LakeState,
  nowMs: number,
  shown: (text: string) => string,
): Json {
  const { oldestMs } = waiting ?? {};
  return {
    target: table,
    raw: raw ?? null,
    waitingFiles: waiting?.files ?? null,
    waitingBytes: waiting?.bytes ?? null,
    lagMs: waiting === undefined ? null : oldestMs === undefined ? 0 : Math.max(0, Math.round(nowMs - oldestMs)),
    problem: problem === undefined ? null : shown(problem),
    plan: plan === undefined ? null : planJson(plan, shown),
    lastBatch: lastBatch === undefined ? null : {
      batchId: lastBatch.batchId,
      ingestedAt: isoOf(lastBatch.ingestedAtMs),
      files: lastBatch.files,
      records: lastBatch.records,
      events: lastBatch.events,
      deadLetters: lastBatch.deadLetters,
    },
    deadLetterTable,
    deadLetters: Object.fromEntries(deadLetters.get(deadLetterTable) ?? []),
  };
}

function planJson(
  { batchId, isRouted, files, plannedAtMs, failures, lastError }: StandingPlan,
  shown: (text: string) => string,
): Json {
  return {
    batchId,
    isRouted,
    files: files ?? null,
    plannedAt: isoOf(plannedAtMs),
    failures,
    lastError: lastError === undefined ? null : shown(lastError),
  };
}
