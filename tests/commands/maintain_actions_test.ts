import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { commandHelp } from "../../commands/line/help.ts";
import { ACTIONS } from "../../commands/maintain/actions.ts";
import { maintain } from "../../commands/maintain/maintain.ts";

const folder = new URL("../../commands/maintain/", import.meta.url);

Deno.test("an action of maintain is one file and one line of the list", () => {
  const files = [...Deno.readDirSync(new URL("actions/", folder))].map(({ name }) => name).sort();
  deepStrictEqual(files, ACTIONS.map(({ name }) => `${name.replaceAll("-", "_")}.ts`).sort());
  const command = Deno.readTextFileSync(new URL("maintain.ts", folder));
  const code = command.slice(command.indexOf("async function run("));
  for (const { name } of ACTIONS) ok(!code.includes(`"${name}"`), `maintain.ts knows ${name}`);
});

Deno.test("each action is asked for by a flag of its name, and its own flags are in the help", () => {
  const help = commandHelp(maintain);
  for (const { name, doc, flags } of ACTIONS) {
    ok(help.includes(`--${name} `), name);
    ok(help.replaceAll(/\s+/g, " ").includes(doc), doc);
    for (const key of Object.keys(flags)) ok(key in maintain.flags.shape, key);
  }
});

Deno.test("the words of an action say in a dry run what would be done", () => {
  const tense = (past: string, infinitive: string) => `${past}/${infinitive}`;
  const lines = Object.fromEntries(ACTIONS.flatMap((action) => {
    return action.kind === "table" ? [[action.name, action.lines]] : [];
  }));
  const manifests = { before: 9, after: 2, rewritten: 8 };
  deepStrictEqual(lines["rewrite-manifests"]!(manifests, tense, false), ["rewrote/rewrite 8 manifests: 9 → 2"]);
  strictEqual(Object.keys(lines).length, 4);
});
