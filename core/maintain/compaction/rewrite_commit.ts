import { isKind } from "../../base/errors.ts";
import { type RewriteFiles, rewriteFiles } from "../../iceberg/action/rewrite_files.ts";
import type { LoadedTable } from "../../iceberg/catalog/catalog.ts";
import { commitTable } from "../../iceberg/commit.ts";
import type { DataFile } from "../../iceberg/format/data_file.ts";
import type { Transaction } from "../../iceberg/transaction.ts";
import type { RewriteGroup } from "./compaction_plan.ts";
import type { DeleteReach } from "./delete_reach.ts";
import { type Intent, intentStands } from "../../lake/intent.ts";
import type { Surroundings } from "../surroundings.ts";

/** A group whose new files are in place and wait for their commit. */
export interface RewrittenGroup {
  group: RewriteGroup;
  outputs: DataFile[];
  intent: Intent;
}

/**
 * Puts the change of these groups into a commit, on the metadata of that attempt. Throws `conflict`
 * where they must be dropped.
 */
export type StageRewrite = (
  transaction: Transaction,
  rewrite: RewriteFiles,
  groups: readonly RewrittenGroup[],
) => Promise<void>;

const stageSameRows: StageRewrite = async (transaction, rewrite) => {
  transaction.add(await rewriteFiles(transaction, rewrite));
};

export interface CommitOutcome {
  committed: RewrittenGroup[];
  /** Those that lost a race, with the reason. Their new files belong to nobody. */
  dropped: { group: RewrittenGroup; reason: string }[];
  /** As the last of the commits has made it; undefined where there was none. */
  table: LoadedTable | undefined;
}

/** One commit: what it has made of the table, or why it must not be. */
type Attempt = { table: LoadedTable } | { reason: string };

/**
 * Commits groups as one snapshot. A group whose inputs are no longer live, or had rows deleted
 * meanwhile, is dropped, and the others are committed without it. Throws what the catalog throws
 * except `conflict`; after `unavailable` nobody knows what was committed.
 */
export async function commitRewrites(
  surroundings: Surroundings,
  planned: LoadedTable,
  groups: readonly RewrittenGroup[],
  reach: DeleteReach,
  stage: StageRewrite = stageSameRows,
): Promise<CommitOutcome> {
  const outcome: CommitOutcome = { committed: [], dropped: [], table: undefined };
  const whole = await tryCommit(surroundings, planned, groups, reach, stage);
  if ("table" in whole) return { ...outcome, committed: [...groups], table: whole.table };
  if (groups.length === 1) return { ...outcome, dropped: [{ group: groups[0]!, reason: whole.reason }] };
  for (const group of groups) {
    const alone = await tryCommit(surroundings, planned, [group], reach, stage);
    if ("table" in alone) {
      outcome.committed.push(group);
      outcome.table = alone.table;
    } else outcome.dropped.push({ group, reason: alone.reason });
  }
  return outcome;
}

async function tryCommit(
  surroundings: Surroundings,
  planned: LoadedTable,
  groups: readonly RewrittenGroup[],
  reach: DeleteReach,
  stage: StageRewrite,
): Promise<Attempt> {
  const inputs = groups.flatMap(({ group }) => group.files);
  const deletes = reach.doneWithout(inputs);
  let attempt = await commitOnce(surroundings, planned, groups, deletes, stage);
  // Another writer may have removed the delete files. The new rows are committed all the same.
  if ("reason" in attempt && deletes.length > 0) attempt = await commitOnce(surroundings, planned, groups, [], stage);
  if ("table" in attempt) reach.forget(inputs);
  return attempt;
}

async function commitOnce(
  { catalog, store, clock, random }: Surroundings,
  planned: LoadedTable,
  groups: readonly RewrittenGroup[],
  deletes: readonly DataFile[],
  stage: StageRewrite,
): Promise<Attempt> {
  let reason: string | undefined;
  const rewrite = {
    inputs: [...groups.flatMap(({ group }) => group.files.map(({ dataFile }) => dataFile)), ...deletes],
    outputs: groups.flatMap(({ outputs }) => outputs),
    startingSequenceNumber: planned.metadata.lastSequenceNumber,
  };
  const commit = commitTable(catalog, planned.identifier, async (transaction) => {
    reason = undefined;
    // After the base was read, which is what makes fencing an intent safe (`intent.ts`).
    for (const { intent } of groups) {
      if (!await intentStands(store, intent)) reason = "its intent was removed: it counted as abandoned";
    }
    if (transaction.metadata.tableUuid !== planned.metadata.tableUuid) {
      reason = "the table was dropped and created again";
    }
    if (reason !== undefined) return false;
    try {
      await stage(transaction, rewrite, groups);
    } catch (error) {
      reason = conflictReason(error);
      return false;
    }
    return true;
  }, { clock, random, expected: planned });
  try {
    const { table } = await commit;
    return reason === undefined ? { table } : { reason };
  } catch (error) {
    return { reason: conflictReason(error) };
  }
}

/** A conflict is certain: the commit did not happen. Any other error is thrown on. */
function conflictReason(error: unknown): string {
  if (isKind(error, "conflict")) return error.message.replace(/^[^:]*: /, "");
  throw error;
}
