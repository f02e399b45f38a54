/** A cluster for audits, whose tasks the program's own command runs in this process. */
import { strictEqual } from "node:assert/strict";
import { judge } from "../../commands/judge/judge.ts";
import { audit } from "../../commands/maintain/actions/audit.ts";
import type { Job } from "../../commands/maintain/action.ts";
import { systemClock } from "../../core/base/clock.ts";
import { systemRandom } from "../../core/base/random.ts";
import { FileCatalog } from "../../core/iceberg/catalog/file_catalog.ts";
import type { JudgeResult, JudgeTask } from "../../core/lake/judge_task.ts";
import type { ClusterTasks } from "../../core/routing/task_cluster.ts";
import { openLocalStore } from "../../core/storage/local/local_store.ts";
import { answeredBy } from "../e2e/answered_task.ts";
import { TASK_LIMITS, Tasks } from "../e2e/task_processes.ts";
import { scratchFolder } from "../support/scratch_folder.ts";
import { testWorld } from "../support/test_world.ts";

export async function judgeHere(task: JudgeTask): Promise<JudgeResult> {
  return JSON.parse(await answeredBy(judge, JSON.stringify(task))) as JudgeResult;
}

/** Each file is a task, unless said. `answer`: what is done with a task instead. */
export function judgingCluster(answer: typeof judgeHere = judgeHere, bytesPerTask = 1): ClusterTasks {
  const run = async (command: string, text: string) => {
    strictEqual(command, "judge");
    return JSON.stringify(await answer(JSON.parse(text) as JudgeTask));
  };
  return { cluster: new Tasks(2, run), limits: TASK_LIMITS, bytesPerTask };
}

interface Audited {
  isRight: boolean;
  /** What `--json` prints, but for the times. */
  printed: Record<string, unknown>[];
}

/** `maintain --audit` of a lake, by tasks or in this process. */
export async function auditBy(
  tasks: ClusterTasks | undefined,
  lake: string,
  signal: AbortSignal = new AbortController().signal,
): Promise<Audited> {
  const world = { ...testWorld({ commands: [], signal }), clock: systemClock, random: systemRandom };
  const store = openLocalStore(lake, { random: systemRandom, durable: false });
  const surroundings = { store, clock: systemClock, random: systemRandom };
  const job: Job = {
    context: { ...world, json: true, jsonMessages: true, debug: false },
    surroundings: { ...surroundings, catalog: new FileCatalog(surroundings) },
    identifiers: [],
    flags: { table: undefined, dryRun: false, threads: 1, memory: 500e6 },
    machine: { threads: 1, memory: "500MB", temporaryFolder: scratchFolder() },
    tasks,
  };
  const isRight = audit.kind === "lake" && await audit.run(job);
  const lines = world.stdoutText().split("\n").filter((line) => line !== "");
  return { isRight, printed: lines.map((line) => ({ ...JSON.parse(line), time: undefined })) };
}
