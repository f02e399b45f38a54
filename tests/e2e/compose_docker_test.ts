import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { canRunDocker, startDocker } from "../support/docker.ts";
import { freePort } from "../support/server.ts";
import { say } from "../support/say.ts";
import { inFolder, type Outcome } from "./program.ts";

const root = new URL("../../", import.meta.url).pathname;
const project = "streamlab-test";

/** Files of compose on an engine, under a name of their own: nobody's lake is touched. */
class Compose {
  readonly #env: Record<string, string>;
  readonly #files: readonly string[];

  constructor(env: Record<string, string>, ...files: string[]) {
    this.#env = env;
    this.#files = files.flatMap((file) => ["--file", file]);
  }

  start(...args: string[]): Deno.ChildProcess {
    return new Deno.Command("docker", {
      args: ["compose", "--project-name", project, ...this.#files, ...args],
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

  async ask(sql: string): Promise<unknown[]> {
    return JSON.parse(await this.succeed("run", "--rm", "-T", "query", "--format", "json", sql)) as unknown[];
  }

  async count(): Promise<number> {
    const [{ n }] = await this.ask("select count(*)::int as n from bronze.events") as [{ n: number }];
    return n;
  }
}

Deno.test({
  name:
    "compose.yaml, compose.spark.yaml and the Dockerfile make a lake in containers that outlives kills and restarts",
  ignore: !canRunDocker(),
  fn: (t) =>
    inFolder(async (folder) => {
      const engine = await startDocker();
      try {
        const env = { ...engine.env, ...ports(), PRODUCE_INTERVAL: "500ms", TMPDIR: folder };
        const small = new Compose(env, "compose.yaml"), large = new Compose(env, "compose.yaml", "compose.spark.yaml");
        await t.step("on one machine", () => live(small, outlive));
        await t.step("on a Spark cluster", () => live(large, (compose) => outliveOnSpark(compose, small)));
      } finally {
        await engine.stop();
      }
    }),
});

function ports(): Record<string, string> {
  const names = ["MINIO_PORT", "MINIO_CONSOLE_PORT", "SERVE_PORT", "SPARK_MASTER_PORT"];
  return Object.fromEntries(names.map((name) => [name, String(freePort())]));
}

async function live(compose: Compose, action: (compose: Compose) => Promise<void>): Promise<void> {
  try {
    await action(compose);
  } catch (error) {
    say((await compose.run("logs", "--tail", "30")).stdout);
    throw error;
  } finally {
    await compose.run("down", "--volumes");
  }
}

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
  await auditClean(compose);
}

/** `embedded`: the same lake's containers without the cluster. */
async function outliveOnSpark(compose: Compose, embedded: Compose): Promise<void> {
  await compose.succeed("up", "--detach", "--build");
  await compose.untilBatch();
  // Who plans and commits is killed on one machine, too, and by spark_kills_test.ts.
  for (const service of ["spark-worker", "spark-master"]) {
    await compose.succeed("kill", service);
    await compose.succeed("up", "--detach");
    await compose.untilBatch();
  }
  await embedded.succeed("up", "--detach", "--remove-orphans");
  await embedded.untilBatch();
  await embedded.succeed("stop", "producer", "consumer");
  deepStrictEqual(await embedded.ask("select distinct engine from ingest.batches order by all"), [
    { engine: "embedded" },
    { engine: "spark" },
  ]);
  await auditClean(embedded);
}

/** When the consumer has stopped. */
async function auditClean(compose: Compose): Promise<void> {
  const lake = "s3://lake";
  await compose.succeed("run", "--rm", "-T", "consumer", "consume", "--once", "--source", lake);
  const audit = await compose.run("run", "--rm", "-T", "consumer", "maintain", "--audit", "--source", lake);
  strictEqual(audit.status, 0, audit.stdout + audit.stderr);
  match(audit.stdout, /exactly once/);
  say(`compose: ${await compose.count()} events, audited clean`);
}
