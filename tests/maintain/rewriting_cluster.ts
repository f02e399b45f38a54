/** A cluster for compactions, whose tasks the program's own command runs in this process. */
import { strictEqual } from "node:assert/strict";
import { rewrite } from "../../commands/rewrite/rewrite.ts";
import type { RewriteResult, RewriteTask } from "../../core/lake/rewrite_task.ts";
import type { ClusterTasks } from "../../core/routing/task_cluster.ts";
import { answeredBy } from "../e2e/answered_task.ts";
import { TASK_LIMITS, Tasks } from "../e2e/task_processes.ts";

export async function rewriteHere(task: RewriteTask): Promise<RewriteResult> {
  return JSON.parse(await answeredBy(rewrite, JSON.stringify(task))) as RewriteResult;
}

/** `answer`: what is done with a task instead. */
export function rewritingCluster(answer: typeof rewriteHere = rewriteHere): ClusterTasks {
  const run = async (command: string, text: string) => {
    strictEqual(command, "rewrite");
    return JSON.stringify(await answer(JSON.parse(text) as RewriteTask));
  };
  return { cluster: new Tasks(2, run), limits: TASK_LIMITS, bytesPerTask: 1e6 };
}
