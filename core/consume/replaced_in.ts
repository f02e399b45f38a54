import { StreamlabError } from "../base/errors.ts";
import { parseContract } from "../contract/json_schema.ts";
import type { BatchPlan } from "../lake/batch_plan.ts";
import type { RoutedBatch } from "../lake/routed_batch.ts";
import type { Router } from "../routing/router.ts";
import type { CommitContext } from "./commit_batch.ts";

/** Finds what a batch takes the place of; undefined where it is not upserted. */
export function replacedIn(router: Router, plan: BatchPlan, routed: RoutedBatch): CommitContext["replacedIn"] {
  const { upsert: rule } = plan.options;
  if (rule === undefined) return undefined;
  if (router.replacedBy === undefined) {
    throw new StreamlabError(
      "usage",
      `Cannot commit batch ${plan.batchId} of ${plan.table} here: this engine does not find the rows that it replaces`,
      { hint: "It was planned with --upsert-by: finish it with --engine embedded" },
    );
  }
  const { fields } = parseContract(plan.contract);
  const kindOf = (column: string) => fields.find(({ name }) => name === column)?.type.kind;
  return (events) => router.replacedBy!({ rule, kindOf }, events, routed);
}
