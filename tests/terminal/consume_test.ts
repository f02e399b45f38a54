import { match, ok } from "node:assert/strict";
import { inFolder, programLine, succeed } from "../e2e/program.ts";
import { runInTerminal, terminalTest } from "../support/pseudo_terminal.ts";

const CTRL_C = "\x03";

terminalTest(
  "on a terminal a batch shows its step, files and rate while it is under way, without time and table",
  () =>
    inFolder(async (folder) => {
      await succeed(folder, ["produce", "--batches", "30", "--batch-size", "2000", "--interval", "0"]);
      const shown = await runInTerminal(folder, `${programLine} consume --once --threads 1`);
      match(shown, /Ingesting batch 1 \(\w+\): \d+ of 30 files(, [\d,]+ records)?/);
      ok(shown.includes("\r\x1b[Kbatch 1: 30 files ") && shown.includes(" → 60,000 events"), shown);
    }),
);

terminalTest(
  "a consumer that waits says where, that nothing lags and since when, and Ctrl-C ends it",
  () =>
    inFolder(async (folder) => {
      await succeed(folder, ["produce", "--batches", "1", "--interval", "0"]);
      const shown = await runInTerminal(folder, `trap : INT; ${programLine} consume; echo "status $?"`, [
        { after: "Nothing waits (lag 0s) for ", keys: CTRL_C },
      ]);
      match(shown, /Watching \S+\/lake\/raw\/events\/ for bronze\.events; Ctrl-C stops after the batch under way\r\n/);
      match(shown, /Nothing waits \(lag 0s\) for \d+s; batch 1 was done \d+s ago/);
      match(shown, /status 130\r\n$/);
    }),
);

terminalTest(
  "Ctrl-C in a batch says that it is finished first, and what a second one does",
  () =>
    inFolder(async (folder) => {
      await succeed(folder, ["produce", "--batches", "30", "--batch-size", "5000", "--interval", "0"]);
      const shown = await runInTerminal(folder, `trap : INT; ${programLine} consume --threads 1; echo "status $?"`, [
        { after: "Ingesting batch 1 (", keys: CTRL_C },
      ]);
      const says = shown.indexOf("Finishing batch 1; Ctrl-C again stops now");
      ok(says > 0 && shown.indexOf("batch 1: 30 files") > says, shown);
      match(shown, /status 130\r\n$/);
    }),
);
