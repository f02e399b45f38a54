/** Names and values that try to command the terminal, through every command, in a real one. */
import { match, strictEqual } from "node:assert/strict";
import { inFolder, programLine, streamlab, succeed } from "../e2e/program.ts";
import { HOSTILE_TEXT } from "../support/hostile_text.ts";
import { runInTerminal, terminalTest } from "../support/pseudo_terminal.ts";
import { checkShown, inTerminal, makeLake, rawFile, target } from "./hostile_lake.ts";

terminalTest(
  "no name, value or argument commands the terminal, in any other command",
  () =>
    inFolder(async (folder) => {
      await makeLake(folder);
      const lines: [string[], RegExp][] = [
        [[HOSTILE_TEXT], /unknown command/],
        [["consume", "--once", "--raw", HOSTILE_TEXT], /\\u202e/],
        [["consume", "--once", ...target, "--format", HOSTILE_TEXT], /expected one of/],
        [["maintain", "--status"], /a\.b/],
        [["maintain", "--audit", "--table", "a.b", "--contract", "contract.json"], /exactly once/],
        [["produce", "--sink", HOSTILE_TEXT, "--batches", "1", "--interval", "0"], /Produced/],
      ];
      for (const [args, pattern] of lines) {
        const sent = await inTerminal(folder, ...args);
        checkShown(sent, args.join(" "));
        match(sent, pattern, args.join(" "));
      }
    }),
);

terminalTest(
  "lines about files, changed ones and discrepancies too, show hostile names",
  () =>
    inFolder(async (folder) => {
      await makeLake(folder);
      const consume = ["consume", "--once", ...target];
      let size = 0;
      const change = () => Deno.writeTextFile(rawFile(folder), `{"id": 7}\n${" ".repeat(++size)}`);
      for (const json of [[], ["--json"]]) {
        await change();
        const changed = await inTerminal(folder, ...consume, ...json);
        checkShown(changed, "changed");
        match(changed, /\\u202e[^]*changed/);
        // A message is one also in a file or another program.
        await change();
        const { stdout, stderr } = await streamlab(folder, [...consume, ...json]);
        checkShown(stdout + stderr, "to a pipe");
        match(stdout + stderr, /\\u202e[^]*changed/);
      }
    }),
);

terminalTest("a discrepancy shows the hostile name of its file", () =>
  inFolder(async (folder) => {
    await makeLake(folder);
    // The same size and time, but one line less.
    const path = rawFile(folder);
    const { atime, mtime } = await Deno.stat(path);
    const text = await Deno.readTextFile(path);
    await Deno.writeTextFile(path, text.replace("\n", " "));
    await Deno.utime(path, atime!, mtime!);
    const audit = ["maintain", "--audit", "--table", "a.b", "--contract", "contract.json"];
    for (const json of [[], ["--json"]]) {
      const sent = await inTerminal(folder, ...audit, ...json);
      checkShown(sent, "audit");
      match(sent, /discrepanc[^]*\\u202e/);
    }
  }));

terminalTest("to a pipe an answer stays as it is", () =>
  inFolder(async (folder) => {
    await makeLake(folder);
    const sql = `select "text ${HOSTILE_TEXT}" as t from a.b`;
    strictEqual(await succeed(folder, ["query", "--format", "csv", sql]), `t\n"${HOSTILE_TEXT}"\n`);
  }));

terminalTest(
  "the prompt shows hostile names in answers, errors and what it completes",
  () =>
    inFolder(async (folder) => {
      await makeLake(folder);
      await Deno.mkdir(`${folder}/state/streamlab`, { recursive: true });
      await Deno.writeTextFile(`${folder}/state/streamlab/query_history`, `select '\x1b]0;title\x07';\n`);
      const sent = await runInTerminal(folder, `${programLine} query`, [
        { after: "streamlab> ", keys: "\x1b[A\x15select * from a.b;\r" },
        { after: "(1 row)", keys: "select error(chr(27) || ']0;title' || chr(7) || chr(8238));\r" },
        { after: "Cannot run this SQL", keys: "select te\t\t\x15.schema a.b\r" },
        { after: "rows)", keys: ".quit\r" },
      ]);
      // The line editor moves the cursor by itself; a title or a colour it never sets.
      for (const sequence of ["\x1b]", "\x1b[31m", "\x9b", "\u202e", "\u2066", "\u2028"]) {
        strictEqual(sent.includes(sequence), false, JSON.stringify(sent));
      }
      match(sent, /Cannot run this SQL/);
      match(sent, /\\u202e/);
    }),
);
