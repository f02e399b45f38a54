/** Answers with names and values that try to command the terminal, in a real one. */
import { match } from "node:assert/strict";
import { inFolder } from "../e2e/program.ts";
import { HOSTILE_TEXT } from "../support/hostile_text.ts";
import { terminalTest } from "../support/pseudo_terminal.ts";
import { checkShown, inTerminal, makeLake } from "./hostile_lake.ts";

terminalTest(
  "no name, value or argument of a query commands the terminal, in any format",
  () =>
    inFolder(async (folder) => {
      await makeLake(folder);
      const all = `select *, {'${HOSTILE_TEXT}': '${HOSTILE_TEXT}'} as nested from a.b`;
      for (const format of ["table", "csv", "json", "ndjson", "markdown"]) {
        const sent = await inTerminal(folder, "query", "--format", format, all);
        checkShown(sent, format);
        // A table is cut to the terminal's width.
        match(sent, format === "table" ? /\\u001b/ : /\\u202e/, format);
      }
      const lines: [string[], RegExp][] = [
        [["query", `select "${HOSTILE_TEXT}" from a.b`], /Cannot run this SQL/],
        [["query", `select error('${HOSTILE_TEXT}')`], /Cannot run this SQL/],
        [["query", `select * from a."${HOSTILE_TEXT}"`], /There is no table/],
        [["query", `select "${HOSTILE_TEXT}"(1)`], /does not exist/],
        [["query", `selec ${HOSTILE_TEXT}`], /Cannot run this SQL/],
        [["query", "--source", HOSTILE_TEXT, "select 1 from a.b"], /There is no lake/],
        [["query", "-f", HOSTILE_TEXT], /Cannot read the question/],
        [["query", "--explain-scan", "select * from a.b"], /open/],
        [["query", `explain select '${HOSTILE_TEXT}' from a.b`], /\\u202e/],
        [["query", "describe a.b"], /\\u001b/],
        [["query", "--json", "select * from a.b"], /\\u202e/],
        [["query", `--${HOSTILE_TEXT}`], /streamlab: /],
      ];
      for (const [args, pattern] of lines) {
        const sent = await inTerminal(folder, ...args);
        checkShown(sent, args.join(" "));
        match(sent, pattern, args.join(" "));
      }
    }),
);
