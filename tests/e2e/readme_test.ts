import { ok, strictEqual } from "node:assert/strict";
import { inFolder, programLine } from "./program.ts";
import { writeScript } from "../support/script.ts";

/**
 * The README and pages for owners of data are run: every line of their `sh` blocks, in order, in
 * one folder for each page; of `console` blocks also what they print, on a terminal. Times and
 * rates are masked. A line that begins with `npx`, `docker` or `git` is checked by what it names.
 */
const PAGES = ["README.md", "docs/running.md", "docs/tables.md", "docs/deduplication.md"];

interface Line {
  command: string;
  /** What a console block shows below it. */
  output?: string;
}

function linesOf(text: string): Line[] {
  return [...text.matchAll(/^```(sh|console)\n(.*?)^```$/gms)].flatMap(([, kind, block]) =>
    kind === "sh" ? shellLines(block!) : consoleLines(block!)
  );
}

function shellLines(block: string): Line[] {
  return block.split("\n").filter((line) => line.trim() !== "" && !line.startsWith("#")).map((command) => ({
    command,
  }));
}

function consoleLines(block: string): Line[] {
  return block.split(/^\$ /m).slice(1).map((part) => {
    const end = part.indexOf("\n");
    return { command: part.slice(0, end), output: part.slice(end + 1) };
  });
}

/** Times, rates and places differ from run to run. */
function masked(text: string): string {
  return text.trimEnd()
    .replaceAll(/^\d{4}-\d\d-\d\dT\S+Z [\w.]+ (?=batch )/gm, "")
    .replaceAll(/\b\d+(\.\d+)?(ms|s)\b/g, "TIME")
    .replaceAll(/[\d,]+ (events|records)\/s/g, "RATE")
    .replaceAll(/to \S*\/lake\b/g, "to lake");
}

for (const page of PAGES) {
  Deno.test(`every command of ${page} does what it shows`, async () => {
    const lines = linesOf(await Deno.readTextFile(new URL(`../../${page}`, import.meta.url)));
    await inFolder((folder) => runLines(folder, lines));
  });
}

async function runLines(folder: string, lines: readonly Line[]): Promise<void> {
  await Deno.mkdir(`${folder}/bin`);
  await writeScript(`${folder}/bin/streamlab`, `#!/bin/sh\nexec ${programLine} "$@"\n`);
  const env = { PATH: `${folder}/bin:${Deno.env.get("PATH")}`, NO_COLOR: "1" };
  ok(lines.length > 0);
  for (const { command, output } of lines) {
    if (/^(npx|docker|git|cd) /.test(command)) continue;
    const run = new Deno.Command("bash", { args: ["-c", command], cwd: folder, env });
    const { success, stdout, stderr } = await run.output();
    const decoder = new TextDecoder();
    ok(success, `${command}\n${decoder.decode(stderr)}`);
    if (output !== undefined) strictEqual(masked(decoder.decode(stdout)), masked(output), command);
  }
}
