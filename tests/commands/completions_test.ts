import { deepStrictEqual, ok } from "node:assert/strict";
import { completionScript } from "../../commands/line/completions.ts";
import { flagsOf } from "../../commands/line/flags.ts";
import { loadCommands } from "../../commands/line/command.ts";
import { commands as listed } from "../../main.ts";
import { sampleCommands } from "./sample_commands.ts";

const commands = await loadCommands(listed);

/** What bash would offer after the words, the last one being typed. */
async function offered(words: string[]): Promise<string[]> {
  const quoted = words.map((word) => `'${word}'`).join(" ");
  const script = `${completionScript("bash", sampleCommands)}
COMP_WORDS=(${quoted}); COMP_CWORD=${words.length - 1}; _streamlab; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout } = await new Deno.Command("bash", { args: ["-c", script] }).output();
  return new TextDecoder().decode(stdout).split("\n").filter((line) => line !== "");
}

Deno.test("bash completes commands, flags and values", async () => {
  deepStrictEqual(await offered(["streamlab", "pa"]), ["paint"]);
  deepStrictEqual(await offered(["streamlab", "paint", "--lay"]), ["--layers", "--layer-id"]);
  deepStrictEqual(await offered(["streamlab", "paint", "--no-"]), ["--no-primer"]);
  deepStrictEqual(await offered(["streamlab", "paint", "--finish", ""]), ["matte", "gloss"]);
  deepStrictEqual(await offered(["streamlab", "paint", "--layers", ""]), []);
});

for (const shell of ["bash", "zsh", "fish"] as const) {
  Deno.test(`the ${shell} script names every command and flag`, () => {
    const script = completionScript(shell, commands);
    for (const command of commands) {
      ok(script.includes(command.name));
      for (const { name } of flagsOf(command.flags).flags) ok(script.includes(name), `${command.name} --${name}`);
    }
  });
}
