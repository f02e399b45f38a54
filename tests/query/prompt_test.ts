import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { completeCommand, PromptInput } from "../../core/query/prompt.ts";

Deno.test("a question goes on over lines until its semicolon", () => {
  const input = new PromptInput();
  deepStrictEqual(input.take("select 1"), []);
  strictEqual(input.isPending, true);
  deepStrictEqual(input.take("  , ';' -- ;"), []);
  deepStrictEqual(input.take("; select 2; select"), [
    { kind: "ask", sql: "select 1\n  , ';' -- ;" },
    { kind: "ask", sql: "select 2" },
  ]);
  deepStrictEqual(input.take(" 3;"), [{ kind: "ask", sql: "select\n 3" }]);
  strictEqual(input.isPending, false);
});

Deno.test("what is pending can be dropped", () => {
  const input = new PromptInput();
  input.take("select 1");
  input.clear();
  strictEqual(input.isPending, false);
});

Deno.test("a line that starts with a dot is a command, but not inside a question", () => {
  const input = new PromptInput();
  const command = (name: string, argument?: string) => [{ kind: "command", name, argument }];
  deepStrictEqual(input.take(".tables"), command("tables"));
  deepStrictEqual(input.take("  .schema bronze.events;"), command("schema", "bronze.events"));
  deepStrictEqual(input.take(".schema"), command("schema"));
  deepStrictEqual(input.take(".mode csv"), command("mode", "csv"));
  deepStrictEqual(input.take(".read a file.sql ;"), command("read", "a file.sql"));
  deepStrictEqual(input.take(".quit"), command("quit"));
  deepStrictEqual(input.take(".exit"), command("quit"));
  deepStrictEqual(input.take(".tabels"), [{ kind: "unknown", command: ".tabels" }]);
  input.take("select 1");
  deepStrictEqual(input.take(".5;"), [{ kind: "ask", sql: "select 1\n.5" }]);
});

Deno.test("a word behind a dot is completed as a command", () => {
  deepStrictEqual(completeCommand(".ti"), [[".timer", ".timezone"], ".ti"]);
  deepStrictEqual(completeCommand("  .q"), [[".quit"], ".q"]);
  strictEqual(completeCommand(".read fi"), undefined);
  strictEqual(completeCommand("select .5"), undefined);
});
