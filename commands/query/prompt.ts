import { resolve } from "node:path";
import { StreamlabError } from "../../core/base/errors.ts";
import { visibleText } from "../../core/base/visible_text.ts";
import { cutToWidth, textWidth } from "../../core/query/format/text_width.ts";
import type { Completion } from "../../core/query/completion.ts";
import {
  completeCommand,
  PROMPT_COMMANDS,
  type PromptAction,
  type PromptCommand,
  PromptInput,
} from "../../core/query/prompt.ts";
import { splitStatements } from "../../core/query/sql_text.ts";
import { PlacedError, type SqlPlace } from "../../core/query/sql_error.ts";
import type { Session } from "../../core/query/sql_session.ts";
import type { Context } from "../line/command.ts";
import { reportError } from "../line/errors.ts";
import { nearest } from "../line/nearest.ts";
import { parseCount, parseTimeZone } from "../line/values.ts";
import { ANSWER_FORMATS, type AnswerFlags, type AnswerFormat, printAnswer } from "./answer.ts";
import { openOutput } from "./output.ts";
import { pagedOutput, type SharedTerminal } from "./pager.ts";
import { readQuestion } from "./question_file.ts";

/** A screen or two. */
const ROWS_MAX = 40;

/** What a prompt needs of its terminal. */
export interface PromptPlace extends SharedTerminal {
  /** Called with each statement when it is complete, as it was typed. */
  keep(statement: string): void;
}

/** What a line does; apart from the terminal, so that it can be tried without one. */
export class Prompt {
  readonly #input = new PromptInput();
  #typed = "";
  #flags: AnswerFlags;
  #rowsMax: number | undefined = ROWS_MAX;
  #isTimed = false;
  #isPaged = false;
  #running: AbortController | undefined;
  /** Of a line that was entered and not yet taken. */
  #entered: AbortController | undefined;
  readonly #context: Context;
  readonly #session: Session;
  readonly #place: PromptPlace;

  constructor(context: Context, session: Session, flags: AnswerFlags, place: PromptPlace) {
    this.#context = context;
    this.#session = session;
    this.#flags = { ...flags };
    this.#place = place;
  }

  get isPending(): boolean {
    return this.#input.isPending;
  }

  /** What could stand at the end of the line, and the part of it that this completes. */
  async complete(line: string, completion: Completion | undefined): Promise<[string[], string]> {
    const commands = this.isPending ? undefined : completeCommand(line);
    if (commands !== undefined) return commands;
    const { rest } = splitStatements(`${this.#input.pending}${line}`);
    const [candidates, word] = await completion?.candidates(rest) ?? [[], ""];
    return line.endsWith(word) ? [candidates, word] : [[], ""];
  }

  /** True: a question ran, and is being stopped. False: what was typed is dropped. */
  interrupt(): boolean {
    const stopped = this.#running ?? this.#entered;
    if (stopped !== undefined) {
      stopped.abort();
      return true;
    }
    this.#input.clear();
    this.#typed = "";
    return false;
  }

  /** A line will be taken at once: whoever interrupts from now on means what it asks. */
  enter(): void {
    this.#entered ??= new AbortController();
  }

  /** False: leave. */
  async take(line: string): Promise<boolean> {
    try {
      return await this.#take(line);
    } finally {
      this.#entered = undefined;
    }
  }

