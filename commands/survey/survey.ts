import * as z from "zod";
import { temporaryFolder } from "../../core/disk/ownership.ts";
import { parseLocation } from "../../core/storage/location.ts";
import { type Context, defineCommand, type ExitStatus } from "../line/command.ts";
import { openLake } from "../open_lake.ts";
import { readTask } from "../task_input.ts";

/** Like `route`, before it: finds where a large file can be cut. Not in the help. */
export const survey = defineCommand({
  name: "survey",
  summary: "Find where a large file can be cut, for another streamlab that has planned it",
  description: "Reads a survey task on standard input, goes through its file once, and prints the pieces.",
  examples: [{ doc: "look through a file", line: "streamlab survey < task.json > pieces.json" }],
  flags: z.object({}),
  run,
});

async function run(context: Context): Promise<ExitStatus> {
  const [{ recordText }, { SURVEY_TASK_FORMAT }, { surveyFile }, { RoutingEngine }, { RawCopies }, disk, scratch] =
    await Promise.all([
      import("../../core/lake/durable_record.ts"),
      import("../../core/lake/file_survey.ts"),
      import("../../core/routing/survey_file.ts"),
      import("../../core/routing/routing_engine.ts"),
      import("../../core/routing/raw_copies.ts"),
      import("../../core/disk/temporary_folder.ts"),
      import("../../core/disk/scratch.ts"),
    ]);
  const task = await readTask(context, SURVEY_TASK_FORMAT);
  const store = await openLake(context, parseLocation(task.rawRoot));
  const folder = await disk.takeTemporaryFolder(temporaryFolder(context.env), "survey", context);
  const engine = new RoutingEngine({ ...task.limits, spillFolder: `${folder.path}/spill` });
  const copies = new RawCopies(store, `${folder.path}/raw`);
  try {
    const tools = { engine, store, copies, scratch: scratch.Scratch.create(`${folder.path}/scratch`) };
    await context.stdout.write(recordText(await surveyFile(task, tools)));
    return 0;
  } finally {
    copies.close();
    engine.close();
    folder.release();
  }
}
