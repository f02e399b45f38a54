/** What a batch shows in a real terminal while it is under way, and what Ctrl-C does then. */
// deno-lint-ignore-file no-control-regex -- what redraws a line is what this is about
import { deepStrictEqual, match, ok } from "node:assert/strict";
import { inFolder, programLine, succeed } from "../e2e/program.ts";
import { runInTerminal, terminalTest } from "../support/pseudo_terminal.ts";
import { TerminalScreen } from "../support/terminal_screen.ts";

async function withRawFiles(action: (folder: string) => Promise<void>): Promise<void> {
  await inFolder(async (folder) => {
    await succeed(folder, ["produce", "--batches", "20", "--batch-size", "1000", "--interval", "0", "--seed", "7"]);
    await action(folder);
  });
}

terminalTest(
  "the progress of a batch stays on one line of a narrow terminal, and goes when it is done",
  () =>
    withRawFiles(async (folder) => {
      const columns = 40;
      const sent = await runInTerminal(folder, `${programLine} consume --once`, [], { columns });
      const drawn = [...sent.matchAll(/\r\x1b\[K(Ingesting[^\r]*)/g)].map(([, line]) => line!);
      ok(drawn.length > 0, sent);
      deepStrictEqual(drawn.filter((line) => line.length >= columns), []);
      ok(!TerminalScreen.textOf(sent, columns).includes("Ingesting"));
    }),
);

terminalTest(
  "Ctrl-C in a batch says that it is finished first, and the batch is whole",
  () =>
    withRawFiles(async (folder) => {
      const sent = await runInTerminal(folder, `trap : INT; ${programLine} consume; echo "status $?"`, [
        { after: "Ingesting batch 1", keys: "\x03" },
      ]);
      match(sent, /Ctrl-C again stops now[^]*batch 1: 20 files [^]*status 130\r\n/);
    }),
);
