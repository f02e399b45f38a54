import { maintain } from "../../commands/maintain/maintain.ts";
import { runProgram } from "../../commands/line/program.ts";
import { systemClock } from "../../core/base/clock.ts";
import type { ConsumeWorld } from "../consume/consume_world.ts";
import { testWorld } from "../support/test_world.ts";

/** What `maintain --audit` says of a lake. */
export async function audit(world: ConsumeWorld, ...args: string[]): Promise<{ status: number; text: string }> {
  const program = { ...testWorld({ commands: [maintain] }), clock: systemClock };
  const status = await runProgram(
    ["maintain", "--audit", "--source", world.folder, "--threads", "1", ...args],
    program,
  );
  return { status, text: program.stdoutText() + program.stderrText() };
}
