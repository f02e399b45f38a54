import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { help } from "../../commands/line/help.ts";
import { completions } from "../../commands/line/completions.ts";
import { runProgram } from "../../commands/line/program.ts";
import { type Command, loadCommands } from "../../commands/line/command.ts";
import { commands as listed } from "../../main.ts";
import { checkGolden } from "../support/golden.ts";
import { testWorld } from "../support/test_world.ts";
import { type CliCase, cliCases } from "./cases.ts";
import { sampleCommands } from "./sample_commands.ts";

const commands = await loadCommands(listed);
const goldens = new URL("goldens/", import.meta.url);

async function transcript(each: CliCase, table: readonly Command[]): Promise<string> {
  const files: Record<string, string> = {};
  if (each.settings !== undefined) files["/work/streamlab.json"] = each.settings;
  const world = testWorld({ commands: table, files, env: each.env ?? {} });
  const status = await runProgram(each.args, world);
  return `status ${status}\n--- stdout\n${world.stdoutText()}--- stderr\n${world.stderrText()}`;
}

for (const each of cliCases) {
  Deno.test(`the command line shows what its golden says: ${each.name}`, async () => {
    const text = await transcript(each, [...sampleCommands, help, completions]);
    await checkGolden(new URL(`${each.name}.txt`, goldens), text);
  });
}

for (const command of commands) {
  Deno.test(`the help of ${command.name} is what its golden says`, async () => {
    const text = await transcript({ name: command.name, args: [command.name, "--help"] }, commands);
    await checkGolden(new URL(`help-${command.name}.txt`, goldens), text);
    strictEqual(await transcript({ name: command.name, args: ["help", command.name] }, commands), text);
  });

  Deno.test(`${command.name} speaks as the house does`, () => {
    ok(/^[A-Z].*[^.]$/.test(command.summary), "the summary starts with a capital and has no final period");
    ok(command.examples.length >= 3, "three examples");
    for (const { line } of command.examples) ok(/\bstreamlab\b/.test(line), line);
  });
}

Deno.test("the program's table calls each command by its name", () => {
  deepStrictEqual(listed.map(({ name }) => name), commands.map(({ name }) => name));
});

Deno.test("there is no golden without a case", async () => {
  const known = [...cliCases.map(({ name }) => name), ...commands.map(({ name }) => `help-${name}`)];
  for await (const { name } of Deno.readDir(goldens)) {
    ok(known.includes(name.replace(/\.txt$/, "")), `${name} has no case`);
  }
});

Deno.test("settings that another user could have written are taken only where they are named", async () => {
  const files = { "/work/streamlab.json": '{ "catalog": "http://evil.example" }' };
  const foreignHands = { "/work/streamlab.json": '"/work" belongs to another user' };
  const run = async (args: string[], env: Record<string, string> = {}) => {
    const world = testWorld({ commands, files, foreignHands, env });
    return { status: await runProgram(args, world), said: world.stderrText() };
  };
  const refused = await run(["completions", "bash"]);
  strictEqual(refused.status, 2);
  ok(refused.said.includes('Cannot take settings from /work/streamlab.json: "/work" belongs to another user'));
  ok(refused.said.includes("--config streamlab.json"));
  strictEqual((await run(["completions", "bash", "--config", "streamlab.json"])).status, 0);
  strictEqual((await run(["completions", "bash"], { STREAMLAB_CONFIG: "streamlab.json" })).status, 0);
});
