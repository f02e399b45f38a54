import * as z from "zod";
import { temporaryFolder } from "../../core/disk/ownership.ts";
import { parseLocation } from "../../core/storage/location.ts";
import { type Context, defineCommand, type ExitStatus } from "../line/command.ts";
import { openLake } from "../open_lake.ts";
import { readTask } from "../task_input.ts";

/** As `route`, for `maintain --audit`. Not in the help: people have no task at hand. */
export const judge = defineCommand({
  name: "judge",
  summary: "Judge raw files again that another streamlab audits",
  description: "Reads a judging task on standard input, and prints what the tables must have of its files.",
  examples: [{ doc: "judge files", line: "streamlab judge < task.json > result.json" }],
  flags: z.object({}),
  run,
});

async function run(context: Context): Promise<ExitStatus> {
  const [{ recordText }, { JUDGE_TASK_FORMAT }, { runJudgeTask }, { takeTemporaryFolder }] = await Promise.all([
    import("../../core/lake/durable_record.ts"),
    import("../../core/lake/judge_task.ts"),
    import("../../core/maintain/audit/run_judge_task.ts"),
    import("../../core/disk/temporary_folder.ts"),
  ]);
  const task = await readTask(context, JUDGE_TASK_FORMAT);
  const openStore = (root: string) => openLake(context, parseLocation(root));
  const folder = await takeTemporaryFolder(temporaryFolder(context.env), "judge", context);
  try {
    const { clock, random } = context;
    const result = await runJudgeTask(task, { openStore, clock, random, folder: folder.path });
    await context.stdout.write(recordText(result));
    return 0;
  } finally {
    folder.release();
  }
}
