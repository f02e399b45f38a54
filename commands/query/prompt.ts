import process from "node:process";
import { createInterface, type Interface } from "node:readline";
import { StreamlabError } from "../../core/base/errors.ts";
import { uuidV4 } from "../../core/base/random.ts";
import { visibleText } from "../../core/base/visible_text.ts";
import { makeOwnFolder, stateFolder } from "../../core/disk/ownership.ts";
import { completePrompt, PROMPT_COMMANDS, type PromptAction, PromptInput } from "../../core/query/prompt.ts";
import type { Session } from "../../core/query/sql_session.ts";
import type { Context, ExitStatus } from "../line/command.ts";
import { reportError } from "../line/errors.ts";
import { nearest } from "../line/nearest.ts";
import { ANSWER_FORMATS, type AnswerFlags, type AnswerFormat, printAnswer } from "./answer.ts";
import { openOutput } from "./output.ts";

const HISTORY_LINES_MAX = 1_000;

/**
 * Asks until told to stop. Ctrl-C drops the line or stops the question under way; Ctrl-D leaves.
 */
export async function runPrompt(context: Context, session: Session, flags: AnswerFlags): Promise<ExitStatus> {
  const history = await openHistory(context);
  const names = await completionNames(session);
  const reader = createInterface({
    input: process.stdin,
    output: process.stdout,
    history: history.lines,
    historySize: HISTORY_LINES_MAX,
    removeHistoryDuplicates: true,
    completer: (line: string) => completePrompt(line, names),
  });
  const prompt = new Prompt(context, session, flags);
  await context.stdout.write(
    "SQL over the lake's tables; a question ends with ;  .help lists commands, .quit leaves\n",
  );
  reader.on("history", (lines: string[]) => history.save(lines));
  reader.on("SIGINT", () => {
    prompt.interrupt();
    // To the end of what is typed, and all of it away.
    reader.write(null, { ctrl: true, name: "e" });
    reader.write(null, { ctrl: true, name: "u" });
    showPrompt(reader, prompt);
  });
  showPrompt(reader, prompt);
  await takeLines(reader, prompt);
  return 0;
}

/**
 * One line after another, each when the one before is done. Walking the reader would do the same,
 * but stop reading meanwhile, so that Ctrl-C would not be seen.
 */
async function takeLines(reader: Interface, prompt: Prompt): Promise<void> {
  let goesOn = Promise.resolve(true);
  reader.on("line", (line: string) => {
    goesOn = goesOn.then(async (before) => {
      const after = before && await prompt.take(line);
      if (after) showPrompt(reader, prompt);
      else reader.close();
      return after;
    });
  });
  await new Promise((resolve) => reader.once("close", resolve));
  await goesOn;
}

function showPrompt(reader: Interface, prompt: Prompt): void {
  reader.setPrompt(prompt.isPending ? "      ...> " : "streamlab> ");
  reader.prompt();
}

/** What a line does; apart from the terminal, so that it can be tried without one. */
export class Prompt {
  readonly #input = new PromptInput();
  #flags: AnswerFlags;
  #running: AbortController | undefined;
  readonly #context: Context;
  readonly #session: Session;

  constructor(context: Context, session: Session, flags: AnswerFlags) {
    this.#context = context;
    this.#session = session;

    this.#flags = { ...flags };
  }

  get isPending(): boolean {
    return this.#input.isPending;
  }

  interrupt(): void {
    if (this.#running !== undefined) this.#running.abort();
    else this.#input.clear();
  }

  /** False: leave. */
  async take(line: string): Promise<boolean> {
    for (const action of this.#input.take(line)) {
      if (action.kind === "quit") return false;
      try {
        await this.#do(action);
      } catch (error) {
        const { text } = reportError(error, { debug: this.#context.debug, secrets: [] });
        await this.#context.stderr.write(text);
      }
    }
    return true;
  }

  async #do(action: Exclude<PromptAction, { kind: "quit" }>): Promise<void> {
    switch (action.kind) {
      case "ask":
        return await this.#ask(action.sql, this.#flags);
      case "tables":
        return await this.#ask("SHOW TABLES", { ...this.#flags, explainScan: false });
      case "schema":
        return await this.#ask(schemaSql(action.table), { ...this.#flags, explainScan: false });
      case "format":
        return await this.#setFormat(action.format);
      case "help":
        return await this.#context.stdout.write(
          PROMPT_COMMANDS.map(({ name, doc }) => `  ${name.padEnd(16)} ${doc}\n`).join(""),
        );
      case "unknown": {
        const near = nearest(action.command, PROMPT_COMMANDS.map(({ name }) => name.split(" ")[0]!));
        const hint = near === undefined ? ".help lists the commands" : `did you mean ${near}?`;
        throw new StreamlabError("usage", `unknown command ${action.command}`, { hint });
      }
    }
  }

  async #ask(sql: string, flags: AnswerFlags): Promise<void> {
    this.#running = new AbortController();
    const context = { ...this.#context, signal: this.#running.signal };
    try {
      await printAnswer(context, this.#session, sql, flags, await openOutput(context, undefined));
    } finally {
      this.#running = undefined;
    }
  }

  async #setFormat(format: string | undefined): Promise<void> {
    if (format === undefined) return await this.#context.stdout.write(`${this.#flags.format ?? "table"}\n`);
    if (!(ANSWER_FORMATS as readonly string[]).includes(format)) {
      throw new StreamlabError("usage", `expected one of ${ANSWER_FORMATS.join(", ")}, got "${format}"`);
    }
    this.#flags = { ...this.#flags, format: format as AnswerFormat };
  }
}

function schemaSql(table: string | undefined): string {
  if (table !== undefined) return `DESCRIBE ${table}`;
  return `SELECT table_schema || '.' || table_name AS "table", column_name AS "column", data_type AS "type"
    FROM information_schema.columns ORDER BY table_schema, table_name, ordinal_position`;
}

/** The line editor writes by itself: it is given nothing that a terminal would obey. */
function isShown(text: string): boolean {
  return visibleText(text) === text;
}

/** Nothing to complete is better than no prompt. */
async function completionNames(session: Session): Promise<string[]> {
  const { completionNames } = await import("../../core/query/completion_names.ts");
  try {
    return (await completionNames(await session.catalog())).filter(isShown);
  } catch {
    return [];
  }
}

/**
 * The last lines of earlier prompts, newest first; a history that cannot be kept is done without.
 */
async function openHistory(context: Context): Promise<{ lines: string[]; save(lines: string[]): void }> {
  const base = stateFolder(context.env);
  const folder = `${base}/streamlab`;
  if (base === undefined || makeOwnFolder(folder) !== undefined) return { lines: [], save: () => {} };
  const path = `${folder}/query_history`;
  const text = await Deno.readTextFile(path).catch(() => "");
  return {
    lines: text.split("\n").filter((line) => line !== "" && isShown(line)).slice(0, HISTORY_LINES_MAX),
    save(lines) {
      try {
        const temporary = `${path}.${uuidV4(context.random)}`;
        // Questions may hold what is nobody else's business.
        Deno.writeTextFileSync(temporary, lines.join("\n"), { mode: 0o600, createNew: true });
        Deno.renameSync(temporary, path);
      } catch {
        return;
      }
    },
  };
}
