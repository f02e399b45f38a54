/** The prompt of `query` in a real terminal, as somebody types at it. */
import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { inFolder, programLine, succeed } from "../e2e/program.ts";
import { runInTerminal, type TerminalStep, terminalTest } from "../support/pseudo_terminal.ts";
import { TerminalScreen } from "../support/terminal_screen.ts";

/** The cursor is behind the prompt. */
const READY = "> \x1b[12G";
const ENDLESS = "select count(*) from range(3000000) a, range(3000000) b where (a.range * b.range) % 7 = 3;";

/** Each line once the prompt waits for it; leaves at the end. */
function typed(...lines: string[]): TerminalStep[] {
  return [...lines.map((line) => ({ after: READY, keys: `${line}\r` })), { after: READY, keys: "\x04" }];
}

async function atPrompt(folder: string, steps: TerminalStep[], columns = 80): Promise<string> {
  const sent = await runInTerminal(folder, `${programLine} query`, steps, { columns });
  return TerminalScreen.textOf(sent, columns);
}

async function withEvents(action: (folder: string) => Promise<void>): Promise<void> {
  await inFolder(async (folder) => {
    const seeded = ["--seed", "7", "--start", "2026-03-01T09:00:00Z"];
    await succeed(folder, ["produce", "--batches", "2", "--interval", "0", ...seeded]);
    await succeed(folder, ["consume", "--once"]);
    await action(folder);
  });
}

terminalTest(
  "wide rows show whole columns, as many as the terminal has room for, and the others' names",
  () =>
    withEvents(async (folder) => {
      const question = "select user_id, event_id, event_type, _batch_id, event_id as again from bronze.events limit 2;";
      for (const [columns, shown, hidden] of [[80, 2, 3], [120, 4, 1]] as const) {
        const lines = (await atPrompt(folder, typed(question), columns)).split("\n");
        ok(lines.every((line) => line.length <= columns));
        const rule = lines.findIndex((line) => line.startsWith("──"));
        strictEqual(lines[rule]!.split("  ").length, shown);
        strictEqual(lines[rule + 1]!.split(/ +/).length, shown);
        match(lines[rule + 4]!, new RegExp(`^${hidden} of 5 columns left out \\(.*\\); \\.mode line shows all$`));
      }
      const lines = await atPrompt(folder, typed(".mode line", question));
      match(
        lines,
        / {3}user_id = \S{36}\n {2}event_id = \S{36}\nevent_type = \w+\n {1}_batch_id = 1\n {5}again = \S{36}\n\n/,
      );
    }),
);

terminalTest("a table is as wide as the terminal is when it is asked for", () =>
  withEvents(async (folder) => {
    const question = "select event_id, event_id as b, event_id as c from bronze.events limit 1;";
    const sent = await runInTerminal(folder, `${programLine} query`, [
      { after: READY, keys: `${question}\r` },
      { after: READY, columns: 120, keys: `${question}\r` },
      { after: READY, keys: "\x04" },
    ]);
    const rules = sent.split("\r\n").filter((line) => line.startsWith("──"));
    deepStrictEqual(rules.map((rule) => rule.split("  ").length), [2, 3]);
  }));

terminalTest(
  "Ctrl-C stops the question that runs, then drops what is typed, also after Tab",
  () =>
    withEvents(async (folder) => {
      const text = await atPrompt(folder, [
        { after: READY, keys: `${ENDLESS}\r` },
        { after: "= 3;\r\r\n", keys: "\x03" },
        { after: READY, keys: "selec\t" },
        { after: "select", keys: "\x03" },
        { after: READY, keys: "select 'a\r" },
        { after: "...> \x1b[12G", keys: "\x03" },
        ...typed("select 6 * 7 as answer;"),
      ]);
      match(
        text,
        /\nstreamlab: Stopped the query\nstreamlab> select 'a\nstreamlab> select 6 \* 7 as answer;\nanswer\n─+\n {4}42\n/,
      );
    }),
);

terminalTest("Ctrl-D while a question runs leaves when it is done", () =>
  withEvents(async (folder) => {
    const text = await atPrompt(folder, [
      { after: READY, keys: "select count(*) as n from range(30000) a, range(30000) b;\r\x04" },
    ]);
    match(text, /\n900000000\n\(1 row\)\n/);
    ok(!text.includes("streamlab: "), text);
  }));

terminalTest("the key up recalls whole statements, at the next prompt too", () =>
  withEvents(async (folder) => {
    await atPrompt(folder, typed("select 1", "as one;", ".timer off", "select 2;"));
    const up = "\x1b[A";
    const text = await atPrompt(folder, [
      { after: READY, keys: `${up}${up}${up}` },
      { after: "as one;", keys: "\r" },
      { after: READY, keys: up },
      { after: "as one;", keys: "\r" },
      { after: READY, keys: "\x04" },
    ]);
    strictEqual(text.match(/streamlab> select 1\nas one;\none\n───\n {2}1\n\(1 row\)\n/g)?.length, 2, text);
    strictEqual((await Deno.stat(`${folder}/state/streamlab/query_history`)).mode! & 0o777, 0o600);
  }));

terminalTest(
  "Tab completes tables, columns and functions, in a statement of several lines too",
  () =>
    withEvents(async (folder) => {
      const text = await atPrompt(folder, [
        { after: READY, keys: "select date_tr\t" },
        { after: "date_trunc", keys: "('year', event_timestamp) as y\r" },
        { after: "...> \x1b[12G", keys: "from bro\t" },
        { after: "bronze.", keys: "ev\t" },
        { after: "events", keys: " where event_ty\t" },
        { after: "event_type", keys: " is not null limit 1;\r" },
        ...typed(".timezone Asia/Kolkata", "select timestamptz '2026-03-01' as t;"),
      ]);
      match(text, /\n2026-01-01 00:00:00\+00\n/);
      match(text, /\n2026-03-01 00:00:00\+05:30\n/);
    }),
);

terminalTest("an error shows the place in the SQL", () =>
  withEvents(async (folder) => {
    const text = await atPrompt(folder, typed("select user_idd", "from bronze.events;"));
    match(
      text,
      /streamlab: Cannot run this SQL: [^]*\n {4}select user_idd\n {11}\^\n {2}Candidate bindings: "user_id"/,
    );
  }));

terminalTest(
  "an answer that does not fit on the screen is shown by the pager, and leaving it stops the question",
  () =>
    inFolder(async (folder) => {
      await Deno.mkdir(`${folder}/lake`);
      const at = async (pager: string, ...lines: string[]) => {
        const line = `PAGER="${pager}" ${programLine} query`;
        return TerminalScreen.textOf(await runInTerminal(folder, line, typed(".pager on", ...lines)), 80);
      };
      const text = await at(
        "sed s/^/paged:/",
        "from range(100);",
        "select 7 as small;",
        "select repeat('w', 100) as w;",
      );
      match(text, /\npaged: {3}99\npaged:\(100 rows\)\nstreamlab> select 7 as small;\nsmall\n/);
      match(text, /\npaged:w{74}/);
      match(
        await at("head -n 3", "from range(1000000000);", "select 7 as small;"),
        /\n {4}0\nstreamlab> select 7[^]*\n {4}7\n/,
      );
      match(
        await at("no-such-pager", "from range(100);"),
        /Cannot run the pager no-such-pager: there is no such program/,
      );
    }),
);
