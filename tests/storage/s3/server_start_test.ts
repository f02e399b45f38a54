import { rejects, strictEqual } from "node:assert/strict";
import { startServer, untilItSays } from "../../support/server.ts";

function shell(script: string): { process: Deno.ChildProcess } {
  const options: Deno.CommandOptions = { args: ["-c", script], stdin: "null", stdout: "null", stderr: "piped" };
  return { process: new Deno.Command("sh", options).spawn() };
}

Deno.test("a test's server that lost a port to somebody else as it came up is started again", async () => {
  const scripts = ["echo address already in use >&2; exit 1", "echo up >&2; exec sleep 600"];
  let starts = 0;
  const { process } = await startServer(() => shell(scripts[starts++]!), ({ process }) => untilItSays(process, "up\n"));
  process.kill("SIGKILL");
  await Promise.all([process.status, process.stderr.cancel()]);
  strictEqual(starts, 2);
});

Deno.test("a test's server that never comes up fails with its own words", async () => {
  const start = () => shell("echo no such disk >&2; exit 1");
  await rejects(startServer(start, ({ process }) => untilItSays(process, "up\n")), /no such disk/);
});
