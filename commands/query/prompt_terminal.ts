/** The prompt's line editor: what is typed goes to the prompt, line by line. */
import process from "node:process";
import { createInterface, type Interface } from "node:readline";
import type { Completion } from "../../core/query/completion.ts";
import type { Session } from "../../core/query/sql_session.ts";
import type { Context, ExitStatus } from "../line/command.ts";
import type { AnswerFlags } from "./answer.ts";
import { Prompt } from "./prompt.ts";
import { isShown, StatementHistory } from "./statement_history.ts";

/**
 * Asks until told to stop. Ctrl-C drops what is typed or stops the question under way; Ctrl-D
 * leaves.
 */
export async function runPrompt(context: Context, session: Session, flags: AnswerFlags): Promise<ExitStatus> {
  const history = await StatementHistory.open(context);
  const completion = openCompletion(session);
  const reader = createInterface({
    input: process.stdin,
    output: process.stdout,
    history: history.statements,
    historySize: Infinity,
    completer: (line: string, done: (error: null, result: [string[], string]) => void) => {
      void complete(line).then((result) => done(null, result));
    },
  });
  const complete = async (line: string): Promise<[string[], string]> => {
    const [candidates, word] = await prompt.complete(line, await completion).catch((): [string[], string] => [[], ""]);
    return [candidates.filter(isShown), word];
  };
  const prompt = new Prompt(context, session, flags, {
    lend: () => {
      reader.pause();
      process.stdin.setRawMode(false);
      return () => {
        process.stdin.setRawMode(true);
        reader.resume();
      };
    },
    keep: (statement) => history.add(statement),
  });
  await context.stdout.write(
    "SQL over the lake's tables. A question ends with ; and .help lists commands\n",
  );
  // The editor adds each line, but statements are what is kept.
  reader.on("history", (lines: string[]) => lines.shift());
  reader.on("SIGINT", () => {
    if (prompt.interrupt()) return;
    // To the end of what is typed, and all of it away.
    reader.write(null, { ctrl: true, name: "e" });
    reader.write(null, { ctrl: true, name: "u" });
    showPrompt(reader, prompt);
  });
  showPrompt(reader, prompt);
  await takeLines(reader, prompt);
  (await completion)?.close();
  return 0;
}

/**
 * One line after another, each when the one before is done. Walking the reader would do the same,
 * but stop reading meanwhile, so that Ctrl-C would not be seen.
 */
async function takeLines(reader: Interface, prompt: Prompt): Promise<void> {
  let goesOn = Promise.resolve(true);
  let isClosed = false;
  reader.on("line", (line: string) => {
    prompt.enter();
    goesOn = goesOn.then(async (before) => {
      const after = before && await prompt.take(line);
      // Ctrl-D may have come while it was asked.
      if (after && !isClosed) showPrompt(reader, prompt);
      else reader.close();
      return after;
    });
  });
  await new Promise((resolve) => reader.once("close", resolve));
  isClosed = true;
  await goesOn;
}

function showPrompt(reader: Interface, prompt: Prompt): void {
  reader.setPrompt(prompt.isPending ? "      ...> " : "streamlab> ");
  reader.prompt();
}

/** Nothing to complete is better than no prompt. */
async function openCompletion(session: Session): Promise<Completion | undefined> {
  try {
    const { Completion } = await import("../../core/query/completion.ts");
    return await Completion.open(await session.catalog());
  } catch {
    return undefined;
  }
}
