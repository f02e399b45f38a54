/** The prompt as docs/query.md shows it, typed in a real terminal of 80 columns. */
import { ok } from "node:assert/strict";
import { inFolder, programLine, succeed } from "../e2e/program.ts";
import { checkGolden } from "../support/golden.ts";
import { runInTerminal, terminalTest } from "../support/pseudo_terminal.ts";
import { TerminalScreen } from "../support/terminal_screen.ts";

const READY = "> \x1b[12G";
const COLUMNS = 80;
const LINES = [
  "select event_type, count(*) as n",
  "from bronze.events group by all order by n desc;",
  "from bronze.events order by event_timestamp limit 2;",
  ".mode line",
  "from bronze.events select user_id, event_id, event_type, properties",
  "order by event_timestamp limit 1;",
  ".mode table",
  "select user_idd from bronze.events;",
];
const page = new URL("../../docs/query.md", import.meta.url);

terminalTest("docs/query.md shows the prompt as a terminal of 80 columns does", () =>
  inFolder(async (folder) => {
    const seeded = ["--seed", "7", "--start", "2026-03-01T09:00:00Z"];
    await succeed(folder, ["produce", "--batches", "3", "--batch-size", "100", "--interval", "0", ...seeded]);
    await succeed(folder, ["consume", "--once"]);
    const steps = [...LINES, ".quit"].map((line) => ({ after: READY, keys: `${line}\r` }));
    const sent = await runInTerminal(folder, `${programLine} query`, steps, { columns: COLUMNS });
    const screen = TerminalScreen.textOf(sent, COLUMNS).trimEnd();
    ok(screen.split("\n").every((line) => [...line].length <= COLUMNS));
    const text = await Deno.readTextFile(page);
    await checkGolden(page, text.replace(/^```text\n[^]*?^```$/m, () => `\`\`\`text\n${screen}\n\`\`\``));
  }));
