import { isKind } from "../../base/errors.ts";
import type { TableMetadata } from "../../iceberg/format/table_metadata.ts";
import { batchOfSummary, type BatchRecord } from "../../lake/batch_history.ts";
import { BATCHES, History } from "../../lake/history.ts";
import type { Surroundings } from "../surroundings.ts";

/**
 * Keeps what the snapshots that are to go tell of batches; only the ledger's tell any. To be done
 * before the commit that removes them. A try that is not committed leaves records that are in both
 * places, and readers take them once.
 */
export async function carryOverBatches(
  surroundings: Surroundings,
  before: TableMetadata,
  after: TableMetadata,
): Promise<void> {
  const kept = new Set(after.snapshots.map(({ snapshotId }) => snapshotId));
  const records = before.snapshots.flatMap(({ snapshotId, summary }): BatchRecord[] => {
    if (kept.has(snapshotId)) return [];
    try {
      const record = batchOfSummary(summary, `of snapshot ${snapshotId}`);
      return record === undefined ? [] : [record];
    } catch (error) {
      // What cannot be read cannot be kept, and must not keep the snapshot.
      if (isKind(error, "corrupt")) return [];
      throw error;
    }
  });
  await new History(BATCHES, surroundings).add(records);
}
