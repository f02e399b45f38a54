import { deepStrictEqual, match } from "node:assert/strict";
import { inFolder, startStreamlab } from "./program.ts";

Deno.test("the program serves its pages, which a compiled one holds within itself, and answers a question", () =>
  inFolder(async (folder) => {
    await Deno.mkdir(`${folder}/lake`);
    const child = startStreamlab(folder, ["serve", "--source", "lake", "--port", "0"]);
    const reader = child.stderr.pipeThrough(new TextDecoderStream()).getReader();
    try {
      let said = "";
      while (!said.includes("/readyz")) said += (await reader.read()).value ?? "/readyz";
      const address = /http:\/\/127\.0\.0\.1:\d+/.exec(said)?.[0] ?? said;
      const page = await (await fetch(address)).text();
      const files = [...page.matchAll(/(?:src|href)="(\/console\/[^"]+)"/g)].map(([, path]) => path!);
      match(files.join(), /main\.js/);
      for (let path = files.pop(); path !== undefined; path = files.pop()) {
        const response = await fetch(address + path);
        const text = await response.text();
        deepStrictEqual([path, response.status, text.length > 100], [path, 200, true]);
        if (path.endsWith("main.js")) {
          files.push(...text.match(/(?<=from "\.)\/\w+\.js/g)!.map((name) => `/console${name}`));
        }
      }
      const asked = await fetch(`${address}/api/sql`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ sql: "select 1 as one" }),
      });
      deepStrictEqual((await asked.json()).rows, [["1"]]);
    } finally {
      child.kill("SIGINT");
      await Promise.all([reader.cancel(), child.stdin.close(), child.stdout.cancel(), child.status]);
    }
  }));
