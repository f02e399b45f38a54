import { counted } from "../../base/counted.ts";
import { StreamlabError } from "../../base/errors.ts";
import type { Random } from "../../base/random.ts";
import type { LoadedTable } from "../../iceberg/catalog/catalog.ts";
import type { DataFile } from "../../iceberg/format/data_file.ts";
import { currentSchema } from "../../iceberg/format/table_metadata.ts";
import type { ScanFile } from "../../iceberg/scan/scan.ts";
import { newAttempt } from "../../lake/data_file_name.ts";
import {
  REWRITE_RESULT_FORMAT,
  REWRITE_TASK_FORMAT,
  type RewriteResult,
  type RewriteTask,
} from "../../lake/rewrite_task.ts";
import { writtenFileOf } from "../../lake/routed_data_file.ts";
import type { ClusterTasks, TaskKind } from "../../routing/task_cluster.ts";
import { tasksAtOnce, unlessStopped } from "../../routing/tasks_at_once.ts";
import type { GroupsAtOnce } from "./compact.ts";
import type { RewriteGroup } from "./compaction_plan.ts";
import { groupTask, summaryOfTask } from "./group_task.ts";
import { checkCount, checkSame, checkWritable, describeRewritten } from "./rewritten_rows.ts";
import { folderOfGroup, type GroupRewriter, type Rewriting } from "./rewriting.ts";
import { rowOrderOf } from "./row_order.ts";

const REWRITE: TaskKind<RewriteTask, RewriteResult> = {
  command: "rewrite",
  action: "rewrite files",
  lostHint: "Groups that were committed stay: run maintain again, with this engine or the embedded one",
  task: REWRITE_TASK_FORMAT,
  result: REWRITE_RESULT_FORMAT,
};

/** Groups begin while there is room for their tasks; what they take, they take elsewhere. */
export async function groupsOnCluster({ cluster }: Pick<ClusterTasks, "cluster">): Promise<GroupsAtOnce> {
  return { groupsMax: await tasksAtOnce(cluster), memoryBytes: Infinity, peakBytes: () => 0 };
}

/**
 * Each group is a task of its own on a cluster, so that it is committed when it is done. Which
 * delete files a group needs is found out in this process.
 */
export class ClusterRewriting implements Rewriting {
  readonly #here: Rewriting;
  readonly #options: ClusterRewritingOptions;

  constructor(here: Rewriting, options: ClusterRewritingOptions) {
    this.#here = here;
    this.#options = options;
  }

  resolveDeletes(table: LoadedTable, files: readonly ScanFile[]): Promise<ScanFile[]> {
    return this.#here.resolveDeletes(table, files);
  }

  rewriterOf(table: LoadedTable): GroupRewriter {
    checkWritable(currentSchema(table.metadata));
    return new ClusterGroupRewriter(table, this.#options);
  }

  async close(): Promise<void> {
    await this.#here.close();
  }
}

export interface ClusterRewritingOptions extends Pick<ClusterTasks, "cluster" | "limits"> {
  sortBy: readonly string[];
  random: Random;
  /** Waits no longer for a task: what it still writes is an orphan. */
  stops: AbortSignal;
}

class ClusterGroupRewriter implements GroupRewriter {
  readonly #table: LoadedTable;
  readonly #options: ClusterRewritingOptions;

  constructor(table: LoadedTable, options: ClusterRewritingOptions) {
    this.#table = table;
    this.#options = options;
  }

  folderOf(group: RewriteGroup): string {
    return folderOfGroup(this.#table.metadata, group);
  }

  /** Tasks fetch their files themselves. */
  prefetch(): void {}

  settle(): Promise<void> {
    return Promise.resolve();
  }

  async rewrite(group: RewriteGroup, stem: string): Promise<DataFile[]> {
    const { cluster, limits, sortBy, random, stops } = this.#options;
    const task = groupTask(this.#table, group, { stem, attempt: newAttempt(random), limits, sortBy });
    const [result] = await unlessStopped(cluster.run(REWRITE, [task]), stops, "the rewrite") as [RewriteResult];
    const before = summaryOfTask(result.before), after = summaryOfTask(result.after);
    checkCount(group, before.rows);
    checkSame(group, { before, after });
    checkFiles(stem, after.rows, result);
    const files = result.files.map((file) => ({ path: file.path, written: writtenFileOf(file) }));
    return describeRewritten(this.#table, group, files, rowOrderOf(this.#table, sortBy));
  }
}

/** What a task says of its files must be of this group, and of all of its rows. */
function checkFiles(stem: string, rows: number, { stem: told, files }: RewriteResult): void {
  const found = files.reduce((sum, { records }) => sum + BigInt(records), 0n);
  if (told === stem && found === BigInt(rows)) return;
  throw new StreamlabError(
    "internal",
    `Cannot take the result of a task: it has ${counted(found, "row")} of ${told}, and must have ${rows} of ${stem}`,
  );
}
