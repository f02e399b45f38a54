/** What a batch shows in a narrow terminal while it is under way. */
// deno-lint-ignore-file no-control-regex -- what redraws a line is what this is about
import { deepStrictEqual, ok } from "node:assert/strict";
import { inFolder, programLine, succeed } from "../e2e/program.ts";
import { runInTerminal, terminalTest } from "../support/pseudo_terminal.ts";
import { TerminalScreen } from "../support/terminal_screen.ts";

terminalTest(
  "the progress of a batch stays on one line of a narrow terminal, and goes when it is done",
  () =>
    inFolder(async (folder) => {
      await succeed(folder, ["produce", "--batches", "20", "--batch-size", "1000", "--interval", "0", "--seed", "7"]);
      const columns = 40;
      const sent = await runInTerminal(folder, `${programLine} consume --once`, [], { columns });
      const drawn = [...sent.matchAll(/\r\x1b\[K(Ingesting[^\r]*)/g)].map(([, line]) => line!);
      ok(drawn.length > 0, sent);
      deepStrictEqual(drawn.filter((line) => line.length >= columns), []);
      ok(!TerminalScreen.textOf(sent, columns).includes("Ingesting"));
    }),
);
