import { match, ok, strictEqual } from "node:assert/strict";
import { canRunDocker, startDocker } from "../support/docker.ts";
import { freePort } from "../support/server.ts";
import { say } from "../support/say.ts";
import { inFolder, type Outcome } from "./program.ts";

const root = new URL("../../", import.meta.url).pathname;
const project = "streamlab-test";
const countSql = "select count(*)::int as n from bronze.events";

/** compose.yaml on an engine, under a name of its own: nobody's lake is touched. */
class Compose {
  readonly #env: Record<string, string>;

  constructor(env: Record<string, string>) {
    this.#env = env;
  }

  start(...args: string[]): Deno.ChildProcess {
    return new Deno.Command("docker", {
      args: ["compose", "--project-name", project, ...args],
      cwd: root,
      env: this.#env,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
  }

  async run(...args: string[]): Promise<Outcome> {
    const { code, stdout, stderr } = await this.start(...args).output();
    const decoder = new TextDecoder();
    return { status: code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
  }

  async succeed(...args: string[]): Promise<string> {
    const { status, stdout, stderr } = await this.run(...args);
    strictEqual(status, 0, `docker compose ${args.join(" ")}\n${stdout}${stderr}`);
    return stdout;
  }

  /** Until the consumer, in what it says from now on, has reported a batch. */
  async untilBatch(): Promise<void> {
    const logs = this.start("logs", "--follow", "--tail", "0", "--no-log-prefix", "consumer");
    const drained = logs.stderr.cancel();
    let said = "";
    for await (const piece of logs.stdout.pipeThrough(new TextDecoderStream())) {
      said += piece;
      if (/ batch \d+: /m.test(said)) break;
    }
    logs.kill("SIGTERM");
    await Promise.all([logs.status, drained]);
    ok(/ batch \d+: /m.test(said), `the consumer has ended: ${said}`);
  }

  async count(): Promise<number> {
    const text = await this.succeed("run", "--rm", "-T", "query", "--format", "json", countSql);
    return (JSON.parse(text) as { n: number }[])[0]!.n;
  }
}

Deno.test({
  name: "compose.yaml and the Dockerfile make a lake in containers that outlives kills and restarts",
  ignore: !canRunDocker(),
  fn: () =>
    inFolder(async (folder) => {
      const engine = await startDocker();
      const ports = { MINIO_PORT: String(freePort()), MINIO_CONSOLE_PORT: String(freePort()) };
      const compose = new Compose({ ...engine.env, ...ports, PRODUCE_INTERVAL: "500ms", TMPDIR: folder });
      try {
        await outlive(compose);
      } catch (error) {
        say((await compose.run("logs", "--tail", "30")).stdout);
        throw error;
      } finally {
        await compose.run("down", "--volumes");
        await engine.stop();
      }
    }),
});

async function outlive(compose: Compose): Promise<void> {
  await compose.succeed("up", "--detach", "--build");
  await compose.untilBatch();
  const first = await compose.count();
  ok(first > 0);

  for (const service of ["consumer", "minio", "producer"]) {
    await compose.succeed("kill", service);
    await compose.succeed("up", "--detach");
    await compose.untilBatch();
  }
  await compose.succeed("restart");
  await compose.untilBatch();
  const later = await compose.count();
  ok(later > first, `${later} events after ${first}`);

  await compose.succeed("stop", "producer", "consumer");
  const lake = "s3://lake";
  await compose.succeed("run", "--rm", "-T", "consumer", "consume", "--once", "--source", lake);
  const audit = await compose.run("run", "--rm", "-T", "consumer", "maintain", "--audit", "--source", lake);
  strictEqual(audit.status, 0, audit.stdout + audit.stderr);
  match(audit.stdout, /exactly once/);
  say(`compose: ${await compose.count()} events, audited clean`);
}
