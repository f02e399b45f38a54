/** Durable records of batches, as consume leaves them. */
import type { BatchPlan } from "../../core/lake/batch_plan.ts";
import type { RoutedBatch, RoutedTable } from "../../core/lake/routed_batch.ts";

const schema = { type: "struct", "schema-id": 0, fields: [] };
const noFiles: RoutedTable = { specId: 0, schema, lastColumnIdBefore: 0, files: [] };

/** A plan that takes nothing. */
export function batchPlan(batchId: number): BatchPlan {
  return {
    format: 1,
    sequenceId: "s",
    batchId,
    plannedAt: "2026-03-01T00:00:00Z",
    table: "bronze.events",
    raw: "/lake",
    contract: "{}",
    options: { onExtraFields: "dead-letter" },
    files: [],
    changed: [],
  };
}

/** A routed record with these files of events. */
export function routedBatch(batchId: number, paths: string[]): RoutedBatch {
  const files = paths.map((path) => ({ path, records: "1", size: "1", partition: [], columns: [] }));
  return {
    format: 1,
    sequenceId: "s",
    batchId,
    attempt: "a",
    ingestedAtMicros: "0",
    events: { ...noFiles, files },
    deadLetters: noFiles,
    ledger: noFiles,
    files: [],
  };
}
