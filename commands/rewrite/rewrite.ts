import * as z from "zod";
import { temporaryFolder } from "../../core/disk/ownership.ts";
import { parseLocation } from "../../core/storage/location.ts";
import { type Context, defineCommand, type ExitStatus } from "../line/command.ts";
import { openLake } from "../open_lake.ts";
import { readTask } from "../task_input.ts";

/** As `route`, for `maintain --compact`. Not in the help: people have no task at hand. */
export const rewrite = defineCommand({
  name: "rewrite",
  summary: "Rewrite one group of a compaction that another streamlab has planned",
  description: "Reads a rewrite task on standard input, makes its data files, and prints the result.",
  examples: [{ doc: "rewrite a group", line: "streamlab rewrite < task.json > result.json" }],
  flags: z.object({}),
  run,
});

async function run(context: Context): Promise<ExitStatus> {
  const [{ recordText }, { REWRITE_TASK_FORMAT }, { runRewriteTask }, { shareMemory }, { DuckDb }, disk, { Scratch }] =
    await Promise.all([
      import("../../core/lake/durable_record.ts"),
      import("../../core/lake/rewrite_task.ts"),
      import("../../core/maintain/compaction/run_rewrite_task.ts"),
      import("../../core/routing/memory_shares.ts"),
      import("../../core/engine/duckdb.ts"),
      import("../../core/disk/temporary_folder.ts"),
      import("../../core/disk/scratch.ts"),
    ]);
  const task = await readTask(context, REWRITE_TASK_FORMAT);
  const store = await openLake(context, parseLocation(task.root));
  const folder = await disk.takeTemporaryFolder(temporaryFolder(context.env), "rewrite", context);
  try {
    const scratch = Scratch.create(folder.path);
    const { threads, memory } = task.limits;
    const { database: databaseMemory } = shareMemory(memory, threads);
    const database = await DuckDb.open({ threads, memory: databaseMemory, tempDirectory: scratch.path("spill") });
    try {
      const result = await runRewriteTask(task, { store, database, scratch, random: context.random });
      await context.stdout.write(recordText(result));
    } finally {
      database.close();
    }
    return 0;
  } finally {
    folder.release();
  }
}
