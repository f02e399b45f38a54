/** argv → one command → its exit status. The only place that exits. */
import type { ListedCommand } from "./commands/line/command.ts";
import { runProgram } from "./commands/line/program.ts";
import { systemWorld } from "./commands/line/system_world.ts";
import { isHarmlessStray } from "./core/base/stray_rejection.ts";

export const commands: readonly ListedCommand[] = [
  { name: "produce", load: async () => (await import("./commands/produce/produce.ts")).produce },
  { name: "consume", load: async () => (await import("./commands/consume/consume.ts")).consume },
  { name: "query", load: async () => (await import("./commands/query/query.ts")).query },
  { name: "maintain", load: async () => (await import("./commands/maintain/maintain.ts")).maintain },
  { name: "serve", load: async () => (await import("./commands/serve/serve.ts")).serve },
  { name: "help", load: async () => (await import("./commands/line/help.ts")).help },
  { name: "completions", load: async () => (await import("./commands/line/completions.ts")).completions },
];
/** For programs: in no help and no completion. */
const hiddenCommands: readonly ListedCommand[] = [
  { name: "route", load: async () => (await import("./commands/route/route.ts")).route },
  { name: "rewrite", load: async () => (await import("./commands/rewrite/rewrite.ts")).rewrite },
  { name: "judge", load: async () => (await import("./commands/judge/judge.ts")).judge },
  { name: "survey", load: async () => (await import("./commands/survey/survey.ts")).survey },
];

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
