import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { runProgram } from "../../commands/line/program.ts";
import { serve } from "../../commands/serve/serve.ts";
import { openLakeMetrics } from "../../commands/consume/lake_metrics.ts";
import { listenError } from "../../commands/listening.ts";
import { systemClock } from "../../core/base/clock.ts";
import { systemRandom } from "../../core/base/random.ts";
import { FileCatalog } from "../../core/iceberg/catalog/file_catalog.ts";
import { openLocalStore } from "../../core/storage/local/local_store.ts";
import { testWorld } from "../support/test_world.ts";
import { scratchFolder } from "../support/scratch_folder.ts";

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
      [["--vend-credentials"], /Cannot give out credentials for .*: it is a folder of this machine/],
    ];
    for (const [args, expected] of cases) {
      const world = testWorld({ commands: [serve], cwd: folder });
      ok(await runProgram(["serve", ...args], world) > 0);
      match(world.stderrText(), expected);
    }
  }));

Deno.test("where a server cannot listen, it says why and which flag names another place", () =>
  withLake(async (folder) => {
    await Deno.writeTextFile(`${folder}/tokens`, "0123456789abcdef\n");
    using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const cases: [string[], RegExp][] = [
      [["--port", String(taken.addr.port)], /Cannot listen on 127\.0\.0\.1:\d+: another program does\n.*with --port/],
      [["--host", "192.0.2.1"], /Cannot listen on 192\.0\.2\.1:0: this machine has no such address\n.*with --host/],
      [["--host", "::9"], /Cannot listen on \[::9\]:0: this machine has no such address/],
      [["--host", "a b"], /Cannot listen on a b:0: this machine has no such address/],
    ];
    for (const [args, expected] of cases) {
      const world = testWorld({ commands: [serve], cwd: folder });
      const port = args.includes("--port") ? [] : ["--port", "0"];
      strictEqual(await runProgram(["serve", "--token-file", "tokens", ...port, ...args], world), 1);
      match(world.stderrText(), expected);
    }
    // Only some systems keep the low ports, and not from every user.
    const place = { hostname: "127.0.0.1", port: 80, portFlag: "--metrics-port" };
    match(
      String(listenError(new Deno.errors.PermissionDenied("Permission denied"), place)),
      /Cannot listen on 127\.0\.0\.1:80: the system does not let this user/,
    );
    const other = new TypeError("something else");
    strictEqual(listenError(other, place), other);
  }));

Deno.test("the metrics of a consumer speak of no page and no flag that a consumer lacks", () =>
  withLake(async (folder) => {
    const world = testWorld({ commands: [], cwd: folder });
    const context = { ...world, clock: systemClock, json: false, jsonMessages: false, debug: false };
    const random = systemRandom, store = openLocalStore(`${folder}/lake`, { random, durable: false });
    const surroundings = { catalog: new FileCatalog({ store, clock: systemClock, random }), store, random };
    const machine = { temporaryFolder: scratchFolder(), threads: 1, memory: "256MB" };
    const wishes = { port: 0, telemetry: undefined, once: false };
    const metrics = (await openLakeMetrics(context, wishes, { ...surroundings, clock: systemClock }, machine))!;
    try {
      const said = async (path: string, host: string) => {
        using connection = await Deno.connect({ hostname: "127.0.0.1", port: Number(new URL(metrics.address!).port) });
        const lines = [`GET ${path} HTTP/1.1`, `host: ${host}`, "connection: close", "", ""];
        await connection.write(new TextEncoder().encode(lines.join("\r\n")));
        return await new Response(connection.readable).text();
      };
      match(await said("/none", "localhost"), / 404 [^]*see \/metrics, \/healthz and \/readyz"/);
      match(await said("/metrics", "evil.example"), / 403 [^]*does not go by that name: ask for 127\.0\.0\.1"/);
      match(await said("/healthz", "localhost"), / 204 /);
    } finally {
      await metrics.close();
    }
  }));

Deno.test("the command serves with its tokens until it is interrupted, and says where", () =>
  withLake(async (folder) => {
    await Deno.writeTextFile(`${folder}/tokens`, "0123456789abcdef\n");
    const stop = new AbortController();
    const world = testWorld({ commands: [serve], cwd: folder, signal: stop.signal });
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
