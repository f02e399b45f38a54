import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { runProgram } from "../../commands/line/program.ts";
import { serve } from "../../commands/serve/serve.ts";
import { systemClock } from "../../core/base/clock.ts";
import { testWorld } from "../support/test_world.ts";

async function withLake(action: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "streamlab-serve-" });
  try {
    await Deno.mkdir(`${folder}/lake`);
    await action(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("anywhere but on this machine a server needs tokens, and says so before it listens", () =>
  withLake(async (folder) => {
    for (const host of ["0.0.0.0", "::", "192.0.2.1", "lake.example"]) {
      const world = testWorld({ commands: [serve], cwd: folder });
      strictEqual(await runProgram(["serve", "--host", host], world), 2);
      match(world.stderrText(), /Cannot serve on .* to everybody: there are no tokens\n.*--token-file/);
    }
    const world = testWorld({ commands: [serve], cwd: folder });
    strictEqual(await runProgram(["serve", "--token-file", "none"], world), 1);
    match(world.stderrText(), /Cannot read the tokens from/);
  }));

Deno.test("what cannot be served is said as every command says it", () =>
  withLake(async (folder) => {
    const cases: [string[], RegExp][] = [
      [["--source", "none"], /There is no lake at/],
      [["--port", "70000"], /expected a port from 0 to 65535/],
    ];
    for (const [args, expected] of cases) {
      const world = testWorld({ commands: [serve], cwd: folder });
      ok(await runProgram(["serve", ...args], world) > 0);
      match(world.stderrText(), expected);
    }
  }));

Deno.test("the command serves with its tokens until it is interrupted, and says where", () =>
  withLake(async (folder) => {
    await Deno.writeTextFile(`${folder}/tokens`, "0123456789abcdef\n");
    const stop = new AbortController();
    const world = testWorld({ commands: [serve], cwd: folder, signal: stop.signal, env: { TMPDIR: "/tmp" } });
    const args = ["serve", "--port", "0", "--token-file", "tokens"];
    const said = Promise.withResolvers<string>();
    const stderr = {
      ...world.stderr,
      write: async (text: string | Uint8Array) => {
        await world.stderr.write(text);
        said.resolve(world.stderrText());
      },
    };
    const running = runProgram(args, { ...world, stderr, clock: systemClock });
    const address = /http:\/\/[^ ]+:\d+/.exec(await said.promise)![0];
    const authorization = "Bearer 0123456789abcdef";
    const config = await fetch(`${address}/catalog/v1/config`, { headers: { authorization } });
    deepStrictEqual(Object.keys(await config.json()), ["defaults", "overrides", "endpoints"]);
    const refused = await fetch(`${address}/metrics`);
    deepStrictEqual([refused.status, (await refused.json()).error.code], [401, 401]);
    stop.abort();
    strictEqual(await running, 130);
    ok(!world.stderrText().includes("0123456789abcdef"));
  }));
