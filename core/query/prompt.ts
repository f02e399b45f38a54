import { isBlank, splitStatements } from "./sql_text.ts";

/** What the user of the prompt asks for. */
export type PromptAction =
  | { kind: "ask"; sql: string }
  | { kind: "command"; name: PromptCommand; argument: string | undefined }
  | { kind: "unknown"; command: string };

/** By the word that is typed behind the dot. */
const COMMANDS = {
  tables: { argument: "", doc: "list the tables" },
  schema: { argument: " [TABLE]", doc: "list the columns of a table or of all" },
  mode: { argument: " [NAME]", doc: "print answers as table, line, csv, json, ndjson or markdown" },
  maxrows: { argument: " [N]", doc: "rows to show of a table; 0: all" },
  pager: { argument: " [on|off]", doc: "show what is longer than the screen by $PAGER (less), whole" },
  timer: { argument: " [on|off]", doc: "say how long each answer took" },
  timezone: { argument: " [ZONE]", doc: "read and show instants in a time zone, such as Europe/Berlin" },
  read: { argument: " FILE", doc: "ask what is in a file" },
  help: { argument: "", doc: "this list" },
  quit: { argument: "", doc: "leave (so does Ctrl-D)" },
} as const;

export type PromptCommand = keyof typeof COMMANDS;

/** As they are listed. */
export const PROMPT_COMMANDS: readonly { name: PromptCommand; usage: string; doc: string }[] = Object.entries(COMMANDS)
  .map(([name, { argument, doc }]) => ({ name: name as PromptCommand, usage: `.${name}${argument}`, doc }));

/**
 * Lines as they are typed → actions. A statement goes on until its `;`; a line that starts with `.`
 * is a command.
 */
export class PromptInput {
  #pending = "";

  /** Something is typed and not finished. */
  get isPending(): boolean {
    return !isBlank(this.#pending);
  }

  take(line: string): PromptAction[] {
    if (!this.isPending && /^\s*\./.test(line)) return [commandOf(line.trim())];
    const { statements, rest } = splitStatements(`${this.#pending}${line}\n`);
    this.#pending = isBlank(rest) ? "" : rest;
    return statements.map((sql) => ({ kind: "ask", sql }));
  }

  /** What is typed of a statement that goes on. */
  get pending(): string {
    return this.#pending;
  }

  clear(): void {
    this.#pending = "";
  }
}

function commandOf(line: string): PromptAction {
  const [, command, argument] = /^(\S*)\s*([^]*)$/.exec(line.replace(/\s*;$/, "").trim())!;
  const word = command!.slice(1);
  const name = word === "exit" ? "quit" : PROMPT_COMMANDS.find((each) => each.name === word)?.name;
  if (name === undefined) return { kind: "unknown", command: command! };
  return { kind: "command", name, argument: argument === "" ? undefined : argument };
}

/** The commands that a line could mean, as `node:readline` wants them; undefined for SQL. */
export function completeCommand(line: string): [string[], string] | undefined {
  const word = line.trimStart();
  if (!/^\.\S*$/.test(word)) return undefined;
  return [PROMPT_COMMANDS.map(({ name }) => `.${name}`).filter((name) => name.startsWith(word)), word];
}
