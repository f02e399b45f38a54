import type { BatchPlan } from "../lake/batch_plan.ts";
import { eventFileKind } from "../lake/event_file.ts";
import { rangesOf, type SurveyTask } from "../lake/file_survey.ts";
import type { FileCuts, RoutingTask } from "../lake/routing_task.ts";
import type { Store } from "../storage/store.ts";
import { type ClusterTasks, SURVEY, type TaskCluster } from "./task_cluster.ts";

/** Of the bytes of a task of this batch: a file that is not much larger is not worth a cut. */
const TASKS_MIN = 2;
/** Nor is one that takes only so much of a slot's share of the batch: nobody waits for it. */
const SLOT_SHARE_MAX = 1 / 4;

/** How a batch is to be dealt out. */
export interface Dealing {
  /** Of all files. */
  bytes: number;
  /** Of the cluster. */
  slots: number;
  /** Tasks. */
  wanted: number;
}

/** Cuts the large files of a batch, so that no task has to read one alone while others wait. */
export class FileCutter {
  readonly #cluster: TaskCluster;
  readonly #raw: Store;
  readonly #limits: RoutingTask["limits"];
  readonly #bytesPerTask: number;

  constructor({ cluster, raw, limits, bytesPerTask }: ClusterTasks & { raw: Store }) {
    this.#cluster = cluster;
    this.#raw = raw;
    this.#limits = limits;
    this.#bytesPerTask = bytesPerTask;
  }

  /** The ranges of each that can be cut, found by tasks. */
  async cut(plan: BatchPlan, dealing: Dealing): Promise<FileCuts> {
    const numbers = [...plan.files.keys()].filter((number) => this.#isWorthACut(plan, number, dealing));
    if (numbers.length === 0) return new Map();
    const surveys = await this.#cluster.run(SURVEY, numbers.map((number) => this.#taskOf(plan, number)));
    const ranges = surveys.map(({ pieces }) => rangesOf(pieces, dealing.bytes / dealing.wanted));
    return new Map(numbers.map((number, at) => [number, ranges[at]!] as const).filter(([, { length }]) => length > 1));
  }

  #taskOf({ options, files }: BatchPlan, number: number): SurveyTask {
    return { format: 1, rawRoot: this.#raw.root, options, file: files[number]!, limits: this.#limits };
  }

  /** It costs a pass through the file. */
  #isWorthACut({ files, options }: BatchPlan, number: number, { bytes, slots, wanted }: Dealing): boolean {
    const { path, size } = files[number]!;
    const sizeMin = Math.max(this.#bytesPerTask, TASKS_MIN * bytes / wanted, SLOT_SHARE_MAX * bytes / slots);
    // Records that get members from their path are read one by one.
    if (size < sizeMin || options.pathColumns !== undefined) return false;
    const kind = eventFileKind(path, options.format);
    // What is packed has no places to begin at, and rows of Parquet files are DuckDB's.
    return kind !== undefined && kind.compression === "none" && kind.format !== "parquet";
  }
}
