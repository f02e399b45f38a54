/** For tasks that are calls of their own, so that each answer is taken when it is there. */
import { stopped } from "../base/errors.ts";
import { early } from "../base/parallel.ts";
import type { TaskCluster } from "./task_cluster.ts";

/** So that a slot that becomes free finds a task. */
const TASKS_PER_SLOT = 2;
/** A cluster's executors may come, and become more, after it was asked for its slots. */
const TASKS_MIN = 32;
/** Each has threads and a connection in the driver, which may open some thousand. */
const TASKS_MAX = 256;

export async function tasksAtOnce(cluster: TaskCluster): Promise<number> {
  return Math.min(TASKS_MAX, Math.max(TASKS_MIN, TASKS_PER_SLOT * await cluster.slots()));
}

/** Waits no longer once the signal is there. `what`: "the rewrite". */
export async function unlessStopped<T>(work: Promise<T>, signal: AbortSignal, what: string): Promise<T> {
  const stopping = Promise.withResolvers<never>();
  const stop = () => stopping.reject(stopped(what));
  if (signal.aborted) stop();
  signal.addEventListener("abort", stop, { once: true });
  try {
    return await Promise.race([early(work), early(stopping.promise)]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}
