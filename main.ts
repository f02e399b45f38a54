/** argv → one command → its exit status. The only place that exits. */
import { completions } from "./commands/line/completions.ts";
import type { Command } from "./commands/line/command.ts";
import { consume } from "./commands/consume/consume.ts";
import { help } from "./commands/line/help.ts";
import { maintain } from "./commands/maintain/maintain.ts";
import { produce } from "./commands/produce/produce.ts";
import { query } from "./commands/query/query.ts";
import { route } from "./commands/route/route.ts";
import { runProgram } from "./commands/line/program.ts";
import { serve } from "./commands/serve/serve.ts";
import { systemWorld } from "./commands/line/system_world.ts";
import { isHarmlessStray } from "./core/base/stray_rejection.ts";

export const commands: readonly Command[] = [produce, consume, query, maintain, serve, help, completions];
/** For programs: in no help and no completion. */
const hiddenCommands: readonly Command[] = [route];

if (import.meta.main) {
  const stop = new AbortController();
  // The first Ctrl-C lets the command finish what is under way; the second ends the process where
  // it stands: both are safe.
  const interrupt = (signal: Deno.Signal) =>
    stop.signal.aborted ? Deno.exit(130) : stop.abort(new DOMException(signal, "AbortError"));
  // Windows knows no SIGTERM.
  for (const signal of Deno.build.os === "windows" ? ["SIGINT"] as const : ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(signal, () => interrupt(signal));
  }
  const stray = new Promise<never>((_resolve, reject) => {
    const fail = (event: Event, error: unknown) => (event.preventDefault(), reject(error));
    addEventListener("unhandledrejection", (event) => {
      if (isHarmlessStray(event.reason)) event.preventDefault();
      else fail(event, event.reason);
    });
    addEventListener("error", (event) => fail(event, event.error));
  });
  Deno.exit(await runProgram(Deno.args, systemWorld(commands, stop.signal), hiddenCommands, stray));
}
