import type { Random } from "../../base/random.ts";
import type { Scratch } from "../../disk/scratch.ts";
import { ConnectionPool } from "../../engine/connection_pool.ts";
import type { DuckDb } from "../../engine/duckdb.ts";
import { SqlError } from "../../engine/sql_error.ts";
import { triedFileName } from "../../lake/data_file_name.ts";
import type { RewriteResult, RewriteTask } from "../../lake/rewrite_task.ts";
import { routedDataFile } from "../../lake/routed_data_file.ts";
import type { Store } from "../../storage/store.ts";
import { LocalFiles } from "../../tables/read/local_files.ts";
import { groupOfTask, tableOfTask, taskSummary } from "./group_task.ts";
import { SqlGroupRewriter } from "./rewrite_group.ts";
import { rowOrderOf } from "./row_order.ts";
import { SoundFiles } from "./sound_files.ts";

export interface RewriteTools {
  /** The one that the task names the root of. */
  store: Store;
  database: DuckDb;
  scratch: Scratch;
  random: Random;
}

/**
 * Makes the new files of a group, durably, under names that no other try of the task has. Fails
 * with `not-found` where a file is gone: another program may have replaced it.
 */
export async function runRewriteTask(
  task: RewriteTask,
  { store, database, scratch, random }: RewriteTools,
): Promise<RewriteResult> {
  const table = tableOfTask(task, store, random), group = groupOfTask(task);
  const connection = await database.connect();
  const local = new LocalFiles(table.io, scratch);
  const rewriter = new SqlGroupRewriter({
    table,
    connections: new ConnectionPool(connection, () => database.connect()),
    scratch,
    files: new SoundFiles(local),
    order: rowOrderOf(table, task.sortBy),
  });
  const { stem, attempt } = task;
  try {
    const nameOf = (number: number) => triedFileName(stem, attempt, number);
    const { placed, before, after } = await rewriter.rewriteRows(group, nameOf);
    const files = placed.map(routedDataFile);
    return { format: 1, stem, attempt, files, before: taskSummary(before), after: taskSummary(after) };
  } catch (error) {
    const files = group.files.flatMap(({ dataFile, deletes }) => [dataFile, ...deletes]);
    const why = await local.whyUnread(error, files);
    throw why instanceof SqlError ? why.during(`Cannot rewrite files of ${task.table}`) : why;
  } finally {
    connection.close();
  }
}
