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
  timer: { argument: " [on|off]", doc: "say how long each answer took" },
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

const keywords =
  "select from where group by order by limit having join left join using on as and or not in between like is null with union all distinct count(*) sum avg min max case when then else end desc describe show tables summarize explain interval cast"
    .split(" ");

/**
 * What could stand where the line ends, as `node:readline` wants it: the candidates and the word
 * that they complete.
 */
export function completePrompt(line: string, names: readonly string[]): [string[], string] {
  const word = /[\w.$"]*$/.exec(line)![0];
  if (word === "") return [[], word];
  const commands = PROMPT_COMMANDS.map(({ name }) => `.${name}`);
  const candidates = line.trimStart() === word && word.startsWith(".") ? commands : [...names, ...keywords];
  const lower = word.toLowerCase();
  return [[...new Set(candidates.filter((name) => name.toLowerCase().startsWith(lower)))], word];
}
