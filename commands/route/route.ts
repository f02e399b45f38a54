import * as z from "zod";
import { Meter } from "../../core/base/meter.ts";
import { temporaryFolder } from "../../core/disk/ownership.ts";
import { parseLocation } from "../../core/storage/location.ts";
import { type Context, defineCommand, type ExitStatus } from "../line/command.ts";
import { openLake } from "../open_lake.ts";
import { readTask } from "../task_input.ts";

/**
 * Routes a share of a batch for another program, which has planned it and will commit it. Not in
 * the help: people have no task at hand.
 */
export const route = defineCommand({
  name: "route",
  summary: "Route one share of a batch that another streamlab has planned",
  description: "Reads a routing task on standard input, makes its data files, and prints the result.",
  examples: [{ doc: "route a task", line: "streamlab route < task.json > result.json" }],
  flags: z.object({}),
  run,
});

async function run(context: Context): Promise<ExitStatus> {
  const [{ recordText }, { TASK_FORMAT }, { runTask }, { RoutingEngine }, { RawCopies }, { takeTemporaryFolder }] =
    await Promise.all([
      import("../../core/lake/durable_record.ts"),
      import("../../core/lake/routing_task.ts"),
      import("../../core/routing/run_task.ts"),
      import("../../core/routing/routing_engine.ts"),
      import("../../core/routing/raw_copies.ts"),
      import("../../core/disk/temporary_folder.ts"),
    ]);
  const task = await readTask(context, TASK_FORMAT);
  const open = (root: string) => openLake(context, parseLocation(root));
  const raw = await open(task.rawRoot);
  const events = await open(task.events.root);
  const deadLetters = task.deadLetters.root === task.events.root ? events : await open(task.deadLetters.root);
  const folder = await takeTemporaryFolder(temporaryFolder(context.env), "route", context);
  const engine = new RoutingEngine({ ...task.limits, spillFolder: `${folder.path}/spill` });
  const copies = new RawCopies(raw, `${folder.path}/raw`);
  try {
    const stores = { raw, events, deadLetters };
    const scratchFolder = `${folder.path}/scratch`;
    const result = await runTask(task, { engine, stores, copies, scratchFolder, meter: new Meter(context.clock) });
    await context.stdout.write(recordText(result));
    return 0;
  } finally {
    copies.close();
    engine.close();
    folder.release();
  }
}
