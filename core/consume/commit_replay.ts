import { StreamlabError } from "../base/errors.ts";
import type { BatchPlan } from "../lake/batch_plan.ts";
import type { RoutedBatch } from "../lake/routed_batch.ts";
import type { TargetTables } from "../lake/target.ts";
import type { Router } from "../routing/router.ts";
import type { Store } from "../storage/store.ts";
import { commitBatch, type CommitContext } from "./commit_batch.ts";
import { replacedIn } from "./replaced_in.ts";

/**
 * Commits a routed batch; of a replay, with the removal of the letters that it comes from, and with
 * upserts of the rows that it takes the place of.
 */
export async function commitRouted(
  context: CommitContext,
  tables: TargetTables,
  routed: RoutedBatch,
  { router, sink, plan }: { router: Router; sink: Store; plan: BatchPlan },
): Promise<TargetTables> {
  const batch = { ...context, replacedIn: replacedIn(router, plan, routed) };
  if (routed.replayed === undefined) return await commitBatch(batch, tables, routed);
  if (router.removal === undefined) {
    throw new StreamlabError("internal", `Cannot commit batch ${routed.batchId}: its router removes no dead letters`);
  }
  const removal = await router.removal(routed, sink);
  try {
    const committed = await commitBatch({ ...context, removal }, tables, routed);
    await removal.settle();
    return committed;
  } finally {
    removal.close();
  }
}
