/** A task as Spark's driver has it run: what the program refuses is an error of its kind. */
import { systemClock } from "../../core/base/clock.ts";
import { type ErrorKind, StreamlabError } from "../../core/base/errors.ts";
import { systemRandom } from "../../core/base/random.ts";
import type { Command } from "../../commands/line/command.ts";
import { runProgram } from "../../commands/line/program.ts";
import { testWorld } from "../support/test_world.ts";

/** In this process, which takes a fraction of the time. */
export async function answeredBy(command: Command, stdin: string): Promise<string> {
  const own = { clock: systemClock, random: systemRandom };
  const world = { ...testWorld({ commands: [command], cwd: "/", stdin }), ...own };
  if (await runProgram([command.name, "--json"], world) === 0) return world.stdoutText();
  const said = world.stderrText().trimEnd().split("\n").map((line) => JSON.parse(line) as Record<string, unknown>);
  const { kind, message } = said.find(({ action }) => action === "error")!;
  throw new StreamlabError(kind as ErrorKind, message as string);
}