  async #take(line: string): Promise<boolean> {
    this.#typed += `${line}\n`;
    const actions = this.#input.take(line);
    if (!this.#input.isPending) {
      const statement = this.#typed.trim();
      this.#typed = "";
      if (statement !== "") this.#place.keep(statement);
    }
    return await this.#doAll(actions);
  }

  /** False: leave. An error ends one action, not those behind it. */
  async #doAll(actions: readonly PromptAction[]): Promise<boolean> {
    for (const action of actions) {
      if (action.kind === "command" && action.name === "quit") return false;
      const startMs = this.#context.clock.nowMs();
      try {
        await this.#do(action);
      } catch (error) {
        await this.#context.stderr.write(this.#errorText(error));
      }
      if (this.#isTimed && action.kind === "ask") {
        const seconds = (this.#context.clock.nowMs() - startMs) / 1_000;
        await this.#context.stderr.write(`Took ${seconds.toFixed(3)} s\n`);
      }
    }
    return true;
  }

  async #do(action: PromptAction): Promise<void> {
    switch (action.kind) {
      case "ask":
        return await this.#ask(action.sql, this.#flags);
      case "command":
        return await this.#command(action.name, action.argument);
      case "unknown": {
        const near = nearest(action.command, PROMPT_COMMANDS.map(({ name }) => `.${name}`));
        const hint = near === undefined ? ".help lists the commands" : `did you mean ${near}?`;
        throw new StreamlabError("usage", `unknown command ${action.command}`, { hint });
      }
    }
  }

  async #command(name: PromptCommand, argument: string | undefined): Promise<void> {
    const { stdout } = this.#context;
    switch (name) {
      case "tables":
        return await this.#ask("SHOW TABLES", { ...this.#flags, explainScan: false });
      case "schema":
        return await this.#ask(schemaSql(argument), { ...this.#flags, explainScan: false });
      case "mode":
        if (argument === undefined) return await stdout.write(`${this.#flags.format ?? "table"}\n`);
        this.#flags = { ...this.#flags, format: oneOf(ANSWER_FORMATS, argument) as AnswerFormat };
        return;
      case "maxrows":
        if (argument === undefined) return await stdout.write(`${this.#rowsMax ?? 0}\n`);
        this.#rowsMax = parseCount(argument) || undefined;
        return;
      case "pager":
        if (argument === undefined) return await stdout.write(`${this.#isPaged ? "on" : "off"}\n`);
        this.#isPaged = oneOf(["on", "off"], argument) === "on";
        return;
      case "timer":
        if (argument === undefined) return await stdout.write(`${this.#isTimed ? "on" : "off"}\n`);
        this.#isTimed = oneOf(["on", "off"], argument) === "on";
        return;
      case "timezone":
        if (argument === undefined) return await stdout.write(`${this.#flags.timezone ?? "UTC"}\n`);
        this.#flags = { ...this.#flags, timezone: parseTimeZone(argument) };
        return;
      case "read":
        return await this.#read(argument);
      case "help":
        return await stdout.write(PROMPT_COMMANDS.map(({ usage, doc }) => `  ${usage.padEnd(18)} ${doc}\n`).join(""));
      case "quit":
        return;
    }
  }

  async #read(path: string | undefined): Promise<void> {
    if (path === undefined) throw new StreamlabError("usage", "expected the name of a file: .read FILE");
    const text = await readQuestion(resolve(this.#context.cwd, path));
    const input = new PromptInput();
    // The last statement may do without its semicolon.
    const actions = [...text.split("\n"), ";"].flatMap((line) => input.take(line));
    if (actions.some((action) => action.kind === "command" && action.name === "read")) {
      throw new StreamlabError("usage", `Cannot read ${path}: a file that is read cannot read another`);
    }
    await this.#doAll(actions);
  }

  async #ask(sql: string, flags: AnswerFlags): Promise<void> {
    this.#running = this.#entered ?? new AbortController();
    this.#entered = undefined;
    const context = { ...this.#context, signal: this.#running.signal };
    const isTerminal = context.isTerminal.stdout;
    const isPaged = this.#isPaged && isTerminal;
    const output = isPaged ? pagedOutput(context, this.#place) : await openOutput(context, undefined);
    try {
      await printAnswer(context, this.#session, sql, flags, output, {
        columns: isTerminal && !isPaged ? () => context.terminalSize().columns : undefined,
        wayToAllColumns: ".mode line shows all",
        rowsMax: isPaged ? undefined : this.#rowsMax,
        wayToMoreRows: ".maxrows 0 shows all",
      });
      await output.finish();
    } catch (error) {
      await output.abandon();
      throw error;
    } finally {
      this.#running = undefined;
    }
  }

  /** With the line of the SQL that an error is about, and a caret under the place. */
  #errorText(error: unknown): string {
    const { text } = reportError(error, { debug: this.#context.debug, secrets: [] });
    if (!(error instanceof PlacedError)) return text;
    const end = text.indexOf("\n") + 1;
    return `${text.slice(0, end)}${caretLines(error.place, this.#context.terminalSize().columns)}${text.slice(end)}`;
  }
}

/** The part of the line around the place that fits. */
function caretLines({ text, at }: SqlPlace, columns: number): string {
  const indent = "    ";
  const room = Math.max(20, columns - indent.length);
  const before = visibleText(text.slice(0, at));
  const from = Math.max(0, before.length - Math.floor(room / 2));
  const shown = before.slice(textWidth(visibleText(text)) <= room ? 0 : from);
  const line = cutToWidth(`${shown}${visibleText(text.slice(at))}`, room);
  return `${indent}${line}\n${indent}${" ".repeat(textWidth(shown))}^\n`;
}

function oneOf(choices: readonly string[], text: string): string {
  if (choices.includes(text)) return text;
  throw new StreamlabError("usage", `expected one of ${choices.join(", ")}, got "${text}"`);
}

function schemaSql(table: string | undefined): string {
  if (table !== undefined) return `DESCRIBE ${table}`;
  return `SELECT table_schema || '.' || table_name AS "table", column_name AS "column", data_type AS "type"
    FROM information_schema.columns ORDER BY table_schema, table_name, ordinal_position`;
}
