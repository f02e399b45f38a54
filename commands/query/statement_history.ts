import { visibleText } from "../../core/base/visible_text.ts";
import { uuidV4 } from "../../core/base/random.ts";
import { makeOwnFolder, stateFolder } from "../../core/disk/ownership.ts";
import type { Context } from "../line/command.ts";

const STATEMENTS_MAX = 1_000;

/**
 * What was asked at earlier prompts and at this one, whole statements with their line ends, newest
 * first. One that cannot be kept is done without.
 */
export class StatementHistory {
  /** The line editor's own list: it recalls what stands in it. */
  readonly statements: string[];
  readonly #save: (text: string) => void;

  private constructor(statements: string[], save: (text: string) => void) {
    this.statements = statements;
    this.#save = save;
  }

  static async open(context: Pick<Context, "env" | "random">): Promise<StatementHistory> {
    const base = stateFolder(context.env);
    const folder = `${base}/streamlab`;
    if (base === undefined || makeOwnFolder(folder) !== undefined) return new StatementHistory([], () => {});
    const path = `${folder}/query_history`;
    const text = await Deno.readTextFile(path).catch(() => "");
    const statements = text.split("\n").flatMap(parseStatement).filter(isShown).slice(0, STATEMENTS_MAX);
    return new StatementHistory(statements, (lines) => {
      try {
        const temporary = `${path}.${uuidV4(context.random)}`;
        // Questions may hold what is nobody else's business.
        Deno.writeTextFileSync(temporary, lines, { mode: 0o600, createNew: true });
        Deno.renameSync(temporary, path);
      } catch {
        return;
      }
    });
  }

  /** The newest from now on; an equal one before is forgotten. */
  add(statement: string): void {
    const others = this.statements.filter((each) => each !== statement).slice(0, STATEMENTS_MAX - 1);
    this.statements.splice(0, Infinity, statement, ...others);
    this.#save(this.statements.map((each) => `${JSON.stringify(each)}\n`).join(""));
  }
}

/** A statement is a line of the file, as JSON. */
function parseStatement(line: string): string[] {
  try {
    const statement: unknown = JSON.parse(line);
    return typeof statement === "string" ? [statement] : [];
  } catch {
    return [];
  }
}

/** The line editor writes by itself: it is given nothing that a terminal would obey. */
export function isShown(text: string): boolean {
  return text.split("\n").every((line) => visibleText(line) === line);
}
