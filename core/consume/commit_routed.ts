import { StreamlabError } from "../base/errors.ts";
import type { BatchPlan } from "../lake/batch_plan.ts";
import type { RoutedBatch } from "../lake/routed_batch.ts";
import type { TableRole } from "../lake/table_names.ts";
import type { TargetTables } from "../lake/target.ts";
import type { Router } from "../routing/router.ts";
import type { RowRemoval } from "../routing/row_removal.ts";
import type { Store } from "../storage/store.ts";
import { commitBatch, type CommitContext } from "./commit_batch.ts";
import { replacedIn } from "./replaced_in.ts";

/**
 * Commits a routed batch; of a replay with the removal of the letters that it comes from, of a
 * reingest with that of the rows that its files had, and with upserts of the rows that it takes the
 * place of.
 */
export async function commitRouted(
  context: CommitContext,
  tables: TargetTables,
  routed: RoutedBatch,
  { router, sink, plan }: { router: Router; sink: Store; plan: BatchPlan },
): Promise<TargetTables> {
  const roles = rolesLosingRows(routed);
  if (roles.length === 0) {
    return await commitBatch({ ...context, replacedIn: replacedIn(router, plan, routed) }, tables, routed);
  }
  if (router.removal === undefined) {
    throw new StreamlabError("internal", `Cannot commit batch ${routed.batchId}: its router removes no rows`);
  }
  const removals: Partial<Record<TableRole, RowRemoval>> = {};
  try {
    for (const role of roles) removals[role] = await router.removal(routed, sink);
    const committed = await commitBatch({ ...context, removals }, tables, routed);
    for (const removal of Object.values(removals)) await removal.settle();
    return committed;
  } finally {
    for (const removal of Object.values(removals)) removal.close();
  }
}

/** Those of which rows of earlier batches go. */
function rolesLosingRows({ replayed, reingested }: RoutedBatch): TableRole[] {
  if (replayed !== undefined) return ["deadLetters"];
  return reingested === undefined || reingested.length === 0 ? [] : ["events", "deadLetters"];
}
