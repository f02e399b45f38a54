import denoJson from "../../../deno.json" with { type: "json" };
import { ifFound, StreamlabError } from "../../base/errors.ts";
import {
  JUDGE_RESULT_FORMAT,
  JUDGE_TASK_FORMAT,
  type JudgeResult,
  type JudgeTask,
  type WantedRows,
} from "../../lake/judge_task.ts";
import type { ClusterTasks, TaskKind } from "../../routing/task_cluster.ts";
import { tasksAtOnce, unlessStopped } from "../../routing/tasks_at_once.ts";
import type { Store } from "../../storage/store.ts";
import { type Judging, type JudgingPace, PORTION_FILES_MAX } from "./judging.ts";
import { halvesOf, type Portion } from "./portion.ts";
import type { WantedPlaces } from "./wanted_places.ts";

const JUDGING: TaskKind<JudgeTask, JudgeResult> = {
  command: "judge",
  action: "judge files",
  lostHint: "Nothing was changed: run the audit again, with this engine or the embedded one",
  task: JUDGE_TASK_FORMAT,
  result: JUDGE_RESULT_FORMAT,
};

/** Each portion is a task of its own on a cluster: its answer goes to disk when it is there. */
export class ClusterJudging implements Judging {
  readonly #tasks: ClusterTasks;
  readonly #openStore: (root: string) => Promise<Store>;

  /** `openStore`: that of the raw files with that root, as this process sees it. */
  constructor(tasks: ClusterTasks, openStore: (root: string) => Promise<Store>) {
    this.#tasks = tasks;
    this.#openStore = openStore;
  }

  /** Tasks are smaller where slots would be idle, down to what is worth one. */
  async pace(bytes: number): Promise<JudgingPace> {
    const { cluster, bytesPerTask } = this.#tasks;
    const share = Math.max(bytes / await cluster.slots(), bytesPerTask / 8);
    return { files: PORTION_FILES_MAX, bytes: Math.min(bytesPerTask, share), atOnce: await tasksAtOnce(cluster) };
  }

  async judge(portion: Portion, wanted: WantedPlaces, signal: AbortSignal): Promise<string[]> {
    const result = await this.#run(portion, wanted.rows, signal);
    if (result.isTooLarge) {
      checkHasSeveral(portion);
      const missing: string[] = [];
      for (const half of halvesOf(portion)) missing.push(...await this.judge(half, wanted, signal));
      return missing;
    }
    await this.#checkAreGone(portion, result.missing);
    for (const file of result.places) wanted.places.write(bytesOf(file));
    for (const file of result.asked) wanted.places.write(bytesOf(file), "asked");
    return result.missing;
  }

  /** Of what a task has not found: where executors do not see this machine's disk, it is here. */
  async #checkAreGone({ groups }: Portion, missing: readonly string[]): Promise<void> {
    const names = new Set(missing);
    for (const { root, files } of groups) {
      for (const { name, path, etag } of files.filter(({ name }) => names.has(name))) {
        const found = await ifFound(this.#openStore(root).then((store) => store.stat(path)));
        if (found?.etag !== etag) continue;
        throw new StreamlabError("unavailable", `Cannot judge ${name}: a task does not find it as it is here`, {
          hint: `Let the executors see ${root} under the same name, or audit with --engine embedded`,
        });
      }
    }
  }

  async #run(portion: Portion, rows: WantedRows, signal: AbortSignal): Promise<JudgeResult> {
    const { cluster, limits } = this.#tasks;
    const { number, files, groups } = portion;
    const task: JudgeTask = { format: 1, version: denoJson.version, number, files, groups, rows, limits };
    const [result] = await unlessStopped(cluster.run(JUDGING, [task]), signal, "the audit") as [JudgeResult];
    checkIsOf(portion, result);
    return result;
  }
}

function checkIsOf({ number }: Portion, result: JudgeResult): void {
  if (result.number === number) return;
  throw new StreamlabError(
    "internal",
    `Cannot take the result of a task: it is of portion ${result.number}, and must be of ${number}`,
  );
}

function checkHasSeveral({ files: [first, ...others] }: Portion): void {
  if (others.some(({ name }) => name !== first?.name)) return;
  throw new StreamlabError(
    "internal",
    `Cannot take the result of a task: it is too large, and of one file, ${first?.name}`,
  );
}

function bytesOf(base64: string): Uint8Array {
  try {
    return Uint8Array.fromBase64(base64);
  } catch (cause) {
    throw new StreamlabError("internal", "Cannot take the result of a task: it is not in base64", { cause });
  }
}
