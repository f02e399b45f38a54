import { match, strictEqual } from "node:assert/strict";
import { consume } from "../../commands/consume/consume.ts";
import { runProgram } from "../../commands/line/program.ts";
import { systemClock } from "../../core/base/clock.ts";
import { inFolder } from "../e2e/program.ts";
import { testWorld } from "../support/test_world.ts";

interface Case {
  args: string[];
  status: number;
  says: RegExp;
}

Deno.test("notifications that cannot be taken are refused, and nothing is made", () =>
  inFolder(async (folder) => {
    await Deno.mkdir(`${folder}/lake/raw/events`, { recursive: true });
    await Deno.writeTextFile(`${folder}/short`, "secret");
    using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const here = "http://127.0.0.1:0", tokens = "--notifications-token-file";
    const refused = (...urls: string[]) =>
      urls.map((url): Case => ({
        args: ["--notifications", url],
        status: 2,
        says: /expected http:\/\/HOST:PORT or sqs:/,
      }));
    const cases: Case[] = [
      ...refused(
        "127.0.0.1:80",
        "https://127.0.0.1:80",
        "http://127.0.0.1",
        "http://a@127.0.0.1:80",
        "http://[::1]:70000",
      ),
      ...refused("sqs://", "sqs://host", "sqs://key:secret@host/1/q", "kafka://host/topic"),
      { args: ["--notifications", here, "--once"], status: 2, says: /--notifications says nothing with --once/ },
      { args: ["--notifications", here, "--dry-run"], status: 2, says: /--notifications cannot be asked for together/ },
      { args: [tokens, "short"], status: 2, says: /-token-file says nothing without --notifications http/ },
      {
        args: ["--notifications", "http://0.0.0.0:0"],
        status: 2,
        says: /Cannot take messages on 0\.0\.0\.0 from everybody/,
      },
      { args: ["--notifications", here], status: 2, says: /the raw files are in a folder of this disk/ },
      {
        args: ["--raw", "s3://bucket/x", "--sink", "lake", "--create", "--notifications", here, tokens, "short"],
        status: 2,
        says: /Cannot take the tokens of --notifications-token-file: one is shorter/,
      },
      {
        args: ["--raw", "s3://bucket/x", "--sink", "lake", "--create", "--notifications", here, tokens, "no"],
        status: 1,
        says: /Cannot read the tokens from \S+\/no: there is no such file\n$/,
      },
      {
        args: [
          ...["--raw", "s3://bucket/x", "--sink", "lake", "--create", "--notifications"],
          `http://127.0.0.1:${(taken.addr as Deno.NetAddr).port}`,
        ],
        status: 1,
        says: /Cannot listen on 127\.0\.0\.1:\d+: another program does\n.*--notifications/,
      },
    ];
    for (const { args, status, says } of cases) {
      const world = { ...testWorld({ commands: [consume], cwd: folder, env: {} }), clock: systemClock };
      strictEqual(await runProgram(["consume", ...args], world), status, `${args}: ${world.stderrText()}`);
      match(world.stderrText(), says, args.join(" "));
    }
    strictEqual([...Deno.readDirSync(`${folder}/lake`)].map(({ name }) => name).join(), "raw");
  }));
