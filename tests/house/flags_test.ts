import { deepStrictEqual, ok } from "node:assert/strict";
import { flagsOf } from "../../commands/line/flags.ts";
import { commandHelp, programHelp } from "../../commands/line/help.ts";
import { loadCommands } from "../../commands/line/command.ts";
import { commands as listed } from "../../main.ts";
import { checkGolden } from "../support/golden.ts";

const commands = await loadCommands(listed);

Deno.test("docs/commands.md is what --help prints", async () => {
  const parts = [
    "# Commands",
    "`streamlab --help`, and `streamlab COMMAND --help` of each command.",
    block(programHelp(commands)),
  ];
  for (const command of commands) parts.push(`## ${command.name}`, block(commandHelp(command)));
  await checkGolden(new URL("../../docs/commands.md", import.meta.url), `${parts.join("\n\n")}\n`);
});

function block(text: string): string {
  return `\`\`\`text\n${text.trimEnd()}\n\`\`\``;
}

Deno.test("every flag says what it does", () => {
  for (const command of commands) {
    for (const { name, meta } of flagsOf(command.flags).flags) ok(meta.doc.length > 5, `${command.name} --${name}`);
  }
});

Deno.test("examples in help use flags that exist", () => {
  const unknown = commands.flatMap((command) =>
    command.examples.flatMap(({ line }) => {
      const verb = line.split(" ")[1];
      const target = commands.find(({ name }) => name === verb) ?? command;
      const known = flagsOf(target.flags).flags.map(({ name }) => `--${name}`);
      return [...line.matchAll(/ (--[a-z][a-z-]*)/g)].map(([, flag]) => flag!)
        .filter((flag) => !known.includes(flag) && flag !== "--help")
        .map((flag) => `${command.name}: ${line}: ${flag}`);
    })
  );
  deepStrictEqual(unknown, []);
});
