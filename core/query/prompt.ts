import { isBlank, splitStatements } from "./sql_text.ts";

/** What the user of the prompt asks for. */
export type PromptAction =
  | { kind: "ask"; sql: string }
  | { kind: "tables" }
  /** Without a table, all of them. */
  | { kind: "schema"; table: string | undefined }
  | { kind: "format"; format: string | undefined }
  | { kind: "help" }
  | { kind: "quit" }
  | { kind: "unknown"; command: string };

export const PROMPT_COMMANDS: readonly { name: string; doc: string }[] = [
  { name: ".tables", doc: "list the tables" },
  { name: ".schema [TABLE]", doc: "list the columns of a table or of all" },
  { name: ".format [NAME]", doc: "print answers as table, json, ndjson, csv or markdown" },
  { name: ".help", doc: "this list" },
  { name: ".quit", doc: "leave (so does Ctrl-D)" },
];

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
  const [command = "", argument] = line.replace(/;$/, "").trim().split(/\s+/);
  switch (command) {
    case ".tables":
      return { kind: "tables" };
    case ".schema":
      return { kind: "schema", table: argument };
    case ".format":
      return { kind: "format", format: argument };
    case ".help":
      return { kind: "help" };
    case ".quit":
    case ".exit":
      return { kind: "quit" };
    default:
      return { kind: "unknown", command };
  }
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
  const commands = PROMPT_COMMANDS.map(({ name }) => name.split(" ")[0]!);
  const candidates = line.trimStart() === word && word.startsWith(".") ? commands : [...names, ...keywords];
  const lower = word.toLowerCase();
  return [[...new Set(candidates.filter((name) => name.toLowerCase().startsWith(lower)))], word];
}
