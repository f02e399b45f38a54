import type { RecordFormat } from "../lake/durable_record.ts";
import { SURVEY_RESULT_FORMAT, SURVEY_TASK_FORMAT, type SurveyResult, type SurveyTask } from "../lake/file_survey.ts";
import { RESULT_FORMAT, type RoutingResult, type RoutingTask, TASK_FORMAT } from "../lake/routing_task.ts";

/** How far the tasks are. */
export interface TaskProgress {
  done: number;
  /** That run now. */
  active: number;
}

/** Tasks of one kind: the program's command that runs them, what it reads, and what it prints. */
export interface TaskKind<T extends { format: number }, R extends { format: number }> {
  command: string;
  /** In messages: `route`, as in "Cannot route on Spark". */
  action: string;
  /** What to do when the cluster is gone. */
  lostHint: string;
  task: RecordFormat<T>;
  result: RecordFormat<R>;
}

const BATCH_HINT = "The batch stays planned: run consume again, with this engine or the embedded one";

export const ROUTING: TaskKind<RoutingTask, RoutingResult> = {
  command: "route",
  action: "route",
  lostHint: BATCH_HINT,
  task: TASK_FORMAT,
  result: RESULT_FORMAT,
};

export const SURVEY: TaskKind<SurveyTask, SurveyResult> = {
  command: "survey",
  action: "route",
  lostHint: BATCH_HINT,
  task: SURVEY_TASK_FORMAT,
  result: SURVEY_RESULT_FORMAT,
};

/** Runs tasks elsewhere, each at least once, and hands over what one run of each has made. */
export interface TaskCluster {
  /** How many it runs at once, as far as that is known. */
  slots(): Promise<number>;
  /** Results in the order of the tasks. A try that fails or is late leaves files without a name. */
  run<T extends { format: number }, R extends { format: number }>(
    kind: TaskKind<T, R>,
    tasks: readonly T[],
    onProgress?: (progress: TaskProgress) => void,
  ): Promise<R[]>;
}

/** What a batch's tasks may take where they run. */
export interface ClusterTasks {
  cluster: TaskCluster;
  /** Of each task. */
  limits: RoutingTask["limits"];
  /** Of raw files in a task, about. */
  bytesPerTask: number;
}
