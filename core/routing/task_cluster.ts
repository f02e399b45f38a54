import type { RoutingResult, RoutingTask } from "../lake/routing_task.ts";

/** How far the tasks are. */
export interface TaskProgress {
  done: number;
  /** That run now. */
  active: number;
}

/** Runs tasks elsewhere, each at least once, and hands over what one run of each has made. */
export interface TaskCluster {
  /** How many it runs at once, as far as that is known. */
  slots(): Promise<number>;
  /** Results in the order of the tasks. A try that fails or is late leaves files without a name. */
  run(tasks: readonly RoutingTask[], onProgress: (progress: TaskProgress) => void): Promise<RoutingResult[]>;
}
