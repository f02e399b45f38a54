import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { Meter } from "../../core/base/meter.ts";
import { StreamlabError } from "../../core/base/errors.ts";
import { printNote, printResult } from "../../commands/line/output.ts";
import { runProgram } from "../../commands/line/program.ts";
import { startProgress } from "../../commands/line/progress.ts";
import type { Command } from "../../commands/line/command.ts";
import { HOSTILE_TEXT, obeyed } from "../support/hostile_text.ts";
import { messageTemplates } from "../support/message_templates.ts";
import { say } from "../support/say.ts";
import { sampleCommands } from "./sample_commands.ts";
import { type TestWorld, testWorld } from "../support/test_world.ts";
import { z } from "zod";

/** A command that does what the test wants. */
function commandThat(run: Command["run"]): Command {
  return { name: "try", summary: "", description: "", examples: [], flags: z.object({}), run };
}

/** What the program prints, on a terminal and off it, in words and as JSON. */
async function printed(run: Command["run"]): Promise<{ world: TestWorld; args: string[] }[]> {
  const found = [];
  for (const terminal of [true, false]) {
    for (const args of [["try"], ["try", "--json"], ["try", "--debug"]]) {
      const world = testWorld({ commands: [commandThat(run)], terminal });
      await runProgram(args, world);
      found.push({ world, args });
    }
  }
  return found;
}

function checkShown(text: string, place: string): void {
  deepStrictEqual(obeyed(text), [], place);
}

Deno.test("wrong usage is told as text or JSON, wherever that is asked for", async () => {
  const settings = { "/work/streamlab.json": '{"log-format":"json"}' };
  const cases: { args: string; env?: Record<string, string>; files?: Record<string, string>; isJson: boolean }[] = [
    { args: "paint --nonsense", isJson: false },
    { args: "paint --nonsense --json", isJson: true },
    { args: "paint --nonsense --json --log-format text", isJson: false },
    { args: "paint --nonsense --log-format=json", isJson: true },
    { args: "paint --nonsense", env: { STREAMLAB_LOG_FORMAT: "json" }, isJson: true },
    {
      args: "paint --nonsense",
      env: { STREAMLAB_PAINT_LOG_FORMAT: "json", STREAMLAB_LOG_FORMAT: "text" },
      isJson: true,
    },
    { args: "paint --nonsense --json", env: { STREAMLAB_LOG_FORMAT: "text" }, isJson: false },
    { args: "paint --nonsense", env: { STREAMLAB_JSON: "1" }, isJson: true },
    { args: "paint --nonsense", env: { STREAMLAB_LOG_FORMAT: "" }, isJson: false },
    { args: "nonsense", env: { STREAMLAB_LOG_FORMAT: "json" }, isJson: true },
    { args: "paint wall --layers x", files: settings, isJson: true },
    { args: "paint wall --layers x --log-format text", files: settings, isJson: false },
    { args: "paint wall --layers x", env: { STREAMLAB_LOG_FORMAT: "json" }, isJson: true },
  ];
  for (const { args, env, files, isJson } of cases) {
    const world = testWorld({ commands: sampleCommands, env: env ?? {}, files: files ?? {} });
    strictEqual(await runProgram(args.split(" "), world), 2, args);
    strictEqual(world.stderrText().startsWith('{"'), isJson, `${args}: ${world.stderrText()}`);
    if (isJson) strictEqual(JSON.parse(world.stderrText()).kind, "usage");
  }
});

Deno.test("whatever stands in a message of the program is shown, on a terminal and off it, and never obeyed", async () => {
  const templates = await messageTemplates();
  let holes = 0;
  for (const { place, pieces } of templates) {
    holes += pieces.length - 1;
    const text = pieces.join(HOSTILE_TEXT);
    const failing = await printed(() => Promise.reject(new StreamlabError("conflict", text, { hint: text })));
    const going = await printed(async (context) => {
      await printNote(context, text);
      await printResult(context, { text }, text);
      const meter = new Meter(context.clock);
      const progress = startProgress(context, text, meter);
      await context.clock.sleep(5_000);
      meter.count("files");
      await progress.end();
      return 0;
    });
    for (const { world, args } of [...failing, ...going]) {
      const shown = (world.stdoutText() + world.stderrText()).replaceAll("\r\x1b[K", "");
      checkShown(shown, place);
      if (pieces.length > 1) ok(/\\u202e/.test(shown), `${place}: ${shown}`);
      if (args.includes("--json")) {
        for (const line of world.stdoutText().split("\n").filter((line) => line !== "")) {
          strictEqual(JSON.parse(line).text, text, place);
        }
      }
    }
  }
  ok(templates.length > 200 && holes > 200, `${templates.length} messages, ${holes} holes`);
  say(`${templates.length} messages with ${holes} places that are filled in`);
});

Deno.test("errors from outside, words of the command line and stacks are shown too", async () => {
  const failing = await printed(() => Promise.reject(new Error(HOSTILE_TEXT, { cause: new Error(HOSTILE_TEXT) })));
  for (const { world } of failing) checkShown(world.stderrText(), "an error from outside");
  const lines = [[HOSTILE_TEXT], [`--${HOSTILE_TEXT}`], ["try", HOSTILE_TEXT], ["try", `--${HOSTILE_TEXT}=1`]];
  for (const args of [...lines, ["try", "--config", HOSTILE_TEXT], ["help", HOSTILE_TEXT]]) {
    const world = testWorld({ commands: [commandThat(() => Promise.resolve(0))] });
    ok(await runProgram(args, world) !== 0);
    ok(world.stderrText().length > 0);
    checkShown(world.stderrText(), args.join(" "));
  }
});

Deno.test("a result goes to a pipe as it is, and to a terminal with escapes", async () => {
  for (
    const { world } of await printed(async ({ stdout }) => {
      await stdout.write(`${HOSTILE_TEXT}\n`);
      await stdout.write(new TextEncoder().encode(`${HOSTILE_TEXT}\n`));
      return 0;
    })
  ) {
    const text = world.stdoutText();
    if (world.isTerminal.stdout) checkShown(text, "standard output");
    else strictEqual(text, `${HOSTILE_TEXT}\n${HOSTILE_TEXT}\n`);
  }
});
