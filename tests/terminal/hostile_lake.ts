/** A lake whose names and values try to command the terminal, and a real terminal to show it in. */
import { deepStrictEqual } from "node:assert/strict";
import { programLine, succeed } from "../e2e/program.ts";
import { HOSTILE_TEXT, obeyed } from "../support/hostile_text.ts";
import { runInTerminal } from "../support/pseudo_terminal.ts";

const CONTRACT = {
  type: "object",
  required: ["id"],
  properties: { id: { type: "integer" }, [`text ${HOSTILE_TEXT}`]: { type: "string" } },
};

/** A lake whose files, columns and values are hostile. */
export async function makeLake(folder: string): Promise<void> {
  await Deno.mkdir(`${folder}/raw`);
  await Deno.writeTextFile(`${folder}/contract.json`, JSON.stringify(CONTRACT));
  await Deno.writeTextFile(
    rawFile(folder),
    [1, "x"].map((id) => `${JSON.stringify({ id, [`text ${HOSTILE_TEXT}`]: HOSTILE_TEXT })}\n`).join(""),
  );
  await succeed(folder, ["consume", "--once", ...target]);
}

export const target = ["--raw", "raw", "--table", "a.b", "--contract", "contract.json"];

export function rawFile(folder: string): string {
  return `${folder}/raw/${HOSTILE_TEXT}.ndjson`;
}

/** As a word of a shell's line. */
function word(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

export async function inTerminal(folder: string, ...args: string[]): Promise<string> {
  return await runInTerminal(folder, [programLine, ...args.map(word)].join(" "));
}

/** What a terminal was sent, without its line ends and the one sequence that redraws progress. */
export function checkShown(sent: string, what: string): void {
  const own = sent.replaceAll("\r\x1b[K", "").replaceAll("\r\n", "\n");
  deepStrictEqual(obeyed(own), [], `${what}: ${JSON.stringify(own)}`);
}
