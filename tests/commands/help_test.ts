import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { runProgram } from "../../commands/line/program.ts";
import { commands } from "../../main.ts";
import { testWorld } from "../support/test_world.ts";

async function helpOf(args: string[], columns?: number): Promise<string> {
  const world = testWorld({ commands, terminal: columns !== undefined });
  const terminalSize = () => ({ columns: columns ?? 80, rows: 24 });
  strictEqual(await runProgram(args, { ...world, terminalSize }), 0);
  return world.stdoutText();
}

/** An example is for copying, and stays in one line. */
function withoutExamples(help: string): string {
  return help.replace(/\nEXAMPLES\n.*?\n\n/s, "\n");
}

Deno.test("on a terminal help has lines that fit it, and says the same", async () => {
  const wordsOf = (text: string) => text.split(/\s+/);
  const asked = [["--help"], ...commands.flatMap(({ name }) => [[name, "--help"], ["help", name]])];
  for (const args of asked) {
    const wide = await helpOf(args);
    for (const columns of [80, 120]) {
      const shown = await helpOf(args, columns);
      deepStrictEqual(wordsOf(shown), wordsOf(wide), args.join(" "));
      const width = Math.min(100, columns);
      deepStrictEqual(withoutExamples(shown).split("\n").filter((line) => line.length > width), [], args.join(" "));
    }
  }
});
